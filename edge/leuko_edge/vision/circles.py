"""Circles on the outlines of what is stained: red cells, also those that touch, overlap or are cut.

All outlines of a picture go through each step together: one by one, their arithmetic is mostly waiting.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from .stain_levels import stain_levels

MIN_DIAMETER_PX = 13  # a smaller circle is dust, or too coarse to measure
MIN_RADIUS_PX = 3
MIN_TURN = 1.6  # radians; an arc shorter than that does not fix its radius
CONVEX = (-0.15, 1.2)  # radians of turn at a point: beyond it the outline has a notch or a corner
MAX_ROUGHNESS = 0.09  # of the radius, root mean square: rounder than that is a red cell seen from above
FINE_STEP, LONG_OUTLINE, LONG_STEP = 3, 150, 4  # points over which an outline's turn is taken; of long ones


def circles(density: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, ...]:
    """Circles on the outlines of stained objects, and the length of all outlines (px).

    Of each circle: x, y (px), diameter (px), length of its arc (px), angle of the arc (radians), green density inside.
    """
    green = cv2.GaussianBlur(density[:, :, 1], (0, 0), 0.8)
    edge, nucleus = stain_levels(density, valid)
    mask = (green > edge).astype(np.uint8)
    mask[~valid] = 0
    inner = cv2.erode(valid.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=0)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    bodies = [o[:, 0] for o in outlines if len(o) >= 3 * MIN_DIAMETER_PX and cv2.contourArea(o) >= 2 * len(o)]
    found = []
    for step in (FINE_STEP, LONG_STEP):
        alike = [o for o in bodies if (LONG_STEP if len(o) >= LONG_OUTLINE else FINE_STEP) == step]
        for x, y, radius, length, angle in _arcs(alike, inner, step) if alike else ():
            x0, y0, x1, y1 = (round(v) for v in (x - radius, y - radius, x + radius + 1, y + radius + 1))
            patch = green[max(0, y0) : max(1, y1), max(0, x0) : max(1, x1)]
            if not patch.size or 2 * radius <= MIN_DIAMETER_PX:
                continue
            dark = _upper(patch)
            if nucleus is None or dark < nucleus:  # else lobes of the one nucleus there is
                found.append((x, y, 2 * radius, length, angle, dark))
    return (*np.array(found, float).reshape(-1, 6).T, float(sum(len(o) for o in outlines)))


def _upper(patch: np.ndarray, share: float = 0.7) -> float:
    """The value that `share` of the patch lies below: `np.percentile`, which takes four times as long."""
    at = share * (patch.size - 1)
    low = int(at)
    high = min(low + 1, patch.size - 1)
    values = np.partition(patch, (low, high), axis=None)
    return float(values[low] + (at - low) * (values[high] - values[low]))


def _arcs(outlines: Sequence[np.ndarray], inner: np.ndarray, step: int) -> list[tuple[float, ...]]:
    """Circles (x, y, radius, arc length, arc angle) fitted to the convex stretches of closed `outlines`, (n, 2) each,
    none of which crosses where `inner` (h, w) is 0."""
    counts = np.array([len(outline) for outline in outlines])
    smooth = _smoothed(outlines, counts, step)
    starts = np.cumsum(counts) - counts
    own = np.repeat(starts, counts)
    length = np.repeat(counts, counts)
    at = np.arange(counts.sum()) - own
    ahead = smooth[own + (at + step) % length] - smooth
    behind = smooth - smooth[own + (at - step) % length]
    turn = np.arctan2(behind[:, 0] * ahead[:, 1] - behind[:, 1] * ahead[:, 0], (behind * ahead).sum(axis=1))
    turn *= np.repeat(np.where(np.add.reduceat(turn, starts) < 0, -1.0, 1.0), counts)
    columns, rows = np.concatenate(outlines).T
    usable = (turn > CONVEX[0]) & (turn < CONVEX[1]) & (inner[rows, columns] > 0)
    # Each outline is gone round from its first break, so that no stretch lies on both of its ends.
    breaks = np.where(usable, length, at)
    first = np.minimum.reduceat(breaks, starts)
    order = own + (at + np.repeat(np.where(first == counts, 0, first), counts)) % length
    return _fitted(smooth[order], turn[order] / step, *_runs(usable[order], at == 0), least=4 * step)


def _smoothed(outlines: Sequence[np.ndarray], counts: np.ndarray, step: int) -> np.ndarray:
    """(sum of n, 2) float64: pixel steps are smoothed away, notches between cells stay."""
    kernel = cv2.getGaussianKernel(2 * step + 1, step / 2).ravel()
    padded = np.concatenate([part for o in outlines for part in (o[-step:], o, o[:step])]).astype(np.float64)
    whole = np.stack([np.convolve(padded[:, n], kernel, "valid") for n in (0, 1)], axis=1)
    kept = np.ones(len(padded), bool)  # but for the windows that lie across two outlines
    ends = np.cumsum(counts + 2 * step)
    kept[(ends[:, None] - 1 - np.arange(2 * step)).ravel()] = False
    return whole[kept[: len(whole)]]


def _runs(usable: np.ndarray, begins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(first, one past the last) of each run of `usable` points that goes past no beginning of an outline."""
    before = np.concatenate([[False], usable[:-1]])
    after = np.concatenate([usable[1:], [False]])
    ending = np.concatenate([begins[1:], [True]])
    return np.flatnonzero(usable & (begins | ~before)), np.flatnonzero(usable & (ending | ~after)) + 1


def _fitted(
    points: np.ndarray, turn: np.ndarray, first: np.ndarray, last: np.ndarray, least: int
) -> list[tuple[float, ...]]:
    """Least-squares circles (Kåsa 1976) through the stretches of `points` (n, 2) that are long and round enough."""
    summed = np.concatenate([[0.0], np.cumsum(turn)])
    angle = summed[last] - summed[first]
    fit = (last - first >= least) & (angle >= MIN_TURN)
    first, last, angle = first[fit], last[fit], angle[fit]
    if not len(first):
        return []
    count = last - first
    starts = np.cumsum(count) - count
    own = np.repeat(np.arange(len(first)), count)
    within = points[np.repeat(first - starts, count) + np.arange(count.sum())]
    middle = np.add.reduceat(within, starts) / count[:, None]
    x, y = (within - middle[own]).T
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
    found = np.stack([a + middle[:, 0], b + middle[:, 1], radius, count, angle], axis=1)[good]
    return [tuple(row) for row in found.tolist()]
