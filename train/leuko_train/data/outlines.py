"""A cell's outline as a mask on the pixels of its stored crop."""

from __future__ import annotations

import cv2
import numpy as np

from leuko_edge.types import Cell

from .cell_set import STORED_SIZE, STORED_UM

_SHIFT = 4  # bits below the pixel


def outlined(cell: Cell | None, centre: tuple[float, float], um_per_px: float) -> np.ndarray:
    """(208, 208) bool: the cell's area on the crop that `leuko_edge.vision.crop.cut` makes around `centre` (pixels
    of the file); all false without a cell."""
    mask = np.zeros((STORED_SIZE, STORED_SIZE), np.uint8)
    if cell is not None:
        step = STORED_UM / STORED_SIZE / um_per_px  # file pixels per pixel of the crop
        first = np.asarray(centre) - (STORED_SIZE - 1) / 2 * step  # where the crop's first pixel has its middle
        points = (cell.contour + 0.5 - first) / step
        cv2.fillPoly(mask, [np.rint(points * 2**_SHIFT).astype(np.int32)], 1, shift=_SHIFT)
    return mask.astype(bool)


def packed(outlines: list[np.ndarray]) -> np.ndarray:
    """(n, 208, 26) uint8 as the set keeps them."""
    return np.packbits(np.array(outlines, bool).reshape(-1, STORED_SIZE, STORED_SIZE), axis=2)
