"""What the finder's network is shown of a field: white-referenced colours, and the same in units of its red cells.

One code for training, conversion and the device, as with the crops: a network that learnt on other numbers finds
nothing in these.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from .field import Field
from .nuclei import red_cell_stain

WHITE = 245  # what the empty background becomes
FINDER_UM = 0.5  # µm per pixel of the network's input: a platelet is 5 px wide, a lymphocyte 20
SAMPLE = 12_000  # pixels that tell what red cells absorb
CHANNELS = 6
INPUT_VERSION = 1
STRIDE = 4  # input pixels along a side of one of the network's positions
RED_LEVEL = 64.0  # what the picture's red cells are in the second half of the input
LEAST_DENSITY = 0.05  # of red cells in a channel; paler ones would only make noise large

_DENSITY = np.log10(WHITE / np.maximum(np.arange(256), 1.5)).clip(0, 2).astype(np.float32)


@dataclass(frozen=True)
class FinderInput:
    """`rgb` (h, w, 3) uint8 at `FINDER_UM`, background `WHITE`; `valid` (h, w) bool; `red` (3,) density of red cells
    in R, G, B; `factor`: file pixels along a side of one of its pixels."""

    rgb: np.ndarray = field(repr=False)
    valid: np.ndarray = field(repr=False)
    red: np.ndarray
    factor: tuple[float, float]

    @property
    def stacked(self) -> np.ndarray:
        return stacked(self.rgb, self.red)


def densities(rgb: np.ndarray) -> np.ndarray:
    """(h, w, 3) float32 optical density of white-referenced uint8, in the same order of channels."""
    return cv2.LUT(rgb, _DENSITY)


def stacked(rgb: np.ndarray, red: np.ndarray) -> np.ndarray:
    """(h, w, 6) uint8: `rgb`, and its density in units of `red` (3,), which becomes `RED_LEVEL`."""
    scale = RED_LEVEL / np.maximum(red, LEAST_DENSITY)
    table = np.clip(_DENSITY[:, None] * scale, 0, 255).round().astype(np.uint8)[None].reshape(1, 256, 3)
    return cv2.merge([*cv2.split(rgb), *cv2.split(cv2.LUT(rgb, table))])


def finder_input(seen: Field) -> FinderInput:
    """What the network is shown of a field, at the field's scale."""
    height, width = seen.bgr.shape[:2]
    factor = seen.scale.um_per_px / FINDER_UM
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    bgr = cv2.resize(seen.bgr, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
    white = cv2.resize(seen.white, size, interpolation=cv2.INTER_LINEAR)
    valid = cv2.resize(seen.valid.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    normal = cv2.divide(bgr, white, scale=WHITE, dtype=cv2.CV_8U)
    rgb = cv2.cvtColor(normal, cv2.COLOR_BGR2RGB)
    rgb[valid == 0] = WHITE
    density = cv2.GaussianBlur(densities(rgb), (0, 0), 0.6)
    step = max(1, round((valid.size / SAMPLE) ** 0.5))
    red = red_cell_stain(np.ascontiguousarray(density[::step, ::step, ::-1]), valid[::step, ::step] > 0).bgr[::-1]
    return FinderInput(rgb, valid > 0, np.array(red, np.float32), (width / size[0], height / size[1]))
