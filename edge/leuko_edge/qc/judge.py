"""Is the control as it was? Fixed limits about what is known of it, and the rules on its own charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..binomial import clopper_pearson
from ..store.quality import QualityRun
from ..types import LEUKOCYTES
from .chart import charts
from .control import Control
from .finding import Code, Finding
from .measure import Measurement
from .watched import AGREED, FOUND, LEAST_AGREED, LEAST_CELLS, LEAST_FOUND, UNIDENTIFIED, WATCHED

SURE = 0.99
"""Of each class's interval where a differential is compared: of five classes one is off by chance once in thousands,
for both intervals must lie apart."""


def judge(control: Control, seen: Measurement, now: QualityRun, earlier: Sequence[QualityRun]) -> list[Finding]:
    """All that is wrong, what fails the test first; `now` is this run as it will be kept, after `earlier` ones."""
    found = [*_limits(control, seen.signs), *_cells(control, seen)]
    for one in _rules(control, now, earlier):
        same = next((n for n, other in enumerate(found) if other.code == one.code and other.sign == one.sign), None)
        if same is None:
            found.append(one)
        else:
            found[same] = replace(found[same], rules=one.rules)
    return sorted(found, key=lambda finding: not finding.fails)


def _limits(control: Control, signs: Mapping[str, float]) -> list[Finding]:
    found = []
    for sign, watched in WATCHED.items():
        expected = control.signs.get(sign)
        if sign not in signs or expected is None or sign in (FOUND, AGREED, UNIDENTIFIED):
            continue
        off = signs[sign] - expected
        code = watched.high if off > 0 else watched.low
        if code is not None and abs(off) > watched.span(watched.allowed, expected):
            found.append(Finding(code, sign, signs[sign], expected, limit=True))
    return found


def _cells(control: Control, seen: Measurement) -> list[Finding]:
    """The cells: all pictures counted, enough of them, found again, named as known, as many of each class."""
    found = []
    if seen.lost:
        counted = seen.pictures - len(seen.lost)
        found.append(Finding(Code.PICTURES_LOST, "pictures", counted, seen.pictures, limit=True))
    if seen.white < LEAST_CELLS:
        found.append(Finding(Code.TOO_FEW_CELLS, "cells", seen.white, LEAST_CELLS, limit=True))
    least_agreed = control.signs.get(AGREED, LEAST_AGREED + WATCHED[AGREED].allowed) - WATCHED[AGREED].allowed
    for sign, least in ((FOUND, LEAST_FOUND), (AGREED, least_agreed)):
        code = WATCHED[sign].low
        if code is not None and seen.signs.get(sign, 1.0) < least:
            found.append(Finding(code, sign, seen.signs[sign], least, limit=True))
    most = control.signs.get(UNIDENTIFIED, 0.0) + WATCHED[UNIDENTIFIED].allowed
    if seen.signs.get(UNIDENTIFIED, 0.0) > most:
        found.append(Finding(Code.MORE_UNIDENTIFIED, UNIDENTIFIED, seen.signs[UNIDENTIFIED], most, limit=True))
    return found if control.cells else [*found, *_differential(control, seen.counts)]


def _differential(control: Control, counts: Mapping[str, int]) -> list[Finding]:
    """Classes whose share and known share lie apart by more than both counts leave open (exact intervals)."""
    total = sum(counts.get(label, 0) for label in LEUKOCYTES)
    found = []
    for label in LEUKOCYTES:
        share = control.differential.get(label, 0.0)
        before = clopper_pearson(round(share * control.counted / 100), control.counted, SURE)
        now = clopper_pearson(counts.get(label, 0), total, SURE)
        if total and (now[0] > before[1] or now[1] < before[0]):
            value = 100 * counts.get(label, 0) / total
            found.append(Finding(Code.OTHER_DIFFERENTIAL, label, value, share, limit=True))
    return found


def _rules(control: Control, now: QualityRun, earlier: Sequence[QualityRun]) -> list[Finding]:
    found = []
    now = replace(now, passed=False)  # it is no part of what it is judged by
    for chart in charts([*earlier, now], control.sha256, control.usual):
        last, watched = chart.points[-1], WATCHED[chart.sign]
        if not last.rules or last.z is None or chart.baseline is None or chart.sign not in now.signs:
            continue
        code = watched.high if last.z > 0 else watched.low
        if code is not None:
            small = watched.is_small(last.value, chart.baseline.mean)
            found.append(Finding(code, chart.sign, last.value, chart.baseline.mean, rules=last.rules, small=small))
    return found
