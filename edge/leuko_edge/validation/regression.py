"""Straight lines between two methods that both err: Passing & Bablok 1983 and Deming."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .needs import stats

Interval = tuple[float, float]
FEWEST = 5
"""Pairs below which no line is drawn: fewer have no 95 % interval of Passing and Bablok's."""


@dataclass(frozen=True)
class Line:
    """y = intercept + slope · x. Intervals are of 95 %."""

    slope: float
    slope_ci: Interval
    intercept: float
    intercept_ci: Interval

    @property
    def identity(self) -> bool:
        """Whether both intervals allow y = x."""
        (low, high), (least, most) = self.slope_ci, self.intercept_ci
        return low <= 1 <= high and least <= 0 <= most


def passing_bablok(x: Sequence[float], y: Sequence[float]) -> Line | None:
    """Passing & Bablok 1983 (J Clin Chem Clin Biochem 21:709), for methods of slope about 1; None where the points give
    no finite slope or interval.

    The slope is the median of those between all pairs of points, shifted by K, the number of slopes below -1; pairs of
    equal points and slopes of -1 are left out. Between equal x the slope is infinite, of the sign of the difference in
    y (on which the result does not depend: a slope of minus infinity lengthens the list and K alike). Values are taken
    to nine places, so that ties and slopes of -1 are seen as such.
    """
    of_x, of_y = np.round(np.asarray(x, float), 9), np.round(np.asarray(y, float), 9)
    n = len(of_x)
    if n < FEWEST:
        return None
    first, second = np.triu_indices(n, 1)
    run, rise = np.round(of_x[second] - of_x[first], 9), np.round(of_y[second] - of_y[first], 9)
    apart = ((run != 0) | (rise != 0)) & (run + rise != 0)
    run, rise = run[apart], rise[apart]
    with np.errstate(divide="ignore"):
        slopes = np.where(run == 0, np.copysign(np.inf, rise), rise / np.where(run == 0, 1.0, run))
    slopes.sort()
    count, shift = len(slopes), int((slopes < -1).sum())
    reach = float(stats().norm.ppf(0.975)) * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = round((count - reach) / 2)
    high = count - low + 1
    if low + shift < 1 or high + shift > count:
        return None
    middle = (slopes[(count - 1) // 2 + shift] + slopes[count // 2 + shift]) / 2
    slope, least, most = float(middle), float(slopes[low + shift - 1]), float(slopes[high + shift - 1])
    if not all(map(math.isfinite, (slope, least, most))):
        return None

    def intercept(b: float) -> float:
        return float(np.median(of_y - b * of_x))

    return Line(slope, (least, most), intercept(slope), (intercept(most), intercept(least)))


def deming(x: Sequence[float], y: Sequence[float], ratio: float = 1.0) -> Line | None:
    """`ratio`: variance of y's error by that of x's. Intervals by the jackknife with n - 2 degrees of freedom (Linnet
    1990, Stat Med 9:1463), around the estimate, as NCSS and R's mcr have them; None where the points give no slope."""
    of_x, of_y = np.asarray(x, float), np.asarray(y, float)
    n = len(of_x)
    if n < FEWEST:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        slope, intercept = (float(value[0]) for value in _lines(of_x[None], of_y[None], ratio))
        others = ~np.eye(n, dtype=bool)
        without_x = np.broadcast_to(of_x, (n, n))[others].reshape(n, n - 1)
        without_y = np.broadcast_to(of_y, (n, n))[others].reshape(n, n - 1)
        slopes, intercepts = _lines(without_x, without_y, ratio)
    if not (math.isfinite(slope) and np.isfinite(slopes).all()):
        return None
    t = float(stats().t.ppf(0.975, n - 2))
    reach, around = _jackknife(slope, slopes, t), _jackknife(intercept, intercepts, t)
    return Line(slope, (slope - reach, slope + reach), intercept, (intercept - around, intercept + around))


def _lines(x: np.ndarray, y: np.ndarray, ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """Slopes and intercepts of (m, n) sets of points."""
    mean_x, mean_y = x.mean(1), y.mean(1)
    from_x, from_y = x - mean_x[:, None], y - mean_y[:, None]
    xx, yy, xy = (from_x**2).sum(1), (from_y**2).sum(1), (from_x * from_y).sum(1)
    excess = yy - ratio * xx
    slopes = (excess + np.sqrt(excess**2 + 4 * ratio * xy**2)) / (2 * xy)
    return slopes, mean_y - slopes * mean_x


def _jackknife(whole: float, without: np.ndarray, t: float) -> float:
    """How far the interval reaches to each side of `whole`, by the spread of the pseudo-values."""
    n = len(without)
    pseudo = n * whole - (n - 1) * without
    return t * float(pseudo.std(ddof=1)) / math.sqrt(n)
