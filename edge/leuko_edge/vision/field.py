"""What the light says: illumination, white reference, optical density, and µm per pixel from the red cells.

Everything that differs between microscopes for physical reasons is taken out here, so that the stages after it
see a white background, stain as optical density, and lengths in micrometres.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import cv2
import numpy as np

from ..errors import PictureError
from ..types import Scale
from .border import valid_area
from .illumination import illumination, sharpness, shrink
from .scale import Commonest, ScaleUnknown, commonest
from .scale_guess import guess_scale
from .stain_levels import levels, sample_step

MEASURE_SIDE = 480  # px; the long side at which light and red cells are measured
MEASURE_SIDES = (MEASURE_SIDE, 1200, 3000)  # and, where red cells are too small to be seen there, these
MAX_OD = 2.0
STAINED_SHARE = 0.65  # samples of LISC, PBC, TECOM, BCCD, Raabin: 0.71 and more; five other pictures: 0.04 to 0.7
PLAUSIBLE_UM = (0.01, 0.6)  # µm per px: finer is no camera's, coarser shows a red cell in a dozen pixels
MAX_AREA_UM2 = 2e6  # 2 mm², some hundred fields of a 100× objective: bounds memory

__all__ = ["Field", "ScaleUnknown", "optical_density", "shrink"]


@dataclass(frozen=True)
class Field:
    """A picture with its light understood.

    bgr: (h, w, 3) uint8, the file's own pixels. white: (gh, gw, 3) float32, the empty background's value of each
    channel on a coarse grid that covers the picture. valid: (gh, gw) bool, false in black frames.
    """

    bgr: np.ndarray = field(repr=False)
    white: np.ndarray = field(repr=False)
    valid: np.ndarray = field(repr=False)
    scale: Scale
    focus: float

    @classmethod
    def from_bgr(
        cls,
        bgr: np.ndarray,
        um_per_px: float | Scale | None = None,
        fallback: Scale | None = None,
        guess: bool = False,
    ) -> Field:
        """Measure light and scale of (h, w, 3) uint8 `bgr`.

        The scale is `um_per_px` where given (a Scale is taken as it is); else measured from the red cells; else
        `fallback` (from the run's other pictures); else, with `guess`, assumed from the white cells' own size.
        Raises ScaleUnknown where none of these applies, and PictureError where the picture has no bright background.
        """
        small = shrink(bgr, MEASURE_SIDE)
        valid = valid_area(small)
        white, grid_valid = illumination(small, valid)
        if isinstance(um_per_px, Scale):
            scale = um_per_px
        elif um_per_px is not None:
            scale = Scale(float(um_per_px), "given")
        else:
            reduced = _reduced(bgr.shape, small, white, grid_valid)
            scale = _measured(bgr, white, grid_valid, reduced) or _guess(reduced, fallback, guess)
        _plausible(scale.um_per_px, bgr.shape)
        return cls(bgr, white, grid_valid, scale, round(sharpness(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), valid), 4))

    def density(self, um_per_px: float) -> tuple[np.ndarray, np.ndarray]:
        """Optical density (h', w', 3) float32 in B, G, R order and the valid mask, resampled to `um_per_px`."""
        factor = self.scale.um_per_px / um_per_px
        height, width = self.bgr.shape[:2]
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        resampled = cv2.resize(self.bgr, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
        density = optical_density(resampled, self.white)
        valid = cv2.resize(self.valid.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(bool)
        density[~valid] = 0
        return density, valid


@dataclass(frozen=True)
class _Reduced:
    """A smaller copy, (h, w, 3) uint8 BGR, the field's light, the copy's valid mask, and file pixels along a side of
    one of its pixels."""

    bgr: np.ndarray
    white: np.ndarray
    valid: np.ndarray
    ratio: float

    def density(self) -> np.ndarray:
        """(h, w, 3) float32 optical density."""
        return self._shown(optical_density(self.bgr, self.white), self.valid)

    def channel(self, number: int, step: int = 1) -> np.ndarray:
        """(h, w) float32: that in one channel, or of every `step`-th of its pixels along each side."""
        white = cv2.resize(cv2.extractChannel(self.white, number), self.bgr.shape[1::-1])[::step, ::step]
        return self._shown(_density(self.bgr[::step, ::step, number], white), self.valid[::step, ::step])

    def _shown(self, density: np.ndarray, valid: np.ndarray) -> np.ndarray:
        if not valid.all():
            density[~valid] = 0
        return density

    @cached_property
    def circles(self) -> Commonest:
        """Its red cells, mostly. They take little of the density but that in green, which is dear."""
        green, blue = self.channel(1), self.channel(0, sample_step(self.valid.shape))
        return commonest(green, self.valid, levels(green, blue, self.valid))


def _reduced(shape: tuple[int, ...], small: np.ndarray, white: np.ndarray, grid_valid: np.ndarray) -> _Reduced:
    """Of `small`, a copy of a picture of `shape`."""
    valid = cv2.resize(grid_valid.astype(np.uint8), small.shape[1::-1], interpolation=cv2.INTER_NEAREST).astype(bool)
    return _Reduced(small, white, valid, max(shape[:2]) / max(small.shape[:2]))


def _measured(bgr: np.ndarray, white: np.ndarray, grid_valid: np.ndarray, reduced: _Reduced) -> Scale | None:
    """The scale by the red cells: on a small copy, and where they are too small there, on larger ones."""
    for side in MEASURE_SIDES:
        if side > MEASURE_SIDE:
            reduced = _reduced(bgr.shape, shrink(bgr, side), white, grid_valid)
        scale = reduced.circles.measured
        if scale is not None:
            return replace(scale, um_per_px=scale.um_per_px / reduced.ratio)
        if side >= max(bgr.shape[:2]):
            break
    return None


def _guess(reduced: _Reduced, fallback: Scale | None, allowed: bool) -> Scale:
    """`fallback`, else a guess where that is allowed; ScaleUnknown, with the guess, where it is not.

    PictureError where, without red cells, the colours are not those of a stain either: a photograph of another thing.
    """
    density, valid = reduced.density(), reduced.valid
    if _stained_share(density, valid) < STAINED_SHARE:
        raise PictureError("neither red cells nor the colours of a blood stain: this does not look like a smear")
    if fallback is not None:
        return fallback
    guessed = guess_scale(density, valid, reduced.circles)
    scale = None if guessed is None else replace(guessed, um_per_px=guessed.um_per_px / reduced.ratio)
    if scale is None or not allowed:
        raise ScaleUnknown(guess=scale)
    return scale


def _stained_share(density: np.ndarray, valid: np.ndarray) -> float:
    """Share of what is dark that absorbs green about as much as any colour: eosin, azure and haemoglobin all do."""
    blue, green, red = cv2.split(density)
    strongest = cv2.max(cv2.max(blue, green), red)
    dark = valid & (strongest > 0.12)
    return float((green >= 0.75 * strongest)[dark].mean()) if dark.any() else 1.0


def _plausible(um_per_px: float, shape: tuple[int, ...]) -> None:
    """PictureError where a scale cannot be that of a picture in which leukocytes can be told apart."""
    low, high = PLAUSIBLE_UM
    if not low <= um_per_px <= high:
        raise PictureError(
            f"a scale of {um_per_px:.3g} µm per pixel is not that of a smear under a 40× to 100× objective",
            "give the right one with --um-per-px",
        )
    if shape[0] * shape[1] * um_per_px**2 > MAX_AREA_UM2:
        raise PictureError(
            f"at {um_per_px:.3g} µm per pixel the picture covers more than {MAX_AREA_UM2 / 1e6:.0f} mm²",
            "cut it into parts, or give the right scale with --um-per-px",
        )


def optical_density(bgr: np.ndarray, white: np.ndarray) -> np.ndarray:
    """-log10(transmission) of uint8 (h, w, 3), clipped to 0…2; `white` is a coarse grid of the same picture."""
    return _density(bgr, cv2.resize(white, bgr.shape[1::-1], interpolation=cv2.INTER_LINEAR))


def _density(values: np.ndarray, white: np.ndarray) -> np.ndarray:
    """The same, of float32 `white` at each of uint8 `values`; `white` is written over."""
    white += 1
    density = values.astype(np.float32)
    density += 1
    np.divide(white, density, out=density)
    np.log10(density, out=density)
    return np.clip(density, 0, MAX_OD, out=density)
