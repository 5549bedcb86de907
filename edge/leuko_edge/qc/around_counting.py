"""What counting asks of quality control before a session begins, and what it hears of one that has ended."""

from __future__ import annotations

import time

from ..config.settings import QcSettings
from ..errors import NotTested
from ..store.errors import StoreError
from ..store.quality import Quality
from . import drift, words
from .standing import standing

NEWEST = 1000  # tests that are looked at: drawn ones among them say nothing


def ask_for_test(settings: QcSettings, database: str, model_sha256: str) -> str:
    """What to warn of, "" where there is nothing; NotTested where nothing may be counted so."""
    if settings.max_age is None:
        return ""
    found = standing(Quality(database).runs(NEWEST), time.time(), settings.max_age, model_sha256)
    said = words.standing(found, settings.max_age)
    if said and settings.overdue == "refuse":
        raise NotTested(said, words.TEST_FIRST)
    return f"{said}; {words.TEST_FIRST}" if said else ""


def told_of(database: str, session: int) -> list[str]:
    """How a session that has ended left what is usual here, a sentence each. A count never fails for it: where the
    sessions before cannot be read, nothing is said."""
    try:
        found = drift.newest(database, session)
    except StoreError:
        return []
    return [] if found is None else words.drifted(found)
