"""Is the microscope still right: the control's last test, and how the last session differs from those before it."""

from __future__ import annotations

import os
from contextlib import closing

from ..errors import LeukoError
from ..model.card import load_verified
from ..qc import drift, words
from ..qc.drift import FEWEST
from ..qc.standing import Standing, standing
from ..store.migrations import MIGRATIONS
from ..store.quality import Quality
from ..store.schema import open_to_look, version_of
from .finding import Finding, bad, good, skipped, told, warning
from .machine import Machine, may_look
from .settings import Settings

EVER = 1e6  # hours: where no age is asked for


def check_quality(machine: Machine, settings: Settings) -> list[Finding]:
    """Of the database in force. Nothing is written to it, and one of an older version is not looked into."""
    path = settings.database
    if not may_look(path):
        return [skipped("control", f"{path} may not be read by {machine.user}", "sudo leuko-edge doctor")]
    try:
        known = os.path.exists(path) and _is_of_this_version(path)
        return [_control(path if known else "", settings, machine.now()), *([_drift(path)] if known else [])]
    except LeukoError as error:
        return [told("control", error)]


def _is_of_this_version(path: str) -> bool:
    with closing(open_to_look(path)) as connection:
        return version_of(connection) == len(MIGRATIONS)


def _control(path: str, settings: Settings, now: float) -> Finding:
    runs = Quality(path).runs() if path else ()
    asked = settings.in_force.qc.max_age
    found = standing(runs, now, asked or EVER, load_verified(settings.in_force.model.path, certified=False)[0].sha256)
    if found == Standing.PASSED:
        hours = (now - [run for run in runs if not run.drawn][-1].at) / 3600
        return good("control", f"its last test passed {max(0.0, hours):.0f} hours ago")
    said = words.standing(found, asked or EVER)
    if asked is None:
        return skipped("control", said, words.TEST_FIRST) if found == Standing.NEVER else _wrong(said, False)
    return _wrong(said, settings.in_force.qc.overdue == "refuse")


def _wrong(said: str, refused: bool) -> Finding:
    if refused:
        return bad("control", f"{said}, so nothing is counted", words.TEST_FIRST)
    return warning("control", said, words.TEST_FIRST)


def _drift(path: str) -> Finding:
    found = drift.newest(path)
    if found is None or found.before < FEWEST:
        sessions = 0 if found is None else found.before
        return skipped("drift", f"{sessions} sessions before the last one: with {FEWEST} it is told")
    if not found.findings:
        return good("drift", f"session {found.session} was as the {found.before} before it")
    first, *more = (words.finding(one) for one in found.findings)
    cures = dict.fromkeys(words.cure(one) for one in found.findings)
    return warning("drift", f"session {found.session}: {'; '.join([first, *more])}", "; ".join(cures))
