"""Is a class above a threshold? A rule that may be asked after every cell, and how many cells it will need.

A 95 % interval that is looked at again and again excludes the truth sooner or later. This rule does not: it weighs each
share against all others (a mixture of binomials by a Beta(½, ½)), and that ratio, a martingale under the true share,
exceeds 1/α with a probability of at most α however long one counts (Ville 1939; Robbins 1970, Ann Math Stat 41:1397).
The price are more cells than a count of fixed length needs.
"""

from __future__ import annotations

import math
from enum import StrEnum

ERROR = 0.05
"""How often at most, over a whole count, the answer is wrong."""
MOST = 100_000
"""Cells beyond which nobody counts."""


class Answer(StrEnum):
    ABOVE = "above"
    BELOW = "below"
    OPEN = "open"


def decide(seen: float, counted: float, threshold: float, error: float = ERROR) -> Answer:
    """Of `seen` cells of the class among `counted`; `threshold` is a share, between 0 and 1. ValueError else."""
    if not 0 <= seen <= counted:
        raise ValueError(f"seen must lie between 0 and {counted}, got {seen}")
    if not 0 < threshold < 1:
        raise ValueError(f"threshold must lie between 0 and 1, got {threshold}")
    if _log_evidence(seen, counted, threshold) < -math.log(error):
        return Answer.OPEN
    return Answer.ABOVE if seen > threshold * counted else Answer.BELOW


def cells_needed(share: float, threshold: float, error: float = ERROR) -> int | None:
    """Counted in all until `decide` answers, where the share seen stays at `share` (it may come sooner or later: chance
    moves it); None where that is more than MOST, as for a share at the threshold."""

    def decided(counted: int) -> bool:
        return decide(share * counted, counted, threshold, error) is not Answer.OPEN

    if not decided(MOST):
        return None
    low, high = 0, MOST  # for a share that stays, evidence that once suffices grows on
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decided(middle) else (middle, high)
    return high


def cells_to_see_one(share: float, error: float = ERROR) -> int:
    """Cells among which at least one is of the class with a probability of 1 - error, where its share is `share`, 0
    to 1 (both excluded): the smallest n with (1 - share)^n ≤ error."""
    return math.ceil(math.log(error) / math.log1p(-share) - 1e-9)


def _log_evidence(seen: float, counted: float, threshold: float) -> float:
    """Logarithm of the mixture's likelihood by the threshold's."""
    mixture = math.lgamma(seen + 0.5) + math.lgamma(counted - seen + 0.5) - math.lgamma(counted + 1) - math.log(math.pi)
    return mixture - seen * math.log(threshold) - (counted - seen) * math.log1p(-threshold)
