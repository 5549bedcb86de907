"""How well thumbnails of one size agree at every shift between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np

from .view import FAINT

LEAST_OVERLAP = 0.12  # share of the view; a smaller overlap is not searched for


@dataclass(frozen=True)
class Pattern:
    """A thumbnail (h, w) float32, worked out once for the many that it is compared with.

    `beside` (2h - 1, 3w - 2) is the same with empty pixels above and at both sides; `energy` (2h - 1, 2w - 1): what
    another of its size covers of its energy at each shift.
    """

    values: np.ndarray = field(repr=False)
    beside: np.ndarray = field(repr=False)
    energy: np.ndarray = field(repr=False)

    @classmethod
    def of(cls, values: np.ndarray) -> Pattern:
        faint = np.float32(FAINT**2 / 4) * _overlap(values.shape)[0]
        above, sides = values.shape[0] - 1, values.shape[1] - 1
        beside = cv2.copyMakeBorder(values, above, 0, sides, sides, cv2.BORDER_CONSTANT, value=0)
        return cls(values, beside, _corner_sums(values * values) + faint)


def correlated(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(2h - 1, 2w - 1) float32: how well b at each shift correlates with a, times the root of the overlap.

    The root is what makes chance correlations of small and large overlaps comparable.
    """
    return correlations([Pattern.of(a)], Pattern.of(b))[0]


def correlations(many: Sequence[Pattern], b: Pattern) -> np.ndarray:
    """(n, 2h - 1, 2w - 1): the same of each of `many`, all in one go."""
    rows, columns = b.values.shape
    # One below the other, as many empty rows between them as one has less one: no shift of b reaches two.
    last = np.zeros((rows - 1, 3 * columns - 2), np.float32)
    tall = cv2.matchTemplate(np.concatenate([*(one.beside for one in many), last]), b.values, cv2.TM_CCORR)
    products = tall.reshape(len(many), 2 * rows - 1, 2 * columns - 1)
    root, enough = _overlap(b.values.shape)[1:]
    scores: np.ndarray = np.stack([one.energy for one in many])
    scores *= b.energy[::-1, ::-1]
    np.sqrt(scores, out=scores)
    np.divide(products, scores, out=scores)
    scores *= root
    scores *= enough
    return scores


@lru_cache(maxsize=4)
def _overlap(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(2h - 1, 2w - 1) float32 each: at each shift the pixels that two of `shape` (h, w) share, the root of their share
    of all, and 1 where that is enough."""
    rows, columns = shape
    x, y = np.arange(-columns + 1, columns), np.arange(-rows + 1, rows)
    area = np.outer(rows - np.abs(y), columns - np.abs(x)).astype(np.float32)
    share = area * np.float32(1 / (rows * columns))
    return area, np.sqrt(share), (share >= LEAST_OVERLAP).astype(np.float32)


@lru_cache(maxsize=4)
def _corners(length: int) -> tuple[np.ndarray, np.ndarray]:
    """(2n - 1,) each: first and one past the last of n pixels that a picture of that length, shifted, still covers."""
    shifts = np.arange(-length + 1, length)
    return np.maximum(shifts, 0), np.minimum(length + shifts, length)


def _corner_sums(values: np.ndarray) -> np.ndarray:
    """(2h - 1, 2w - 1): the sum of (h, w) values over what a picture of that size, shifted, still covers of them."""
    sums = cv2.integral(values).astype(np.float32)
    (y0, y1), (x0, x1) = (_corners(side) for side in values.shape)
    across = sums[:, x1] - sums[:, x0]
    result: np.ndarray = across[y1] - across[y0]
    return result
