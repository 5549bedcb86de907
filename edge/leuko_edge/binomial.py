"""How sure a share is that was counted."""

from __future__ import annotations

import math


def clopper_pearson(count: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact limits of a proportion, 0 to 1 (Clopper & Pearson 1934, Biometrika 26:404); (0, 1) where `total`
    is 0.

    The lower limit is the proportion at which `count` or more would be seen with probability (1 -
    confidence) / 2, the upper one its mirror image. ValueError unless 0 ≤ count ≤ total.
    """
    if not 0 <= count <= total:
        raise ValueError(f"count must lie between 0 and {total}, got {count}")
    tail = (1 - confidence) / 2
    return _lower_limit(count, total, tail), 1 - _lower_limit(total - count, total, tail)


def _lower_limit(count: int, total: int, tail: float) -> float:
    if count == 0:
        return 0.0
    low, high = 0.0, count / total
    for _ in range(60):  # halves the bracket to below a double's resolution
        middle = (low + high) / 2
        if _at_least(count, total, middle) < tail:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _at_least(count: int, total: int, p: float) -> float:
    """P(X ≥ count) of a binomial for 0 < p < count / total, where the terms fall from the first on."""
    log_first = (
        math.lgamma(total + 1)
        - math.lgamma(count + 1)
        - math.lgamma(total - count + 1)
        + count * math.log(p)
        + (total - count) * math.log1p(-p)
    )
    term = tail_sum = 1.0
    odds = p / (1 - p)
    for seen in range(count, total):
        term *= (total - seen) / (seen + 1) * odds
        tail_sum += term
        if term < 1e-17 * tail_sum:
            break
    return math.exp(log_first) * tail_sum
