"""Do both call the same samples abnormal? Sensitivity, specificity, Cohen's κ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..kappa import Kappa, kappa
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
    def kappa(self) -> Kappa:
        return kappa(((self.both, self.method_only), (self.reference_only, self.neither)))


def outside(percent: float, limits: tuple[float, float]) -> bool:
    low, high = limits
    return not low <= percent <= high
