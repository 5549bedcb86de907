"""Levey and Jennings' charts: each test of a control as standard deviations from what is usual for it.

Levey & Jennings 1950, Am J Clin Pathol 20:1059–1066.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from ..store.quality import QualityRun
from .baseline import Baseline, baseline
from .watched import WATCHED
from .westgard import Measured, Rule, broken


@dataclass(frozen=True)
class Point:
    run: int  # its number
    at: float  # seconds since the epoch
    value: float
    z: float | None  # None: nothing is usual yet
    rules: tuple[Rule, ...] = ()  # that it breaks


@dataclass(frozen=True)
class Chart:
    """Of one sign and one control, oldest first. `baseline` None: fewer good runs than it takes."""

    sign: str
    control: str
    baseline: Baseline | None
    points: tuple[Point, ...]


def usual(runs: Sequence[QualityRun], control: str, sign: str, told: Mapping[str, Baseline]) -> Baseline | None:
    """What is usual for a sign of the control of that SHA-256: as told, else of its first runs that passed, since it
    was last said that they are to begin anew."""
    if sign in told:
        return told[sign]
    own = [run for run in runs if run.control_sha256 == control]
    since = max((n for n, run in enumerate(own) if run.begins), default=0)
    values = [run.signs[sign] for run in own[since:] if run.passed and sign in run.signs]
    watched = WATCHED[sign]
    least = watched.span(watched.least, median(values)) if values else 0.0
    return baseline(values, least or watched.least)


def charts(runs: Sequence[QualityRun], control: str, told: Mapping[str, Baseline]) -> list[Chart]:
    """Of every sign that a control's runs have; all controls' runs are given, for rules look across them."""
    own = [run for run in runs if run.control_sha256 == control]
    signs = [sign for sign in WATCHED if any(sign in run.signs for run in own)]
    return [_chart(runs, own, control, sign, told) for sign in signs]


def _chart(
    runs: Sequence[QualityRun], own: Sequence[QualityRun], control: str, sign: str, told: Mapping[str, Baseline]
) -> Chart:
    usuals = {sha: usual(runs, sha, sign, told if sha == control else {}) for sha in {r.control_sha256 for r in runs}}
    points, history = [], list[Measured]()
    for run in runs:
        if sign not in run.signs:
            continue
        base = usuals[run.control_sha256]
        z = None if base is None else base.z(run.signs[sign])
        if z is not None:
            history.append(Measured(day(run.at), run.control_sha256, z))
        if run.control_sha256 == control:
            rules = () if z is None else broken(history[-40:])
            points.append(Point(run.id, run.at, run.signs[sign], z, rules))
    return Chart(sign, own[-1].control, usuals[control], tuple(points))


def day(at: float) -> str:
    """The calendar's: what is measured on one day is one run in Westgard's sense."""
    return time.strftime("%Y-%m-%d", time.localtime(at))
