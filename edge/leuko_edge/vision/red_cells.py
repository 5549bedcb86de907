"""Red cells of a field one by one: those that lie alone, by their outline, and touching ones by the arcs they show."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from .circles import circles
from .field import Field
from .scale import RED_CELL_UM
from .stain_levels import stain_levels

ROUND_UM = 0.15  # µm per pixel of the picture here: a red cell is 50 px wide
LEAST_TURN = 2.2  # radians of outline that say where a touching cell is; with less its middle lies anywhere
WIDTHS = (0.55, 1.3)  # of the usual red cell: smaller are platelets and fragments, larger two cells or a white one
SOLID = 0.93  # of its hull that a single cell fills: two that touch have waists
DARKEST = 1.8  # times the usual red cell's density: white cells are darker
SAME = 0.5  # of a width: two circles whose middles lie nearer are one cell


@dataclass(frozen=True)
class RedCells:
    """`centres` (n, 2) x, y and `diameters` (n,) in pixels of the file: of the circle as large as the cell; `alone`
    (n,) bool: nothing touches it, so that its diameter is measured and not fitted."""

    centres: np.ndarray = field(repr=False)
    diameters: np.ndarray = field(repr=False)
    alone: np.ndarray = field(repr=False)


def red_cells(seen: Field) -> RedCells:
    """Those of the field of which enough shows."""
    density, valid = seen.density(ROUND_UM)
    levels, green = stain_levels(density, valid), cv2.extractChannel(density, 1)
    single = _alone(green, valid, levels[0])
    x, y, diameters, _, turns, dark, _ = circles(green, valid, levels)
    fits = (turns >= LEAST_TURN) & _plausible(diameters)
    touching = np.column_stack([x, y, diameters, dark])[fits][np.argsort(-turns[fits])]  # the best seen first
    found = np.vstack([single, touching])
    if len(found):
        found_alone = np.arange(len(found)) < len(single)
        light = found[:, 3] < DARKEST * np.median(found[:, 3])
        found, found_alone = found[light], found_alone[light]
    else:
        found_alone = np.zeros(0, bool)
    kept: list[int] = []
    for index, (left, top, wide, _) in enumerate(found):
        apart = np.hypot(found[kept, 0] - left, found[kept, 1] - top)
        if not (apart < SAME * wide).any():
            kept.append(index)
    factor = ROUND_UM / seen.scale.um_per_px
    return RedCells((found[kept, :2] + 0.5) * factor, found[kept, 2] * factor, found_alone[kept])


def _plausible(diameters: np.ndarray) -> np.ndarray:
    usual = RED_CELL_UM / ROUND_UM
    return (diameters > WIDTHS[0] * usual) & (diameters < WIDTHS[1] * usual)


def _alone(density: np.ndarray, valid: np.ndarray, edge: float) -> np.ndarray:
    """(n, 4): middle's x and y, diameter and green density of cells that touch neither another nor the border."""
    green = cv2.GaussianBlur(density, (0, 0), 1.0)
    mask = ((green > edge) & valid).astype(np.uint8)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    inner = cv2.erode(valid.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=0)
    found = []
    for outline in outlines:
        columns, rows = outline[:, 0].T
        if not inner[rows, columns].all():
            continue
        area = cv2.contourArea(outline) + len(outline) / 2  # through the middles of the border's pixels
        diameter = 2 * (area / np.pi) ** 0.5
        if not _plausible(np.array(diameter)) or area < SOLID * cv2.contourArea(cv2.convexHull(outline)):
            continue
        moments = cv2.moments(outline)
        x, y = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
        left, top, wide, high = cv2.boundingRect(outline)
        patch = green[top : top + high, left : left + wide]
        found.append((x, y, diameter, float(np.percentile(patch, 70))))
    return np.array(found).reshape(-1, 4)
