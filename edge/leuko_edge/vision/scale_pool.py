"""What the pictures of one run know together of the µm per pixel, for those that do not show it themselves."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..types import Scale

Size = tuple[int, ...]  # height and width of a picture

SAME = 1.25  # times: measurements that differ by less are of one camera on one objective
LIKELY = 1.6  # times: guesses from nuclei, that differ by less, may be too
MOST = 0.7  # of the values must do so
ENOUGH = 3


@dataclass
class Scales:
    """`measured` by red cells, in µm per pixel, and `guessed` from white cells, for each size of picture."""

    measured: dict[Size, list[float]] = field(default_factory=lambda: defaultdict(list))
    guessed: dict[Size, list[Scale]] = field(default_factory=lambda: defaultdict(list))

    def usual(self, size: Size) -> Scale | None:
        """The scale for a picture of `size` that has no red cells to measure; None where nothing is known.

        "pooled": what was measured in pictures of its size, or, since a folder of single cells has a size for each,
        in all pictures where these agree. A measurement or two among many pictures without is believed only where
        their nuclei, of which a single guess may be wrong, do not object. Else "assumed": what most nuclei say.
        """
        own = self.guessed.get(size, [])
        alike = self.measured.get(size, [])
        guess = _median(own) if own else None
        if alike and (self.settled(size) or _near(statistics.median(alike), guess, LIKELY)):
            return Scale(statistics.median(alike), "pooled")
        every = [value for values in self.measured.values() for value in values]
        if _agree(every, SAME) and _near(statistics.median(every), guess, LIKELY):
            return Scale(statistics.median(every), "pooled")
        if guess is None:
            return None
        every_guess = [value for values in self.guessed.values() for value in values]
        if len(own) < ENOUGH and _agree([one.um_per_px for one in every_guess], LIKELY):
            own, guess = every_guess, _median(every_guess)
        return Scale(guess, "assumed", within=_within(own))

    def settled(self, size: Size) -> bool:
        """Whether enough was measured in pictures of this size: what the others' nuclei say does not matter."""
        alike = self.measured.get(size, [])
        return bool(alike) and ENOUGH * len(alike) >= len(self.guessed.get(size, []))


def _median(scales: Sequence[Scale]) -> float:
    return statistics.median(scale.um_per_px for scale in scales)


def _within(scales: Sequence[Scale]) -> float | None:
    """How sure most of them are: what all nuclei have in common, being all large ones, many guesses do not mend."""
    known = [scale.within for scale in scales if scale.within is not None]
    return statistics.median_high(known) if known else None


def _agree(values: Sequence[float], times: float) -> bool:
    if len(values) < ENOUGH:
        return False
    middle = statistics.median(values)
    return sum(_near(value, middle, times) for value in values) >= MOST * len(values)


def _near(value: float, other: float | None, times: float) -> bool:
    return other is None or abs(math.log(value / other)) < math.log(times)
