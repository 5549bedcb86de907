"""Is a class above a threshold? A rule that may be asked after every cell, and how many cells it will need.

A 95 % interval that is looked at again and again excludes the truth sooner or later. This rule does not: it weighs each
share against all others (a mixture of binomials by a Beta(½, ½)), and that ratio, a martingale under the true share,
exceeds 1/α with a probability of at most α however long one counts (Ville 1939; Robbins 1970, Ann Math Stat 41:1397).
The price are more cells than a count of fixed length needs.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum

ERROR = 0.05
"""How often at most, over a whole count, the answer is wrong."""
MOST = 100_000
"""Cells beyond which nobody counts."""
ABSENT = 0.01
"""A class of which none is seen is taken to be rarer than this share; 299 cells show it."""


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


@dataclass(frozen=True)
class Decision:
    """What a count is to tell: is the class `label` above `above` per cent of the leukocytes? Above 0: is there any?"""

    label: str
    above: float

    @classmethod
    def parse(cls, text: str) -> Decision:
        """Of "eosinophil>5"; ValueError else. Whether there is such a class is not asked here."""
        found = re.fullmatch(r"\s*([a-z_]+)\s*>\s*(\d{1,2}(?:\.\d{1,6})?)\s*", text, re.ASCII)
        if found is None:
            raise ValueError(f"no decision: {text!r}")
        return cls(found[1], float(found[2]))

    def __str__(self) -> str:
        return f"{self.label}>{self.above:g}"

    def standing(self, seen: int, counted: int) -> Standing:
        """How it stands after `counted` leukocytes, `seen` of them of the class. ValueError as of `decide`.

        Presence is decided by the first cell; its absence is that fewer than ABSENT are there, when none was among the
        first `cells_to_see_one(ABSENT)`. Each answer is wrong in at most ERROR of all counts, the naming of the cells
        taken as it is.
        """
        if self.above:
            answer = decide(seen, counted, self.above / 100)
            needed = cells_needed(seen / counted, self.above / 100) if counted and answer is Answer.OPEN else None
        else:
            needed = cells_to_see_one(ABSENT)
            answer = Answer.ABOVE if seen else Answer.BELOW if counted >= needed else Answer.OPEN
        more = None if needed is None or answer is not Answer.OPEN else max(1, needed - counted)
        return Standing(self, seen, counted, answer, more)


@dataclass(frozen=True)
class Standing:
    """`more`: cells still to be counted if the share stays as it is; None where it is decided, or no count tells."""

    decision: Decision
    seen: int
    counted: int
    answer: Answer
    more: int | None


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
