"""Is a straight line right at all? The cumulative-sum test of Passing & Bablok 1983 (J Clin Chem Clin Biochem
21:709)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .regression import Line

LIMIT = 1.36
"""Of `Linearity.statistic` at 5 %: the paper's, of Kolmogorov and Smirnov; 1.63 at 1 %."""


@dataclass(frozen=True)
class Linearity:
    """How many samples lie above and below the line; `statistic` is the largest sum by √(below + 1)."""

    above: int
    below: int
    statistic: float

    @property
    def linear(self) -> bool:
        return self.statistic < LIMIT


def cusum(x: Sequence[float], y: Sequence[float], line: Line) -> Linearity:
    """Along the line, samples above it add √(below/above) and those below take √(above/below) away; what lies on it
    adds nothing. Where the samples bend, those of one side come one after the other and the sum runs off. Samples that
    project on the same place of the line are taken together: their order means nothing."""
    of_x, of_y = np.asarray(x, float), np.asarray(y, float)
    off = np.round(of_y - line.intercept - line.slope * of_x, 9)
    above, below = int((off > 0).sum()), int((off < 0).sum())
    if not above or not below:
        return Linearity(above, below, 0.0)
    along = of_x + line.slope * of_y  # the place of the foot of the perpendicular
    step = np.where(off > 0, math.sqrt(below / above), np.where(off < 0, -math.sqrt(above / below), 0.0))
    _, place = np.unique(np.round(along, 9), return_inverse=True)
    sums = np.cumsum(np.bincount(place, step))
    return Linearity(above, below, float(np.abs(sums).max() / math.sqrt(below + 1)))
