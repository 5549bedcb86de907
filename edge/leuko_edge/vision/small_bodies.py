"""Small stained bodies of a field, any of which may be a platelet: where they lie and what they look like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from ..types import Cell
from .field import Field
from .nuclei import red_cell_stain

BODY_UM = 0.2  # µm per pixel of the pictures here: a small platelet is 8 px wide
SMOOTH_UM, CORE_UM, ROUND_UM = 0.25, 0.45, 1.8  # widths of Gaussians: noise, a platelet's core, what lies round it
FAINTEST = 0.05  # of the core's purple above what lies round it
APART_UM = 0.9  # two cores nearer than this are one
REACH_UM = 4.5  # half a side of the patch that a body is looked at in
LONE_UM2 = (1.0, 25.0)  # area of a stained body that touches nothing else and is no red cell (44 µm²)
WHITE_CELL_MARGIN_UM = 0.5
SAMPLE = 12_000  # pixels that tell what red cells absorb
LEAST_DENSITY = 0.05

FEATURES = (
    *("purple", "purple_round", "area", "area_squared", "elongation", "purple_by_noise"),
    *("green", "red", "blue", "round_green", "round_red", "round_blue"),
    *("red_cell_green", "red_cell_red", "red_cell_blue", "edge", "alone", "solidity"),
)


@dataclass(frozen=True)
class Bodies:
    """`features` (n, len(FEATURES)) float32; `centres` (n, 2) x, y in pixels of the file; `areas` (n,) µm²."""

    features: np.ndarray = field(repr=False)
    centres: np.ndarray = field(repr=False)
    areas: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class _Stained:
    """The field at `BODY_UM`: `density` (h, w, 3) smoothed, `purple` (h, w), its core above its surroundings `core`,
    `open` (h, w) bool where a body may lie, `red_cells` (3,) their density, `edge` the green that parts stain from
    background; all in B, G, R order."""

    density: np.ndarray
    purple: np.ndarray
    core: np.ndarray
    open: np.ndarray
    red_cells: np.ndarray
    edge: float
    noise: float


def small_bodies(seen: Field, cells: Sequence[Cell]) -> Bodies:
    """Of a field whose white cells are `cells`: within their outlines nothing is looked for."""
    stained = _stained(seen, cells)
    marks = [*_lone(stained), *_cores(stained)]
    found: list[tuple[np.ndarray, tuple[float, float], float]] = []
    taken = np.zeros(stained.purple.shape, bool)
    for rows, columns, alone in marks:
        middle = (float(columns.mean()), float(rows.mean()))
        if taken[round(middle[1]), round(middle[0])]:
            continue
        taken[rows, columns] = True
        area = len(rows) * BODY_UM**2
        found.append((_features(stained, rows, columns, alone), middle, area))
    factor = BODY_UM / seen.scale.um_per_px
    centres = (np.array([middle for _, middle, _ in found]).reshape(-1, 2) + 0.5) * factor
    features = np.array([row for row, _, _ in found], np.float32).reshape(-1, len(FEATURES))
    return Bodies(features, centres, np.array([area for _, _, area in found]))


def _stained(seen: Field, cells: Sequence[Cell]) -> _Stained:
    density, valid = seen.density(BODY_UM)
    density = cv2.GaussianBlur(density, (0, 0), SMOOTH_UM / BODY_UM)
    step = max(1, round((valid.size / SAMPLE) ** 0.5))
    stain = red_cell_stain(np.ascontiguousarray(density[::step, ::step]), valid[::step, ::step])
    red_cells = np.maximum(stain.bgr, LEAST_DENSITY)
    # Haemoglobin absorbs blue far more than green and red, azure and eosin do not: what the red cells' own blue does
    # not explain is a platelet's.
    ratio = min(float((red_cells[1] + red_cells[2]) / red_cells[0]), 6.0)
    purple = density[:, :, 1] + density[:, :, 2] - ratio * density[:, :, 0]
    white = np.zeros(valid.shape, np.uint8)
    for cell in cells:
        outline = np.round(cell.contour * (seen.scale.um_per_px / BODY_UM)).astype(np.int32)
        cv2.drawContours(white, [outline], -1, 1, -1)
    side = 2 * round(WHITE_CELL_MARGIN_UM / BODY_UM) + 1
    open_ = valid & (cv2.dilate(white, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))) == 0)
    weight = open_.astype(np.float32)
    inside = (purple * weight).astype(np.float32)
    around = cv2.GaussianBlur(inside, (0, 0), ROUND_UM / BODY_UM)
    around /= np.maximum(cv2.GaussianBlur(weight, (0, 0), ROUND_UM / BODY_UM), 0.05)
    width = (CORE_UM**2 - SMOOTH_UM**2) ** 0.5
    core = (cv2.GaussianBlur(inside, (0, 0), width / BODY_UM) - around) * weight
    usual = core[open_] if open_.any() else np.zeros(1, np.float32)
    noise = max(float(np.median(np.abs(usual - np.median(usual)))), 0.003)
    return _Stained(density, purple, core, open_, red_cells, stain.edge, noise)


Mark = tuple[np.ndarray, np.ndarray, bool]
"""Rows and columns of a body's pixels; whether it touches nothing."""


