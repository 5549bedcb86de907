"""Cells that are there and cells that are found: counts, recall and precision."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Detection:
    """Counts over a laboratory's pictures: `true` cells, `hits` among them, and `false` ones, that are none."""

    lab: str
    true: int = 0
    hits: int = 0
    false: int = 0

    @property
    def recall(self) -> float:
        return self.hits / max(1, self.true)

    @property
    def precision(self) -> float:
        return self.hits / max(1, self.hits + self.false)

    @property
    def f1(self) -> float:
        return 2 * self.hits / max(1, 2 * self.hits + self.false + self.true - self.hits)
