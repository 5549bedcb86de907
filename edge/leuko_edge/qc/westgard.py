"""Westgard's rules: does the newest measurement of a control say that the method has changed?

Westgard, Barry, Hunt, Groth 1981, A multi-rule Shewhart chart for quality control in clinical chemistry, Clin Chem
27:493–501. "Exceeds" is further out than the limit, not on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple


class Rule(StrEnum):
    """Limits in standard deviations from the mean. All but the third look at what came one after another."""

    ONE_3S = "1-3s"
    """One exceeds 3 on either side: something is wrong, of either kind."""
    TWO_2S = "2-2s"
    """Two in a row exceed 2 on the same side: it lies off."""
    R_4S = "R-4s"
    """Within one run one exceeds +2 and another -2: it scatters. Needs two measurements in a run."""
    FOUR_1S = "4-1s"
    """Four in a row exceed 1 on the same side: it lies a little off."""
    TEN_X = "10-x"
    """Ten in a row lie on the same side of the mean: it lies a little off."""


REJECT = (Rule.ONE_3S, Rule.TWO_2S, Rule.R_4S)
"""Nothing is counted before the cause is found. The other two see small shifts early: counting goes on, the microscope
is looked after."""


class Measured(NamedTuple):
    """One measurement of a control."""

    run: str  # what was measured together; two controls of a day, say
    control: str  # which one; each has a mean of its own
    z: float  # standard deviations from that mean


def broken(history: Sequence[Measured]) -> tuple[Rule, ...]:
    """The rules that the newest of `history` (oldest first, at least one) breaks.

    What comes in a row is looked for within its control and across all controls, as the paper does.
    """
    newest = history[-1]
    across = [one.z for one in history[-10:]]
    within = [one.z for one in history if one.control == newest.control][-10:]
    together = [one.z for one in history if one.run == newest.run]
    found = []
    if abs(newest.z) > 3:
        found.append(Rule.ONE_3S)
    if _same_side(within, 2, 2) or _same_side(across, 2, 2):
        found.append(Rule.TWO_2S)
    if max(together) > 2 and min(together) < -2:
        found.append(Rule.R_4S)
    if _same_side(within, 4, 1) or _same_side(across, 4, 1):
        found.append(Rule.FOUR_1S)
    if _same_side(within, 10, 0) or _same_side(across, 10, 0):
        found.append(Rule.TEN_X)
    return tuple(found)


def _same_side(values: Sequence[float], count: int, limit: float) -> bool:
    last = values[-count:]
    return len(last) == count and (min(last) > limit or max(last) < -limit)
