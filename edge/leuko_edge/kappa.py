"""Do two who name the same things agree beyond chance? Cohen's κ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Kappa:
    """`value` None where chance alone would agree always, or of nothing. `agreement`: the share named alike, 0 to 1;
    `chance`: what two would agree in who name as often as these and know nothing."""

    n: int
    agreement: float
    chance: float

    @property
    def value(self) -> float | None:
        """Cohen 1960, Educ Psychol Meas 20:37."""
        return (self.agreement - self.chance) / (1 - self.chance) if self.n and self.chance < 1 else None

    @property
    def ci95(self) -> tuple[float, float] | None:
        """By the standard error of the same paper, for large n; cut at -1 and 1."""
        if (value := self.value) is None:
            return None
        reach = 1.96 * math.sqrt(self.agreement * (1 - self.agreement) / self.n) / (1 - self.chance)
        return max(-1.0, value - reach), min(1.0, value + reach)


def kappa(table: Sequence[Sequence[int]]) -> Kappa:
    """Of a square table of counts: row what one said, column what the other did."""
    n = sum(map(sum, table))
    if not n:
        return Kappa(0, 0.0, 0.0)
    alike = sum(row[index] for index, row in enumerate(table))
    columns = [sum(row[index] for row in table) for index in range(len(table))]
    chance = sum(sum(row) * column for row, column in zip(table, columns, strict=True)) / n**2
    return Kappa(n, alike / n, chance)
