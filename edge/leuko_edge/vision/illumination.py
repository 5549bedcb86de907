"""The lamp's light over a picture: how bright empty background is everywhere, and how sharp the picture is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np

from ..errors import PictureError
from .median import median, percentile

ILLUMINATION_SIDE = 160  # px; illumination is smooth, so it is estimated on a small copy


def shrink(bgr: np.ndarray, side: int) -> np.ndarray:
    """`bgr` with its long side at most `side` px, area-averaged; the array itself where it is small enough."""
    longest = max(bgr.shape[:2])
    if longest <= side:
        return bgr
    size = tuple(max(1, round(n * side / longest)) for n in bgr.shape[1::-1])
    return cv2.resize(bgr, size, interpolation=cv2.INTER_AREA)


def sharpness(grey: np.ndarray, valid: np.ndarray | None = None) -> float:
    """Of (h, w) uint8, without unit: the Laplacian's standard deviation over that of the grey values, 0 = featureless.

    Only where `valid` (h, w) bool, less its edge; everywhere without it.
    """
    mask = inner = None
    if valid is not None and not valid.all():
        mask = valid.astype(np.uint8)
        inner = cv2.erode(mask, np.ones((5, 5), np.uint8))
    # In floats: the rounding of a blurred uint8 picture has more edges than a blurred smear.
    edges = cv2.Laplacian(cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1.0), cv2.CV_32F)
    (_, across), (_, spread) = cv2.meanStdDev(edges, mask=inner), cv2.meanStdDev(grey, mask=mask)
    return float(across[0, 0]) / max(float(spread[0, 0]), 1.0)


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
    channels = cv2.split(cv2.GaussianBlur(small, (0, 0), 1.0))
    green = channels[1]
    flat = _flat(green, ok)
    empty = _empty(green, ok, flat)
    log = [np.log10(channel.astype(np.float32) + 1) for channel in channels]
    basis = _basis(*size)
    tolerance = 0.06
    for _ in range(8):  # from the brightest area outwards, until no more of it is found
        surface = _fit(basis, log, empty)
        residual = [channel - fitted for channel, fitted in zip(log, surface, strict=True)]
        grown = flat.copy()
        for left in residual:
            grown &= np.abs(left) < tolerance
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
    white = 10 ** cv2.merge(corrected)
    white -= 1
    return np.clip(white, 8, 400, out=white), ok


def _flat(green: np.ndarray, ok: np.ndarray) -> np.ndarray:
    """Pixels of little gradient for this picture: empty background and the inside of cells, not their edges."""
    slope = cv2.morphologyEx(green, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    return (slope <= max(4, percentile(slope[ok], 50))) & ok


def _empty(green: np.ndarray, ok: np.ndarray, flat: np.ndarray) -> np.ndarray:
    """First idea of the empty background: the brightest substantial mode of the flat, bright pixels."""
    values = green[ok]
    threshold = cv2.threshold(values.reshape(-1, 1), 0, 255, cv2.THRESH_OTSU)[0]
    candidates = green[flat & (green > threshold)]
    if candidates.size < 20:
        candidates = values[values > threshold]
    if candidates.size < 20 or percentile(candidates, 50) < 40:
        raise PictureError("no bright background: this does not look like a stained smear in transmitted light")
    histogram: np.ndarray = np.bincount(candidates, minlength=256).astype(np.float32)
    histogram = cv2.GaussianBlur(histogram.reshape(1, -1), (0, 0), 4).ravel()
    highest = cv2.dilate(histogram.reshape(1, -1), np.ones((1, 13), np.uint8)).ravel()  # within six grey values
    mode = int(np.flatnonzero((histogram == highest) & (histogram > 0.3 * histogram.max())).max())
    return ok & (np.abs(green.astype(np.float32) / mode - 1) < 0.12)


@lru_cache(maxsize=4)  # the pictures of a run are mostly of one size
def _basis(width: int, height: int) -> np.ndarray:
    x, y = np.meshgrid(np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32))
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)


def _fit(basis: np.ndarray, channels: Sequence[np.ndarray], mask: np.ndarray) -> list[np.ndarray]:
    """Least squares of each of `channels` on `basis` over `mask`, the slopes held back a little (ridge), everywhere."""
    within = np.flatnonzero(mask)
    rows = basis.reshape(-1, basis.shape[-1]).take(within, axis=0)
    ridge = np.diag([0, 0.01, 0.01, 0.03, 0.03, 0.03]).astype(np.float32) * len(rows)
    normal = rows.T @ rows + ridge
    surfaces = []
    for values in channels:
        target = values.ravel()[within]
        middle = median(target)
        weights = np.linalg.solve(normal, rows.T @ (target - middle))
        surfaces.append(basis @ weights + middle)
    return surfaces
