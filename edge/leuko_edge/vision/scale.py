"""Micrometres per pixel from the red cells, the one object of known size in every smear."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..errors import PictureError, Reason
from ..types import Scale
from .circles import circles

RED_CELL_UM = 7.5  # diameter on a dried smear; 7.2–7.8 µm in textbooks (Bain, Blood Cells)
MIN_RED_CELLS = 2.5  # whole circles, that the arcs add up to
MIN_SHARE = 0.1  # of all outlines in the picture; below it the arcs are dust and platelets


class ScaleUnknown(PictureError):
    """Too few red cells to measure µm per pixel, and nothing else to go by.

    `guess` is what `guess_scale` makes of the picture, None where it shows no nucleus either: one guess is off by a
    third, the median of a run's guesses by less.
    """

    def __init__(self, guess: Scale | None = None) -> None:
        super().__init__(
            "too few red cells to measure the scale", "give it with --um-per-px", reason=Reason.SCALE_UNKNOWN
        )
        self.guess = guess


class Commonest(NamedTuple):
    """The scale by the commonest circle, None where there is none, and those circles' share of all outlines."""

    scale: Scale | None
    share: float

    @property
    def measured(self) -> Scale | None:
        """The scale where it rests on enough red cells."""
        scale = self.scale
        return scale if scale is not None and scale.red_cells >= MIN_RED_CELLS and self.share >= MIN_SHARE else None


def commonest(green: np.ndarray, valid: np.ndarray, levels: tuple[float, float | None]) -> Commonest:
    """Of the (h, w) optical density in green, from its red cells' outlines; `levels` are those of `stain_levels`.

    Circles are fitted to the convex arcs of the outlines, so that touching, overlapping and cut cells count too.
    The commonest diameter, weighted by the length of arc, is the red cell's: platelets are small and weigh
    little, leukocytes are few and dark.
    """
    _, _, diameters, lengths, turns, dark, outline = circles(green, valid, levels)
    weights = lengths * np.minimum(turns / (2 * np.pi), 1)
    if len(diameters) < 2:
        return Commonest(None, 0.0)
    light = dark < max(1.6 * _weighted_median(dark, weights), 0.1)
    if light.sum() < 2:
        return Commonest(None, 0.0)
    diameters, lengths, turns, weights = diameters[light], lengths[light], turns[light], weights[light]
    logs = np.log(diameters)
    # Kernel density of log-diameter, 12 % wide; its highest point is the red cells' size.
    grid = np.linspace(logs.min(), logs.max(), 200)
    height = (weights * np.exp(-0.5 * ((grid[:, None] - logs) / 0.12) ** 2)).sum(axis=1)
    near = np.abs(logs - grid[int(height.argmax())]) < 0.3
    diameter = _weighted_median(diameters[near], weights[near])
    red_cells = round(float(turns[near].sum()) / (2 * np.pi), 1)
    return Commonest(Scale(RED_CELL_UM / diameter, "red cells", red_cells), float(lengths[near].sum() / outline))


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values)
    return float(values[order][np.searchsorted(np.cumsum(weights[order]), 0.5 * weights.sum())])
