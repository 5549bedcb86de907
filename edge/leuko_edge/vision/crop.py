"""The one code that cuts and normalises cells, for training, conversion and the device alike.

A crop is a square window of fixed physical width around a cell's centre, divided by the empty background (which
becomes white) and brought to the network's size. Changing anything here changes what every model sees: the
card's `crop` version is there to refuse a model that was trained on another.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from .field import Field

CROP_VERSION = 1
WHITE = 245  # what the empty background becomes; leaves room for what is brighter


def cut(field: Field, centres: Sequence[tuple[float, float]], window_um: float, size: int) -> np.ndarray:
    """(n, size, size, 3) uint8 RGB crops of `window_um` µm around `centres` (x, y in pixels of the file).

    What lies outside the picture or in its black frame is background.
    """
    crops = np.empty((len(centres), size, size, 3), np.uint8)
    for n, centre in enumerate(centres):
        crops[n] = _cut_one(field, centre, window_um, size)
    return crops


def _cut_one(field: Field, centre: tuple[float, float], window_um: float, size: int) -> np.ndarray:
    side = window_um / field.scale.um_per_px
    height, width = field.bgr.shape[:2]
    step = side / size
    # Reduce by area first where pixels would be skipped, then place the window exactly.
    x0, y0 = int(np.floor(centre[0] - side / 2)) - 2, int(np.floor(centre[1] - side / 2)) - 2
    x1, y1 = int(np.ceil(centre[0] + side / 2)) + 3, int(np.ceil(centre[1] + side / 2)) + 3
    left, top, right, bottom = max(0, x0), max(0, y0), min(width, x1), min(height, y1)
    if right <= left or bottom <= top:
        return np.full((size, size, 3), WHITE, np.uint8)
    patch = field.bgr[top:bottom, left:right]
    offset = np.array([left, top], np.float64)
    zoom = np.array([1.0, 1.0])
    if step > 1:
        reduced = (max(1, round(patch.shape[1] / step)), max(1, round(patch.shape[0] / step)))
        zoom = np.array([reduced[0] / patch.shape[1], reduced[1] / patch.shape[0]])
        patch = cv2.resize(patch, reduced, interpolation=cv2.INTER_AREA)
    # Pixel centres of the crop, in pixels of the patch: one affine map, no rotation.
    grid = centre - np.array(side / 2) + step / 2
    start = (grid - offset) * zoom - 0.5
    matrix = np.array([[step * zoom[0], 0, start[0]], [0, step * zoom[1], start[1]]])
    rows, columns = field.white.shape[:2]
    light = np.array(
        [
            [step * columns / width, 0, grid[0] * columns / width - 0.5],
            [0, step * rows / height, grid[1] * rows / height - 0.5],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    bgr = cv2.warpAffine(patch.astype(np.float32), matrix, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    white = cv2.warpAffine(field.white, light, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    shown = cv2.warpAffine(field.valid.astype(np.uint8), light, (size, size), flags=cv2.WARP_INVERSE_MAP)
    normal = np.clip(bgr / np.maximum(white, 1) * WHITE, 0, 255)
    normal[shown == 0] = WHITE
    across, down = (grid[i] + step * np.arange(size) for i in (0, 1))
    normal[:, (across < 0) | (across > width)] = WHITE
    normal[(down < 0) | (down > height)] = WHITE
    return normal[:, :, ::-1].round().astype(np.uint8)
