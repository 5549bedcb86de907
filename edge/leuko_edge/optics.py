"""What the light says: illumination, white reference, optical density, and µm per pixel from the red cells.

Everything that differs between microscopes for physical reasons is taken out here, so that the stages after it
see a white background, stain as optical density, and lengths in micrometres.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from .errors import PictureError
from .scale import ScaleUnknown, guess_scale, measure_scale
from .types import Scale

BLACK = 20  # grey value below which the frame around a rotated picture lies
MEASURE_SIDE = 480  # px; the long side at which light and red cells are measured
MEASURE_SIDES = (MEASURE_SIDE, 1200, 3000)  # and, where red cells are too small to be seen there, these
ILLUMINATION_SIDE = 160  # px; illumination is smooth, so it is estimated on a small copy
MAX_OD = 2.0
PLAUSIBLE_UM = (0.01, 0.6)  # µm per px: finer is no camera's, coarser shows a red cell in a dozen pixels
MAX_AREA_UM2 = 2e6  # 2 mm², some hundred fields of a 100× objective: bounds memory

__all__ = ["Field", "ScaleUnknown", "focus"]


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
        um_per_px: float | None = None,
        fallback: Scale | None = None,
        guess: bool = False,
    ) -> Field:
        """Measure light and scale of (h, w, 3) uint8 `bgr`.

        The scale is `um_per_px` where given; else measured from the red cells; else `fallback` (from the run's
        other pictures); else, with `guess`, assumed from the white cells' own size. Raises ScaleUnknown where
        none of these applies, and PictureError where the picture has no bright background.
        """
        small = shrink(bgr, MEASURE_SIDE)
        valid = valid_area(small)
        white, grid_valid = illumination(small, valid)
        if um_per_px is not None:
            scale = Scale(float(um_per_px), "given")
        else:
            scale = _measured(bgr, white, grid_valid) or _guess(bgr, white, grid_valid, fallback, guess)
        _plausible(scale.um_per_px, bgr.shape)
        return cls(bgr, white, grid_valid, scale, focus(small, valid))

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


def _reduced(
    bgr: np.ndarray, white: np.ndarray, grid_valid: np.ndarray, side: int
) -> tuple[np.ndarray, np.ndarray, float]:
    """Optical density and valid mask of a copy with its long side at most `side`, and file pixels per its pixel."""
    small = shrink(bgr, side)
    valid = cv2.resize(grid_valid.astype(np.uint8), small.shape[1::-1], interpolation=cv2.INTER_NEAREST).astype(bool)
    density = optical_density(small, white)
    density[~valid] = 0
    return density, valid, max(bgr.shape[:2]) / max(small.shape[:2])


def _measured(bgr: np.ndarray, white: np.ndarray, grid_valid: np.ndarray) -> Scale | None:
    """The scale by the red cells: on a small copy, and where they are too small there, on larger ones."""
    for side in MEASURE_SIDES:
        density, valid, ratio = _reduced(bgr, white, grid_valid, side)
        scale = measure_scale(density, valid)
        if scale is not None:
            return replace(scale, um_per_px=scale.um_per_px / ratio)
        if side >= max(bgr.shape[:2]):
            break
    return None


def _guess(bgr: np.ndarray, white: np.ndarray, grid_valid: np.ndarray, fallback: Scale | None, allowed: bool) -> Scale:
    """`fallback`, else a guess where that is allowed; ScaleUnknown, with the guess, where it is not."""
    if fallback is not None:
        return fallback
    density, valid, ratio = _reduced(bgr, white, grid_valid, MEASURE_SIDE)
    guessed = guess_scale(density, valid)
    scale = None if guessed is None else replace(guessed, um_per_px=guessed.um_per_px / ratio)
    if scale is None or not allowed:
        raise ScaleUnknown("too few red cells to measure the scale; give it with --um-per-px", scale)
    return scale


def _plausible(um_per_px: float, shape: tuple[int, ...]) -> None:
    """PictureError where a scale cannot be that of a picture in which leukocytes can be told apart."""
    low, high = PLAUSIBLE_UM
    if not low <= um_per_px <= high:
        raise PictureError(
            f"a scale of {um_per_px:.3g} µm per pixel is not that of a smear under a 40× to 100× objective; "
            "give the right one with --um-per-px"
        )
    if shape[0] * shape[1] * um_per_px**2 > MAX_AREA_UM2:
        raise PictureError(
            f"at {um_per_px:.3g} µm per pixel the picture covers more than {MAX_AREA_UM2 / 1e6:.0f} mm²; "
            "cut it into parts, or give the right scale with --um-per-px"
        )


def shrink(bgr: np.ndarray, side: int) -> np.ndarray:
    """`bgr` with its long side at most `side` px, area-averaged; the array itself where it is small enough."""
    longest = max(bgr.shape[:2])
    if longest <= side:
        return bgr
    size = tuple(max(1, round(n * side / longest)) for n in bgr.shape[1::-1])
    return cv2.resize(bgr, size, interpolation=cv2.INTER_AREA)


def valid_area(bgr: np.ndarray) -> np.ndarray:
    """(h, w) bool: false in black areas that touch the border (frames of rotated or padded pictures)."""
    blue, green, red = cv2.split(bgr)
    dark = (cv2.max(cv2.max(blue, green), red) < BLACK).astype(np.uint8)
    if not dark.any():
        return np.ones(dark.shape, bool)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(dark, connectivity=4)
    border = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    # A dark nucleus cut by the edge is small beside the picture; a frame is not, or it is a line along an edge, or
    # (of a picture turned a little) a wedge from a corner.
    height, width = dark.shape
    corners = {labels[0, 0], labels[0, -1], labels[-1, 0], labels[-1, -1]}
    frames = [
        n
        for n in border
        if n
        and (n in corners or stats[n, cv2.CC_STAT_AREA] > 0.01 * dark.size or _runs_along_edge(stats[n], height, width))
    ]
    black = np.isin(labels, frames).astype(np.uint8)
    # Interpolation and JPEG blur the frame's edge by a few pixels.
    reach = 2 * max(2, round(0.006 * max(dark.shape))) + 1
    return cv2.dilate(black, np.ones((reach, reach), np.uint8)) == 0


def _runs_along_edge(stat: np.ndarray, height: int, width: int) -> bool:
    return stat[cv2.CC_STAT_WIDTH] > 0.5 * width or stat[cv2.CC_STAT_HEIGHT] > 0.5 * height


def illumination(bgr: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The background's value over the picture: ((gh, gw, 3) float32, (gh, gw) bool valid) on a coarse grid.

    A quadratic surface through the flat, bright pixels in log space, then a smooth local correction, so that a
    bright spot of the lamp and a vignette are both followed where background shows, and extrapolated with
    restraint where it does not. Raises PictureError where there is no bright background.
    """
    small = shrink(bgr, ILLUMINATION_SIDE)
    size = small.shape[1::-1]
    ok = cv2.resize(valid.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    ok = cv2.erode(ok, np.ones((3, 3), np.uint8)).astype(bool)  # the grid is coarse: keep clear of black frames
    if ok.sum() < 0.05 * ok.size or ok.sum() < 100:
        raise PictureError("the picture is black")
    blurred = cv2.GaussianBlur(small, (0, 0), 1.0)
    green = blurred[:, :, 1]
    empty = _empty(green, ok)
    log = [np.log10(channel.astype(np.float32) + 1) for channel in cv2.split(blurred)]
    flat = _flat(green, ok)
    basis = _basis(*size)
    tolerance = 0.06
    for _ in range(8):  # from the brightest area outwards, until no more of it is found
        surface = [_fit(basis, channel, empty) for channel in log]
        residual = [channel - fitted for channel, fitted in zip(log, surface, strict=True)]
        near = [np.abs(left) < tolerance for left in residual]
        grown = near[0] & near[1] & near[2] & flat
        if grown.sum() < 0.005 * ok.sum() or (grown == empty).mean() > 0.995:
            break
        empty, tolerance = grown, 0.05
    # Local correction: what the empty pixels nearby still differ by, fading to nothing far from any of them.
    weight = ((residual[1] > -0.06) & (residual[1] < 0.25) & flat).astype(np.float32)
    sigma = 0.10 * max(size)
    total = cv2.GaussianBlur(weight, (0, 0), sigma) + 0.05
    corrected = [
        fitted + np.clip(cv2.GaussianBlur(weight * left, (0, 0), sigma) / total, -0.1, 0.25)
        for fitted, left in zip(surface, residual, strict=True)
    ]
    return (10 ** np.stack(corrected, axis=-1) - 1).clip(8, 400).astype(np.float32), ok


def _flat(green: np.ndarray, ok: np.ndarray) -> np.ndarray:
    """Pixels of little gradient for this picture: empty background and the inside of cells, not their edges."""
    slope = cv2.morphologyEx(green, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    return (slope <= max(4, np.percentile(slope[ok], 50))) & ok


def _empty(green: np.ndarray, ok: np.ndarray) -> np.ndarray:
    """First idea of the empty background: the brightest substantial mode of the flat, bright pixels."""
    values = green[ok]
    threshold = cv2.threshold(values.reshape(-1, 1), 0, 255, cv2.THRESH_OTSU)[0]
    candidates = green[_flat(green, ok) & (green > threshold)]
    if candidates.size < 20:
        candidates = values[values > threshold]
    if candidates.size < 20 or np.median(candidates) < 40:
        raise PictureError("no bright background: this does not look like a stained smear in transmitted light")
    histogram: np.ndarray = np.bincount(candidates, minlength=256).astype(np.float32)
    histogram = cv2.GaussianBlur(histogram.reshape(1, -1), (0, 0), 4).ravel()
    peaks = [
        v
        for v in range(256)
        if histogram[v] == histogram[max(0, v - 6) : v + 7].max() and histogram[v] > 0.3 * histogram.max()
    ]
    mode = max(peaks)
    return ok & (np.abs(green.astype(np.float32) / mode - 1) < 0.12)


def _basis(width: int, height: int) -> np.ndarray:
    x, y = np.meshgrid(np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32))
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)


