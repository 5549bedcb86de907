"""Rümke's band: what counting alone allows between two counts of the same blood (Rümke 1960, 1985)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..binomial import clopper_pearson
from .needs import stats

LEVEL = 0.05
Count = tuple[int, int]
"""Of the class, of all leukocytes."""


@dataclass(frozen=True)
class Share:
    """`k` of `n`; the interval is exact, of 95 %, 0 to 1."""

    k: int
    n: int

    @property
    def value(self) -> float | None:
        return self.k / self.n if self.n else None

    @property
    def ci95(self) -> tuple[float, float]:
        return clopper_pearson(self.k, self.n)


def allowed(first: Count, second: Count) -> bool:
    """Whether counts differ by no more than chance allows at 5 %: Fisher's exact
    test, two-sided, which asks both counts alike. It errs to the mild side: of two counts of the same blood fewer
    than 5 % are said to differ."""
    (a, n), (b, m) = first, second
    return _fisher(a, n - a, b, m - b) >= LEVEL


def overlapping(first: Count, second: Count) -> bool:
    """Whether the exact 95 % intervals of both counts, of Rümke's table, have a value in common. Milder than `allowed`:
    two intervals that just touch belong to counts that differ at far less than 5 %."""
    (low, high), (least, most) = clopper_pearson(*first), clopper_pearson(*second)
    return low <= most and least <= high


def share_of(agree: Callable[[Count, Count], bool], counts: Sequence[tuple[Count, Count]]) -> Share:
    """The share of samples whose two counts agree as of `allowed` or of `overlapping`."""
    return Share(sum(agree(first, second) for first, second in counts), len(counts))


@lru_cache(maxsize=20_000)
def _fisher(a: int, b: int, c: int, d: int) -> float:
    return float(stats().fisher_exact([[a, b], [c, d]]).pvalue)
