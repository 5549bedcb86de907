"""Rümke's band: what counting alone allows between two counts of the same blood (Rümke 1960, 1985)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from ..tally import clopper_pearson
from .needs import stats

LEVEL = 0.05


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


def allowed(first: tuple[int, int], second: tuple[int, int]) -> bool:
    """Whether counts (of the class, of all leukocytes) differ by no more than chance allows at 5 %: Fisher's exact
    test, two-sided, which asks both counts alike. It errs to the mild side: of two counts of the same blood fewer
    than 5 % are said to differ."""
    (a, n), (b, m) = first, second
    return _fisher(a, n - a, b, m - b) >= LEVEL


def within_band(counts: Iterable[tuple[tuple[int, int], tuple[int, int]]]) -> Share:
    """The share of samples whose two counts agree as of `allowed`."""
    said = [allowed(first, second) for first, second in counts]
    return Share(sum(said), len(said))


@lru_cache(maxsize=20_000)
def _fisher(a: int, b: int, c: int, d: int) -> float:
    return float(stats().fisher_exact([[a, b], [c, d]]).pvalue)
