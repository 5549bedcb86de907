"""Times of something repeated: the middle, and how far they spread."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple


class Spread(NamedTuple):
    """`low` and `high` are the 10th and 90th percentile: nine in ten took no longer than `high`."""

    median: float
    low: float
    high: float
    runs: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """ValueError where there are no values."""
        ordered = sorted(values)
        if not ordered:
            raise ValueError("nothing was measured")
        last = len(ordered) - 1
        return cls(statistics.median(ordered), ordered[round(0.1 * last)], ordered[round(0.9 * last)], len(ordered))

    def as_json(self, digits: int = 3) -> dict[str, Any]:
        """`median`, `p10`, `p90` rounded to `digits`, and `runs`."""
        low, high = round(self.low, digits), round(self.high, digits)
        return {"median": round(self.median, digits), "p10": low, "p90": high, "runs": self.runs}
