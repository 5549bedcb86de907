"""Bias and limits of agreement of two methods (Bland & Altman 1986, Lancet 1:307)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .needs import stats

NORMAL_95 = 1.96
"""The 1986 paper's own example takes 2, later ones of its authors 1.96 (Bland & Altman 1999)."""
Interval = tuple[float, float]


@dataclass(frozen=True)
class Agreement:
    """All in the unit of the values; `sd` is that of the differences. Intervals are of 95 %."""

    n: int
    bias: float
    sd: float
    bias_ci: Interval
    lower: float
    lower_ci: Interval
    upper: float
    upper_ci: Interval


def bland_altman(method: Sequence[float], reference: Sequence[float], factor: float = NORMAL_95) -> Agreement | None:
    """Of method - reference. Standard errors as in the paper: s/√n of the bias, s·√(3/n) of a limit, with Student's t
    of n - 1 degrees of freedom. None of fewer than three pairs."""
    difference = np.asarray(method, float) - np.asarray(reference, float)
    n = len(difference)
    if n < 3:
        return None
    bias, sd = float(difference.mean()), float(difference.std(ddof=1))
    t = float(stats().t.ppf(0.975, n - 1))
    lower, upper = bias - factor * sd, bias + factor * sd
    of_bias, of_limit = t * sd / math.sqrt(n), t * sd * math.sqrt(3 / n)
    return Agreement(
        n,
        bias,
        sd,
        (bias - of_bias, bias + of_bias),
        lower,
        (lower - of_limit, lower + of_limit),
        upper,
        (upper - of_limit, upper + of_limit),
    )


def pearson(x: Sequence[float], y: Sequence[float]) -> float | None:
    """None where one of them does not vary, or of fewer than three pairs."""
    return float(stats().pearsonr(x, y).statistic) if _vary(x, y) else None


def spearman(x: Sequence[float], y: Sequence[float]) -> float | None:
    """As `pearson`, of the ranks."""
    return float(stats().spearmanr(x, y).statistic) if _vary(x, y) else None


def _vary(x: Sequence[float], y: Sequence[float]) -> bool:
    return len(x) >= 3 and len(set(x)) > 1 and len(set(y)) > 1
