"""Green optical densities that part a picture: background, what is stained, and nuclei where they are most of that."""

from __future__ import annotations

import cv2
import numpy as np

from .median import median, percentile

FAINT = 0.04  # less is background
SAMPLE = 20_000  # px that tell whether nuclei are most of what is stained
LEAST = 20  # px of stain, below which nothing can be told
# Blue density over green, of three laboratories' pictures: 0.35 and more in nine of ten of their red cells, 0.26 and
# less in nine of ten of their nuclei. The red cells' green density is 0.06 to 0.32.
NUCLEAR_BLUE = 0.3
DENSE, DENSE_BLUE = 0.38, 0.6  # too dense for red cells: may absorb more of the blue
NUCLEAR_SHARE = 0.35  # of what is stained: in a field of red cells, nuclei cover less than a fifth


def stain_levels(density: np.ndarray, valid: np.ndarray) -> tuple[float, float | None]:
    """`levels` of (h, w, 3) density in B, G, R order."""
    step = sample_step(density.shape)
    return levels(cv2.extractChannel(density, 1), density[::step, ::step, 0], valid)


def sample_step(shape: tuple[int, ...]) -> int:
    """Every so many pixels along each side of a picture of `shape` (h, w, …) tell whether nuclei are most of it."""
    return max(1, int((shape[0] * shape[1] / SAMPLE) ** 0.5))


def levels(green: np.ndarray, blue: np.ndarray, valid: np.ndarray) -> tuple[float, float | None]:
    """(level that parts red cells from background, level above which nuclei lie), by the density in `green` (h, w) and
    that in `blue` of every `sample_step`-th pixel.

    The second is None but where nuclei are most of what is stained, as in a picture of a single white cell: there
    the middle of what is stained says nothing of red cells, so the first is that of the rest.
    """
    edge = _edge(green.ravel() if valid.all() else green[valid])
    step = sample_step(green.shape)
    some = np.ascontiguousarray(green[::step, ::step])
    stained = valid[::step, ::step] & (some > edge)
    nucleus = _mostly_nucleus(blue[stained], some[stained])
    if nucleus is not None:
        edge = _edge(green[valid & (green < nucleus)])
    return edge, nucleus


def _edge(green: np.ndarray) -> float:
    stained = green[green > FAINT]
    if stained.size < LEAST:
        return 0.06
    # Nuclei would pull Otsu's threshold above pale red cells, so what is darker than most stain is levelled.
    top = float(np.clip(1.5 * median(stained), 0.08, 0.5))
    return float(np.clip(0.8 * _otsu(green, top), 0.025, 0.25))


def _otsu(values: np.ndarray, top: float) -> float:
    scaled = values * (255 / top)
    levels = np.clip(scaled, 0, 255, out=scaled).astype(np.uint8)
    return cv2.threshold(levels.reshape(-1, 1), 0, 255, cv2.THRESH_OTSU)[0] / 255 * top


def _mostly_nucleus(blue: np.ndarray, green: np.ndarray) -> float | None:
    """The level that parts the nucleus from the rest of what is stained, (n,) each; None where it is not most of it."""
    if len(green) < LEAST:
        return None
    level = _otsu(green, max(percentile(green, 99), FAINT))
    dark = green > level
    middle = median(green[dark])
    colour = median(blue[dark]) / middle
    if dark.mean() < NUCLEAR_SHARE or colour > (DENSE_BLUE if middle > DENSE else NUCLEAR_BLUE):
        return None
    return level
