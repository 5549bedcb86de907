"""A frame reduced to what registration needs: the red cells' pattern, without the lamp's light and the sensor's dirt.

A view is the green channel (red cells and nuclei both absorb green) with its long side at SIDE px, as the log of the
light with everything broader than a cell taken out: uneven light moves with the camera, not with the slide, and would
pull every shift towards zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

SIDE = 320  # px, long side of a view: 4 px of a 1280 px frame to one
COARSE = 4  # view px to one thumbnail px, where shifts are searched
LIMIT = 0.16  # natural log units, about a red cell's own; clipped there, one nucleus does not outweigh all red cells
UNIT = LIMIT / 127  # log units of one step of the stored int8
BLACK = 20  # grey value of the dark frame round a circular field of view, which stands still
BLOCK = 32  # px, some red cells; texture and agreement are asked of every block of this size by itself
FAINT = 0.015  # log units, r.m.s. of a block with something in it; sensor noise leaves 0.001 to 0.005
_LOG = np.log(np.arange(256, dtype=np.float32) + 1)


@dataclass(frozen=True)
class View:
    """`fine` (h, w) int8 in steps of UNIT; `thumb` the same, float32 in log units, at a COARSE-th of its size.

    `texture` is the share, 0 to 1, of its blocks with something in them; `sharp` how much of its texture is fine
    detail, comparable between views of one microscope.
    """

    fine: np.ndarray = field(repr=False)
    thumb: np.ndarray = field(repr=False)
    texture: float
    sharp: float

    @classmethod
    def of(cls, band: np.ndarray) -> View:
        """The view of a band (h, w) float32 as `reduced` gives it."""
        return cls.of_smooth(cv2.GaussianBlur(np.clip(band, -LIMIT, LIMIT), (0, 0), 0.8))

    @classmethod
    def of_fine(cls, fine: np.ndarray) -> View:
        """The view whose `fine` was kept."""
        return cls.of_smooth(fine.astype(np.float32) * np.float32(UNIT))

    @classmethod
    def of_smooth(cls, smooth: np.ndarray) -> View:
        height, width = smooth.shape
        thumb = cv2.resize(smooth, (width // COARSE, height // COARSE), interpolation=cv2.INTER_AREA)
        energy = blocks(smooth * smooth)
        edges = cv2.Laplacian(smooth, cv2.CV_32F)
        sharp = float(np.sqrt(np.vdot(edges, edges) / max(np.vdot(smooth, smooth), 1e-6)))
        fine = np.rint(smooth * (1 / UNIT)).astype(np.int8)
        return cls(fine, thumb, float((energy > FAINT**2).mean()), sharp)


class Dirt:
    """What stands still on the sensor, learnt as the mean of bands of different places.

    Only what stands out of the mean's own uncertainty is removed, so that no ghost of a place seen is left behind.
    """

    MEMORY, LEAST = 64, 6  # places averaged; places before anything is believed

    def __init__(self) -> None:
        self._places = 0
        self._mean: np.ndarray | None = None
        self._power = 0.0
        self._static: np.ndarray | None = None

    def removed(self, band: np.ndarray) -> np.ndarray:
        return band if self._static is None or self._static.shape != band.shape else band - self._static

    def learn(self, band: np.ndarray) -> None:
        """Take in the band (h, w) float32 of a place not seen before, nothing removed from it yet."""
        if self._mean is None or self._mean.shape != band.shape:
            self._places, self._mean = 0, np.zeros_like(band)
        self._places += 1
        share = 1 / min(self._places, self.MEMORY)
        self._mean += share * (band - self._mean)
        self._power += share * (float(np.mean(band * band)) - self._power)
        if self._places >= self.LEAST:
            found = (np.abs(self._mean) > 4 * np.sqrt(self._power * share)).astype(np.uint8)
            self._static = np.where(cv2.dilate(found, np.ones((3, 3), np.uint8)) > 0, self._mean, np.float32(0))


def reduced(bgr: np.ndarray) -> np.ndarray:
    """The band (h', w') float32 of bgr (h, w, 3) uint8: log light at SIDE px, zero in the mean, black frames zero."""
    height, width = bgr.shape[:2]
    factor = SIDE / max(height, width)
    size = max(BLOCK, round(width * factor)), max(BLOCK, round(height * factor))
    small = cv2.resize(cv2.extractChannel(bgr, 1), size, interpolation=cv2.INTER_AREA)
    log = cv2.LUT(small, _LOG)
    broad = cv2.resize(log, (size[0] // COARSE, size[1] // COARSE), interpolation=cv2.INTER_AREA)
    broad = cv2.GaussianBlur(broad, (0, 0), 10 / COARSE)
    band: np.ndarray = log - cv2.resize(broad, size, interpolation=cv2.INTER_LINEAR)
    dark = (small < BLACK).astype(np.uint8)
    if dark.any():
        band[cv2.dilate(dark, np.ones((9, 9), np.uint8)) > 0] = 0
    return band


def blocks(values: np.ndarray) -> np.ndarray:
    """The means of (h, w) float32 `values` over blocks of BLOCK px, those that are whole; h and w at least BLOCK."""
    rows, columns = values.shape[0] // BLOCK, values.shape[1] // BLOCK
    # A whole ratio is OpenCV's fast way.
    return cv2.resize(values[: rows * BLOCK, : columns * BLOCK], (columns, rows), interpolation=cv2.INTER_AREA)
