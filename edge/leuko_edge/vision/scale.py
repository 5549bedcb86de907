"""Micrometres per pixel from the red cells, the one object of known size in every smear."""

from __future__ import annotations

import cv2
import numpy as np

from ..errors import Hint, PictureError, Reason
from ..types import Scale
from .stain_levels import stain_levels

RED_CELL_UM = 7.5  # diameter on a dried smear; 7.2–7.8 µm in textbooks (Bain, Blood Cells)
MIN_RED_CELLS = 2.5  # whole circles, that the arcs add up to
MIN_DIAMETER_PX = 13  # a smaller circle is dust, or too coarse to measure
MIN_TURN = 1.6  # radians; an arc shorter than that does not fix its radius
MIN_SHARE = 0.1  # of all outlines in the picture; below it the arcs are dust and platelets
MAX_ROUGHNESS = 0.09  # of the radius, root mean square: rounder than that is a red cell seen from above


class ScaleUnknown(PictureError):
    """Too few red cells to measure µm per pixel, and nothing else to go by.

    `guess` is what `guess_scale` makes of the picture, None where it shows no nucleus either: one guess is off by a
    third, the median of a run's guesses by less.
    """

    def __init__(self, found: str, *cure: str | Hint, guess: Scale | None = None) -> None:
        super().__init__(found, *cure, reason=Reason.SCALE_UNKNOWN)
        self.guess = guess


def measure_scale(density: np.ndarray, valid: np.ndarray) -> Scale | None:
    """Scale of the (h, w, 3) optical density from its red cells' outlines, or None where there are too few.

    Circles are fitted to the convex arcs of the outlines, so that touching, overlapping and cut cells count too.
    The commonest diameter, weighted by the length of arc, is the red cell's: platelets are small and weigh
    little, leukocytes are few and dark.
    """
    scale, share = commonest(density, valid)
    return scale if scale is not None and scale.red_cells >= MIN_RED_CELLS and share >= MIN_SHARE else None


def commonest(density: np.ndarray, valid: np.ndarray) -> tuple[Scale | None, float]:
    """The scale by the commonest circle, resting on how many red cells, and their share of all outlines."""
    _, _, diameters, lengths, turns, dark, outline = circles(density, valid)
    weights = lengths * np.minimum(turns / (2 * np.pi), 1)
    if len(diameters) < 2:
        return None, 0.0
    light = dark < max(1.6 * _weighted_median(dark, weights), 0.1)
    if light.sum() < 2:
        return None, 0.0
    diameters, lengths, turns, weights = diameters[light], lengths[light], turns[light], weights[light]
    logs = np.log(diameters)
    # Kernel density of log-diameter, 12 % wide; its highest point is the red cells' size.
    grid = np.linspace(logs.min(), logs.max(), 200)
    height = (weights * np.exp(-0.5 * ((grid[:, None] - logs) / 0.12) ** 2)).sum(axis=1)
    near = np.abs(logs - grid[int(height.argmax())]) < 0.3
    diameter = _weighted_median(diameters[near], weights[near])
    red_cells = round(float(turns[near].sum()) / (2 * np.pi), 1)
    return Scale(RED_CELL_UM / diameter, "red cells", red_cells), float(lengths[near].sum() / outline)


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values)
    return float(values[order][np.searchsorted(np.cumsum(weights[order]), 0.5 * weights.sum())])


def circles(density: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, ...]:
    """Circles on the outlines of stained objects, and the length of all outlines (px).

    Of each circle: its middle's x and y, diameter, length of its arc (all px), angle of the arc (radians), green
    density inside.
    """
    green = cv2.GaussianBlur(density[:, :, 1], (0, 0), 0.8)
    edge, nucleus = stain_levels(density, valid)
    mask = (green > edge).astype(np.uint8)
    mask[~valid] = 0
    inner = cv2.erode(valid.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=0)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    found = []
    for contour in contours:
        if len(contour) < 3 * MIN_DIAMETER_PX or cv2.contourArea(contour) < 2 * len(contour):
            continue
        for x, y, radius, length, angle in _arcs(contour[:, 0].astype(np.float64), inner):
            x0, y0, x1, y1 = (round(v) for v in (x - radius, y - radius, x + radius + 1, y + radius + 1))
            patch = green[max(0, y0) : max(1, y1), max(0, x0) : max(1, x1)]
            if not patch.size or 2 * radius <= MIN_DIAMETER_PX:
                continue
            dark = float(np.percentile(patch, 70))
            if nucleus is None or dark < nucleus:  # else lobes of the one nucleus there is
                found.append((x, y, 2 * radius, length, angle, dark))
    return (*np.array(found, float).reshape(-1, 6).T, float(sum(len(c) for c in contours)))


def _arcs(points: np.ndarray, inner: np.ndarray) -> list[tuple[float, ...]]:
    """Circles (x, y, radius, arc length, arc angle) fitted to the convex stretches of one closed outline (n, 2)."""
    count = len(points)
    # Curvature over a stretch of a few pixels: pixel steps are smoothed away, notches between cells stay.
    step = 3 if count < 150 else 4
    kernel = cv2.getGaussianKernel(2 * step + 1, step / 2).ravel()
    padded = np.concatenate([points[-step:], points, points[:step]])
    smooth = np.stack([np.convolve(padded[:, i], kernel, "valid") for i in (0, 1)], axis=1)
    ahead, behind = np.roll(smooth, -step, axis=0) - smooth, smooth - np.roll(smooth, step, axis=0)
    turn = np.arctan2(behind[:, 0] * ahead[:, 1] - behind[:, 1] * ahead[:, 0], (behind * ahead).sum(axis=1))
    if turn.sum() < 0:
        turn = -turn
    columns, rows = points.astype(int).T
    usable = (turn > -0.15) & (turn < 1.2) & (inner[rows, columns] > 0)
    if usable.all():
        stretches = [np.arange(count)]
    else:
        start = int(np.argmin(usable))
        order = np.roll(np.arange(count), -start)
        breaks = np.flatnonzero(~usable[order])
        stretches = [order[a + 1 : b] for a, b in zip(breaks, [*breaks[1:], count], strict=True)]
    found: list[tuple[float, ...]] = []
    for stretch in stretches:
        if len(stretch) < 4 * step or turn[stretch].sum() / step < MIN_TURN:
            continue
        circle = _fit_circle(smooth[stretch])
        if circle is not None:
            found.append((*circle, float(len(stretch)), float(turn[stretch].sum() / step)))
    return found


def _fit_circle(points: np.ndarray) -> tuple[float, float, float] | None:
    """Least-squares circle (x, y, radius; Kåsa 1976) through (n, 2) points; None where they are not round."""
    middle = points.mean(axis=0)
    shifted = points - middle
    system = np.column_stack([2 * shifted, np.ones(len(points))])
    try:
        (a, b, c), *_ = np.linalg.lstsq(system, (shifted**2).sum(axis=1), rcond=None)
    except np.linalg.LinAlgError:
        return None
    radius = float(np.sqrt(max(c + a * a + b * b, 0)))
    if radius < 3:
        return None
    off = np.hypot(shifted[:, 0] - a, shifted[:, 1] - b) / radius - 1
    if np.sqrt((off**2).mean()) > MAX_ROUGHNESS:
        return None
    return float(a + middle[0]), float(b + middle[1]), radius
