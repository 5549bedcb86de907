"""The flat field: how bright the empty background is at every place of the picture, and pictures freed of it.

Lamp, condenser and objective light no field evenly, and no camera is exactly white. Both stay the same as long as
nobody touches the microscope, so they are measured once and every frame is divided by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import cv2
import numpy as np

from ..vision.illumination import shrink

FIT_SIDE = 160  # px; the long side of the copies that are measured: a red cell is still some pixels wide
SIDE = 64  # px; the long side of what is kept, light is smooth
_DEGREE = 4  # of the surface: a vignette and a bright spot of the lamp; what it leaves is followed locally
_TOLERANCES = (0.2, 0.12, 0.08, 0.06, 0.05, 0.04, 0.04)  # natural log; from the brightest down to what is no background
_BRIGHTER = 0.25  # natural log; nothing is much brighter than the background but a reflection
_LOCAL = 0.06  # of the long side: s.d. of the local correction
_RIM = 2  # px of a small copy around a cell that its blur darkens


@dataclass(frozen=True)
class FlatField:
    """`levels` (h, w, 3) float32: the empty background in B, G, R, levels of 0 to 255, on a coarse grid."""

    levels: np.ndarray = field(repr=False)

    def __post_init__(self) -> None:
        shape = self.levels.shape
        if len(shape) != 3 or shape[2] != 3 or min(shape[:2]) < 2 or not (self.levels > 0).all():
            raise ValueError(f"levels must be (h, w, 3), all above 0; got {shape}")

    @property
    def white(self) -> float:
        """The level that `factors` bring the background to: the brightest place of the brightest channel."""
        return float(self.levels.max())

    @property
    def evenness(self) -> float:
        """The darkest place over the brightest, of the channel where that is least; 1 is perfectly even."""
        return float((self.levels.min(axis=(0, 1)) / self.levels.max(axis=(0, 1))).min())

    @property
    def darkest(self) -> str:
        """Where the light is weakest, as "top left" or "bottom"; "middle" where no side is."""
        height, width = self.levels.shape[:2]
        y, x = np.unravel_index(int(self.levels[:, :, 1].argmin()), (height, width))
        rows, columns = ("top", "", "bottom"), ("left", "", "right")
        words = f"{rows[int(3 * y / height)]} {columns[int(3 * x / width)]}".strip()
        return words or "middle"

    def factors(self, size: tuple[int, int]) -> np.ndarray:
        """(h, w, 3) float32, 1 and above: what each pixel of a picture of `size` (w, h) is to be multiplied by."""
        full = cv2.resize(self.levels, size, interpolation=cv2.INTER_CUBIC)
        return np.maximum(self.white / np.maximum(full, 1), 1).astype(np.float32)


class Flattener:
    """Divides pictures by a flat field, whose size is fitted to theirs with the first one.

    What is missing of the light is added in bytes: a quarter of the memory to be read that factors would take, and with
    half the light in the darkest corner no pixel is wrong by more than a level.
    """

    def __init__(self, flat: FlatField) -> None:
        self._flat = flat
        self._missing = np.empty((0, 0, 3), np.uint8)  # of each pixel's own value, in units of `_unit`
        self._unit = 0.0

    def __call__(self, bgr: np.ndarray) -> np.ndarray:
        """`bgr` (h, w, 3) uint8 with the background equally bright and white everywhere; the same shape and type."""
        if self._missing.shape != bgr.shape:
            self._fit((bgr.shape[1], bgr.shape[0]))
        added = cv2.multiply(bgr, self._missing, scale=self._unit)
        return np.asarray(cv2.add(bgr, added, dst=added))

    def _fit(self, size: tuple[int, int]) -> None:
        missing = self._flat.factors(size) - 1
        self._unit = max(float(missing.max()), 1e-6) / 255
        self._missing = np.rint(missing / self._unit).astype(np.uint8)


@dataclass(frozen=True)
class Measured:
    """An empty field as some frames show it.

    covered: share of the field that is no background (cells, dust). noise: s.d. of a pixel from frame to frame,
    levels. flicker: how far the frames' brightness differs, of their median. clipped: share of pixels that are full
    in a channel.
    """

    flat: FlatField
    covered: float
    noise: float
    flicker: float
    clipped: float


def reduced(bgr: np.ndarray) -> np.ndarray:
    """(h, w, 3) float32, `bgr` on the small copy that is measured; finer than a level, as 8 bits would not be."""
    return shrink(bgr.astype(np.float32), FIT_SIDE)


def measure(frames: Sequence[np.ndarray]) -> Measured:
    """The light in `frames`, two or more (h, w, 3) uint8 BGR of one empty field, or of one that is moved slowly.

    A cell that moves away between frames is gone from their median; what stays is left out of the smooth surface that
    is laid through the rest.
    """
    # Not the surface of `vision.illumination`: that finds the background between the cells of one 8-bit picture by its
    # modes, and is a stiff quadratic because it has to be extrapolated below them; it would leave some per cent of a
    # vignette in every frame. One of this degree, on the other hand, follows the cells of a crowded field, and would
    # change what `field` gives, on which the networks were trained.
    small = np.stack([reduced(bgr) for bgr in frames])
    middle = np.median(small, axis=0)
    surface, background = smooth_surface(middle)
    size = tuple(max(2, round(n * SIDE / max(middle.shape[:2]))) for n in middle.shape[1::-1])
    levels = cv2.resize(surface, size, interpolation=cv2.INTER_AREA).clip(1, 255)
    brightness = np.median(small[:, ::4, ::4, 1], axis=(1, 2))
    clipped = np.mean([float((bgr[::4, ::4].max(axis=2) >= 255).mean()) for bgr in frames])
    return Measured(
        FlatField(levels.astype(np.float32)),
        1 - float(background.mean()),
        _noise(frames),
        float(np.ptp(brightness) / max(np.median(brightness), 1)),
        float(clipped),
    )


def _noise(frames: Sequence[np.ndarray]) -> float:
    """S.d. of a pixel in levels, from the differences of successive frames; cells that move do not count."""
    differences = [one[::4, ::4].astype(np.float32) - other[::4, ::4] for one, other in pairwise(frames)]
    spreads = [float(np.percentile(np.abs(d), 68.27)) for d in differences]  # a normal distribution's s.d.
    return float(np.median(spreads)) / 2**0.5


def smooth_surface(bgr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The background under (h, w, 3) float32 levels: the surface (h, w, 3), and (h, w) bool where it was seen.

    A polynomial through the logarithms, fitted again and again to what lies near it: cells and dust are darker and drop
    out. What the background still differs by is then followed locally.
    """
    log = np.log(np.maximum(bgr, 1))
    height, width = log.shape[:2]
    basis = _basis(width, height)
    seen = np.ones((height, width), bool)
    surface = log
    ridge = 1e-6 * height * width * np.eye(basis.shape[-1])  # for terms that what is seen says nothing of
    for tolerance in _TOLERANCES:
        rows = basis[seen]
        weights = np.linalg.solve(rows.T @ rows + ridge, rows.T @ log[seen])
        surface = (basis.reshape(-1, basis.shape[-1]) @ weights).reshape(log.shape)
        off = log - surface
        near = ((off > -tolerance) & (off < _BRIGHTER)).all(axis=2)
        if near.mean() < 0.05:  # nothing smooth is left; the last surface will do to say that it is covered
            break
        seen = near
    kernel = np.ones((2 * _RIM + 1, 2 * _RIM + 1), np.uint8)
    inner = cv2.erode(seen.astype(np.uint8), kernel).astype(np.float32)
    sigma = _LOCAL * max(height, width)
    total = cv2.GaussianBlur(inner, (0, 0), sigma)[..., None] + 0.02
    local = cv2.GaussianBlur((log - surface) * inner[..., None], (0, 0), sigma) / total
    return np.exp(surface + local).astype(np.float32), seen


def _basis(width: int, height: int) -> np.ndarray:
    """(h, w, n) float64: the products of Legendre polynomials of x and y up to `_DEGREE` together."""
    across = np.polynomial.legendre.legvander(np.linspace(-1, 1, width), _DEGREE)
    down = np.polynomial.legendre.legvander(np.linspace(-1, 1, height), _DEGREE)
    terms = [(i, j) for i in range(_DEGREE + 1) for j in range(_DEGREE + 1 - i)]
    return np.stack([down[:, None, j] * across[None, :, i] for i, j in terms], axis=-1)
