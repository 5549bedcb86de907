"""What is usual for a control on this microscope: mean and standard deviation of its first good runs."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

FEWEST = 20
"""Runs that a baseline rests on, as CLSI C24 asks; with fewer no rule is applied."""


@dataclass(frozen=True)
class Baseline:
    """`sd` is above 0; `runs` that it rests on, 0 where the laboratory has told it. A difference below half of
    `least` is none."""

    mean: float
    sd: float
    runs: int = 0
    least: float = 0.0

    def __post_init__(self) -> None:
        if not self.sd > 0:
            raise ValueError(f"a standard deviation is above 0, got {self.sd}")

    def z(self, value: float) -> float:
        """How many standard deviations `value` lies from the mean."""
        off = value - self.mean
        return 0.0 if abs(off) < self.least / 2 else off / self.sd


def baseline(values: Sequence[float], least_sd: float) -> Baseline | None:
    """Of the first FEWEST of `values`, oldest first; None of fewer.

    Of photographs that never change the spread is nought, and every rounding would be an alarm: it is taken to be at
    least `least_sd`, the smallest difference that means anything, and less than half of that is no difference.
    """
    first = values[:FEWEST]
    if len(first) < FEWEST:
        return None
    return Baseline(statistics.fmean(first), max(statistics.stdev(first), least_sd), len(first), least_sd)
