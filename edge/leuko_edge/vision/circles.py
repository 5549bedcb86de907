"""Circles on the outlines of what is stained: red cells, also those that touch, overlap or are cut.

All outlines of a picture go through each step together: one by one, their arithmetic is mostly waiting.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

MIN_DIAMETER_PX = 13  # a smaller circle is dust, or too coarse to measure
MIN_RADIUS_PX = 3
MIN_TURN = 1.6  # radians; an arc shorter than that does not fix its radius
CONVEX = (-0.15, 1.2)  # radians of turn at a point: beyond it the outline has a notch or a corner
MAX_ROUGHNESS = 0.09  # of the radius, root mean square: rounder than that is a red cell seen from above
SHARE = 0.7  # of a circle's surroundings that its density is above: where cells touch, some of that is background
SAMPLES = 16  # points along each side of them that tell it
FINE_STEP, LONG_OUTLINE, LONG_STEP = 3, 150, 4  # points over which an outline's turn is taken; of long ones


class Circles(NamedTuple):
    """(n,) each, px: middle, diameter, length of the arc that shows and its angle (radians), density inside; `outline`:
    the length of all outlines there are."""

    x: np.ndarray
    y: np.ndarray
    diameters: np.ndarray
    lengths: np.ndarray
    turns: np.ndarray
    dark: np.ndarray
    outline: float


def circles(density: np.ndarray, valid: np.ndarray, levels: tuple[float, float | None]) -> Circles:
    """Circles on the outlines of what is stained, by its `density` (h, w) in green; `levels`: of `stain_levels`."""
    green = cv2.GaussianBlur(density, (0, 0), 0.8)
    edge, nucleus = levels
    mask = (green > edge).astype(np.uint8)
    mask[~valid] = 0
    inner = cv2.erode(valid.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=0)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    bodies = [o[:, 0] for o in outlines if len(o) >= 3 * MIN_DIAMETER_PX and cv2.contourArea(o) >= 2 * len(o)]
    x, y, radii, lengths, angles = _arcs(bodies, inner).T if bodies else np.empty((5, 0))
    dark = _inside(green, x, y, radii)
    kept = 2 * radii > MIN_DIAMETER_PX
    if nucleus is not None:  # else lobes of the one nucleus there is
        kept &= dark < nucleus
    outline = float(sum(len(o) for o in outlines))
    return Circles(x[kept], y[kept], 2 * radii[kept], lengths[kept], angles[kept], dark[kept], outline)


def _inside(green: np.ndarray, x: np.ndarray, y: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """(n,) density that `SHARE` of the square round each circle lies below, of what of it is in the picture."""
    places = []
    for middle, side in ((y, green.shape[0]), (x, green.shape[1])):
        first = np.clip(np.rint(middle - radii), 0, side - 1)
        last = np.clip(np.rint(middle + radii), first, side - 1)
        steps = (np.arange(SAMPLES) + 0.5) / SAMPLES
        places.append((first[:, None] + (last - first + 1)[:, None] * steps).astype(np.intp))
    rows, columns = places
    values = np.sort(green[rows[:, :, None], columns[:, None, :]].reshape(-1, SAMPLES**2), axis=1)
    at = SHARE * (SAMPLES**2 - 1)
    low = int(at)
    inside: np.ndarray = values[:, low] + (at - low) * (values[:, low + 1] - values[:, low])
    return inside


def _arcs(outlines: Sequence[np.ndarray], inner: np.ndarray) -> np.ndarray:
    """(n, 5): circles (x, y, radius, arc length, arc angle) fitted to the convex stretches of closed `outlines`, (m, 2)
    each, none of which crosses where `inner` (h, w) is 0."""
    short = [outline for outline in outlines if len(outline) < LONG_OUTLINE]
    long = [outline for outline in outlines if len(outline) >= LONG_OUTLINE]
    smooth = np.concatenate([_smoothed(short, FINE_STEP), _smoothed(long, LONG_STEP)])
    outlines = short + long
    counts = np.array([len(outline) for outline in outlines])
    starts = np.cumsum(counts) - counts
    own, length = np.repeat(starts, counts), np.repeat(counts, counts)
    step = np.where(length < LONG_OUTLINE, FINE_STEP, LONG_STEP)
    at = np.arange(len(own)) - own
    ahead = smooth[own + (at + step) % length] - smooth
    behind = smooth - smooth[own + (at - step) % length]
    turn = np.angle(ahead * behind.conj())
    turn *= np.repeat(np.where(np.add.reduceat(turn, starts) < 0, -1.0, 1.0), counts)
    columns, rows = np.concatenate(outlines).T
    usable = (turn > CONVEX[0]) & (turn < CONVEX[1]) & (inner[rows, columns] > 0)
    # Each outline is gone round from its first break, so that no stretch lies on both of its ends.
    breaks = np.where(usable, length, at)
    first = np.minimum.reduceat(breaks, starts)
    order = own + (at + np.repeat(np.where(first == counts, 0, first), counts)) % length
    begin, end = _runs(usable[order], at == 0)
    long_enough = end - begin >= 4 * step[begin]
    return _fitted(smooth[order], turn[order] / step, begin[long_enough], end[long_enough])


def _smoothed(outlines: Sequence[np.ndarray], step: int) -> np.ndarray:
    """(sum of n,) complex128 x + iy: pixel steps are smoothed away, notches between cells stay."""
    if not outlines:
        return np.empty(0, np.complex128)
    kernel = cv2.getGaussianKernel(2 * step + 1, step / 2).ravel()
    padded = np.concatenate([part for o in outlines for part in (o[-step:], o, o[:step])]).astype(np.float64)
    x, y = (np.convolve(padded[:, n], kernel, "valid") for n in (0, 1))
    kept = np.ones(len(padded), bool)  # but for the windows that lie across two outlines
    ends = np.cumsum([len(outline) + 2 * step for outline in outlines])
    kept[(ends[:, None] - 1 - np.arange(2 * step)).ravel()] = False
    smooth: np.ndarray = (x + 1j * y)[kept[: len(x)]]
    return smooth


def _runs(usable: np.ndarray, begins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(first, one past the last) of each run of `usable` points that goes past no beginning of an outline."""
    before = np.concatenate([[False], usable[:-1]])
    after = np.concatenate([usable[1:], [False]])
    ending = np.concatenate([begins[1:], [True]])
    return np.flatnonzero(usable & (begins | ~before)), np.flatnonzero(usable & (ending | ~after)) + 1


