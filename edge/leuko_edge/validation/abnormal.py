"""Do both call the same samples abnormal? Sensitivity, specificity, Cohen's κ."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from .counting import Share


@dataclass(frozen=True)
class Calls:
    """Samples by what the method and the reference say of them."""

    both: int
    method_only: int
    reference_only: int
    neither: int

    @classmethod
    def of(cls, said: Iterable[tuple[bool, bool]]) -> Calls:
        """(method, reference) of each sample."""
        pairs = list(said)
        return cls(*(pairs.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False))))

    @property
    def n(self) -> int:
        return self.both + self.method_only + self.reference_only + self.neither

    @property
    def sensitivity(self) -> Share:
        return Share(self.both, self.both + self.reference_only)

    @property
    def specificity(self) -> Share:
        return Share(self.neither, self.neither + self.method_only)

    @property
    def kappa(self) -> float | None:
        """Cohen 1960 (Educ Psychol Meas 20:37); None where chance alone would agree always."""
        if not self.n:
            return None
        chance = self._chance
        return None if chance == 1 else ((self.both + self.neither) / self.n - chance) / (1 - chance)

    @property
    def kappa_ci(self) -> tuple[float, float] | None:
        """Of 95 %, by the standard error of the same paper, for large n; cut at -1 and 1."""
        kappa = self.kappa
        if kappa is None:
            return None
        agree = (self.both + self.neither) / self.n
        reach = 1.96 * math.sqrt(agree * (1 - agree) / self.n) / (1 - self._chance)
        return max(-1.0, kappa - reach), min(1.0, kappa + reach)

    @property
    def _chance(self) -> float:
        """Agreement of two who call as often as these and know nothing."""
        method, reference = self.both + self.method_only, self.both + self.reference_only
        return (method * reference + (self.n - method) * (self.n - reference)) / self.n**2


def outside(percent: float, limits: tuple[float, float]) -> bool:
    low, high = limits
    return not low <= percent <= high