def _lone(stained: _Stained) -> list[Mark]:
    """Stained bodies that touch no other and are too small for a red cell, of whatever colour."""
    mask = ((stained.density[:, :, 1] > stained.edge) & stained.open).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    areas = stats[:, cv2.CC_STAT_AREA] * BODY_UM**2
    marks = []
    for index in range(1, count):
        if LONE_UM2[0] <= areas[index] <= LONE_UM2[1]:
            x, y, w, h = stats[index, :4]
            rows, columns = np.nonzero(labels[y : y + h, x : x + w] == index)
            marks.append((rows + y, columns + x, True))
    return marks


def _cores(stained: _Stained) -> list[Mark]:
    """Peaks of purple above what lies round them, on red cells too: as far as half their height."""
    core = stained.core
    side = 2 * round(APART_UM / BODY_UM) + 1
    peaks = (core == cv2.dilate(core, np.ones((side, side), np.uint8))) & (core > FAINTEST) & stained.open
    reach = round(REACH_UM / BODY_UM)
    marks = []
    for y, x in zip(*np.nonzero(peaks), strict=True):
        top, left = max(0, y - reach), max(0, x - reach)
        patch = core[top : y + reach + 1, left : x + reach + 1]
        half = (patch > 0.5 * core[y, x]).astype(np.uint8)
        labels = cv2.connectedComponents(half, connectivity=4)[1]
        rows, columns = np.nonzero(labels == labels[y - top, x - left])
        marks.append((rows + top, columns + left, False))
    return marks


def _features(stained: _Stained, rows: np.ndarray, columns: np.ndarray, alone: bool) -> np.ndarray:
    """(len(FEATURES),): densities in units of the red cells' green."""
    height, width = stained.purple.shape
    margin = 5
    top, left = max(0, rows.min() - margin), max(0, columns.min() - margin)
    below, right = min(height, rows.max() + margin + 1), min(width, columns.max() + margin + 1)
    body = np.zeros((below - top, right - left), np.uint8)
    body[rows - top, columns - left] = 1
    ring = (cv2.dilate(body, np.ones((9, 9), np.uint8)) > 0) & (cv2.dilate(body, np.ones((3, 3), np.uint8)) == 0)
    patch = stained.density[top:below, left:right]
    within = patch[body > 0].mean(axis=0)
    around = patch[ring].mean(axis=0) if ring.any() else within
    area = np.log(len(rows) * BODY_UM**2)
    spread = np.linalg.eigvalsh(np.cov(columns, rows) + 0.1 * np.eye(2)) if len(rows) > 2 else np.ones(2)
    edge = BODY_UM * min(columns.min(), rows.min(), width - 1 - columns.max(), height - 1 - rows.max())
    core, purple = stained.core[rows, columns].max(), stained.purple[rows, columns].mean()
    points = np.column_stack([columns, rows]).astype(np.int32)
    hull = cv2.contourArea(cv2.convexHull(points)) + 0.5 * len(cv2.convexHull(points)) + 1
    green = stained.red_cells[1]
    return np.array([
        np.log(max(core, 0.01)), np.log(max(purple, 0.01)), area, area**2, 0.5 * np.log(spread[1] / spread[0]),
        np.log(max(core, 0.01) / stained.noise), within[1] / green, within[2] / green, within[0] / green,
        around[1] / green, around[2] / green, around[0] / green, np.log(green), stained.red_cells[2] / green,
        stained.red_cells[0] / green, min(edge, 2.0), float(alone), min(len(rows) / hull, 1.5),
    ], np.float32)  # fmt: skip