def _fitted(points: np.ndarray, turn: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Least-squares circles (Kåsa 1976) through the stretches of `points` (n,) complex that are round enough."""
    summed = np.concatenate([[0.0], np.cumsum(turn)])
    angle = summed[last] - summed[first]
    fit = angle >= MIN_TURN
    first, last, angle = first[fit], last[fit], angle[fit]
    if not len(first):
        return np.empty((0, 5))
    count = last - first
    starts = np.cumsum(count) - count
    own = np.repeat(np.arange(len(first)), count)
    within = points[np.repeat(first - starts, count) + np.arange(len(own))]
    middle = np.add.reduceat(within, starts) / count
    within -= middle[own]
    x, y = within.real.copy(), within.imag.copy()
    square = x * x + y * y
    xx, xy, yy, xs, ys = (np.add.reduceat(v, starts) for v in (x * x, x * y, y * y, x * square, y * square))
    determinant = xx * yy - xy * xy
    straight = determinant <= 1e-9 * (xx + yy) ** 2
    determinant[straight] = 1.0
    a, b = (xs * yy - ys * xy) / determinant / 2, (ys * xx - xs * xy) / determinant / 2
    radius = np.sqrt((xx + yy) / count + a * a + b * b)
    off = np.hypot(x - a[own], y - b[own]) / radius[own] - 1
    roughness = np.sqrt(np.add.reduceat(off * off, starts) / count)
    good = np.flatnonzero(~straight & (radius >= MIN_RADIUS_PX) & (roughness <= MAX_ROUGHNESS))
    return np.stack([a + middle.real, b + middle.imag, radius, count, angle], axis=1)[good]
