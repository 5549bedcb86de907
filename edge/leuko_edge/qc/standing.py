"""Has the control been tested, lately and with success? What counting asks before it begins."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from ..store.quality import QualityRun

HOUR = 3600.0


class Standing(StrEnum):
    PASSED = "passed"
    NEVER = "never"
    FAILED = "failed"
    OLD = "old"
    OTHER_MODEL = "other_model"


def standing(runs: Sequence[QualityRun], now: float, max_age: float, model_sha256: str) -> Standing:
    """By the newest test of a real control: an earlier success does not stand against a failure since.

    `runs` oldest first, `now` in seconds since the epoch, `max_age` in hours. A drawn control says nothing of a
    microscope, and a test with another model nothing of this one. A test from after `now` is as good as an old one:
    one of the two times is wrong.
    """
    real = [run for run in runs if not run.drawn]
    if not real:
        return Standing.NEVER
    last = real[-1]
    if not last.passed:
        return Standing.FAILED
    if last.model_sha256 != model_sha256:
        return Standing.OTHER_MODEL
    return Standing.PASSED if abs(now - last.at) <= max_age * HOUR else Standing.OLD