def _fit(basis: np.ndarray, values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Least squares of `values` on `basis` over `mask`, the slopes held back a little (ridge), everywhere."""
    rows, target = basis[mask], values[mask]
    middle = float(np.median(target))
    ridge = np.diag([0, 0.01, 0.01, 0.03, 0.03, 0.03]).astype(np.float32) * len(target)
    weights = np.linalg.solve(rows.T @ rows + ridge, rows.T @ (target - middle))
    return basis @ weights + middle


def optical_density(bgr: np.ndarray, white: np.ndarray) -> np.ndarray:
    """-log10(transmission) of uint8 (h, w, 3), clipped to 0…2; `white` is a coarse grid of the same picture."""
    full = cv2.resize(white, bgr.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.clip(np.log10((full + 1) / (bgr.astype(np.float32) + 1)), 0, MAX_OD)


def focus(bgr: np.ndarray, valid: np.ndarray) -> float:
    """Sharpness without unit: the Laplacian's standard deviation over that of the grey values (0 = featureless)."""
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY).astype(np.float32)
    spread = float(grey[valid].std())
    edges = cv2.Laplacian(cv2.GaussianBlur(grey, (0, 0), 1.0), cv2.CV_32F)
    inner = cv2.erode(valid.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    return round(float(edges[inner].std()) / max(spread, 1.0), 4) if inner.any() else 0.0
