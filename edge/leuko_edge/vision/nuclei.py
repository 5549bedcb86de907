"""What red cells absorb in this picture, and where stain lies that only nuclei take."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .median import median, percentile
from .stain_levels import levels, sample_step

NUCLEAR = 1.25  # times the red cells' top density is the least that a nucleus has
OTSU = 0.7


@dataclass(frozen=True)
class Stain:
    """Red cells' optical density in this picture: what nuclei have to stand out from."""

    edge: float  # green density that parts stain from background
    bgr: np.ndarray  # median density of the red cells, (3,)
    top: float  # green density that single red cells rarely exceed


def red_cell_stain(density: np.ndarray, valid: np.ndarray) -> Stain:
    """Of (h, w, 3) optical density in B, G, R order; in a picture of one white cell, of the cytoplasm beside it."""
    blue, green, red = cv2.split(density)
    step = sample_step(green.shape)
    edge, nucleus = levels(green, blue[::step, ::step], valid)
    stained = valid & (green > edge)
    if nucleus is not None:
        stained &= green < nucleus
    if stained.sum() < 50:
        return Stain(edge, np.full(3, edge, np.float32), 2 * edge)
    # Nuclei lie above the median: the upper tail of the red cells is mirrored from the lower one.
    values = green[stained]
    low, middle = (percentile(values, share) for share in (10, 45))
    top = 2 * middle - low
    body = stained & (green < top)
    return Stain(edge, np.array([median(plane[body]) for plane in (blue, green, red)], np.float32), top)


def nuclear_stain(density: np.ndarray, valid: np.ndarray, stain: Stain) -> np.ndarray:
    """uint8 mask of nuclear stain.

    Nuclei are denser in green than red cells, and (but for coloured casts) hardly absorb blue, as haemoglobin does:
    green density beyond what the red cells' own blue:green ratio explains counts on top.
    """
    blue, green = density[:, :, 0], density[:, :, 1]
    ratio = float(stain.bgr[1] / max(stain.bgr[0], 0.02))
    excess = np.maximum(green - min(ratio, 3.0) * blue, 0)
    signal = green + excess
    signal[~valid] = 0
    lowest = NUCLEAR * stain.top
    above = signal[signal > lowest]
    if above.size < 20:
        return np.zeros(green.shape, np.uint8)
    # Between what red cells can reach and the darkest stain there is; Otsu finds the gap where nuclei are seen.
    levels = (np.clip(above, 0, 2.5) * 100).astype(np.uint8).reshape(-1, 1)
    otsu = cv2.threshold(levels, 0, 255, cv2.THRESH_OTSU)[0] / 100
    return (signal > min(max(lowest, OTSU * otsu), 2.5 * lowest)).astype(np.uint8)
