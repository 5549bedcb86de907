"""What a field says of lamp, condenser, focus, scale and stain: numbers that stay what they are while nothing changes.

    signs(field, cells)       # {Sign.LIGHT: 221.0, Sign.BACKGROUND_BLUE: -0.017, …}

A few milliseconds on a reduced copy: measured in the first fields of a count, never in every frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import cv2
import numpy as np

from ..types import Cell
from .field import Field, optical_density, shrink
from .stain_levels import stain_levels

FIELDS = 9
"""Fields of a session whose signs are measured: their median is the session's."""
SIDE = 320  # px; the long side of the reduced copy that stain is measured on
FEWEST_PX = 30  # of red cells or nuclei, on the reduced copy, below which their colour is not told
NUCLEAR = 0.6  # of a cell's densest stain (its 95th percentile): above it lies the nucleus


class Sign(StrEnum):
    LIGHT = "light"
    """Empty background, mean of the three channels, 0 to 255."""
    UNEVEN = "uneven"
    """Its spread over the field, 5th to 95th percentile of green, as a share of its middle."""
    BACKGROUND_BLUE = "background_blue"
    """log10(blue / green) of the empty background."""
    BACKGROUND_RED = "background_red"
    """log10(red / green) of the empty background."""
    FOCUS = "focus"
    """`illumination.sharpness`: without unit, higher is sharper."""
    SCALE = "um_per_px"
    """µm per pixel, where it was measured."""
    RED_CELL_DENSITY = "red_cell_density"
    """Optical density of the red cells in green."""
    RED_CELL_BLUE = "red_cell_blue"
    """Their density in blue over that in green: eosin and haemoglobin."""
    NUCLEUS_DENSITY = "nucleus_density"
    """Optical density of the white cells' nuclei in green."""
    NUCLEUS_RED = "nucleus_red"
    """Their density in red over that in green: azure B, and how blue they look."""


def signs(field: Field, cells: Sequence[Cell]) -> dict[str, float]:
    """By the values of `Sign`; what the field does not show (no red cells, no white ones) is left out."""
    blue, green, red = (float(np.median(field.white[field.valid, n])) for n in range(3))
    low, high = np.percentile(field.white[field.valid, 1], (5, 95))
    found = {
        Sign.LIGHT: (blue + green + red) / 3,
        Sign.UNEVEN: float(high - low) / green,
        Sign.BACKGROUND_BLUE: float(np.log10(blue / green)),
        Sign.BACKGROUND_RED: float(np.log10(red / green)),
        Sign.FOCUS: field.focus,
        **_stain(field, cells),
    }
    if field.scale.origin == "red cells":
        found[Sign.SCALE] = field.scale.um_per_px
    return {str(sign): round(value, 5) for sign, value in found.items()}


def _stain(field: Field, cells: Sequence[Cell]) -> Mapping[Sign, float]:
    small = shrink(field.bgr, SIDE)
    density = optical_density(small, field.white)
    size = small.shape[1::-1]
    valid = cv2.resize(field.valid.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(bool)
    white_cells, nuclei = _white_cells(density[:, :, 1], cells, max(small.shape[:2]) / max(field.bgr.shape[:2]))
    edge, _ = stain_levels(density, valid)
    red_cells = cv2.erode((valid & (density[:, :, 1] > edge)).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    found: dict[Sign, float] = {}
    for mask, strength, colour, channel in (
        (red_cells & ~white_cells, Sign.RED_CELL_DENSITY, Sign.RED_CELL_BLUE, 0),
        (nuclei & valid, Sign.NUCLEUS_DENSITY, Sign.NUCLEUS_RED, 2),
    ):
        if mask.sum() >= FEWEST_PX:
            green, other = float(np.median(density[mask, 1])), float(np.median(density[mask, channel]))
            found[strength] = green
            if green > 0:
                found[colour] = other / green
    return found


def _white_cells(green: np.ndarray, cells: Sequence[Cell], factor: float) -> tuple[np.ndarray, np.ndarray]:
    """Where white cells lie, a little grown, and their nuclei: (h, w) bool each. `factor`: px of `green` a file px."""
    inside, nuclei = np.zeros(green.shape, np.uint8), np.zeros(green.shape, bool)
    for cell in cells:
        one = np.zeros(green.shape, np.uint8)
        cv2.fillPoly(one, [np.round(cell.contour * factor).astype(np.int32)], 1)
        inside |= one
        if one.any():
            nuclei |= (one > 0) & (green > NUCLEAR * np.percentile(green[one > 0], 95))
    return cv2.dilate(inside, np.ones((5, 5), np.uint8)) > 0, nuclei


def medians(measured: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Of each sign over the fields that show it."""
    names = dict.fromkeys(name for one in measured for name in one)
    return {name: float(np.median([one[name] for one in measured if name in one])) for name in names}
