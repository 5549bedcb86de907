"""How two views of one slide lie to each other: searched on thumbnails, refined to a fraction of a pixel, judged.

Red cells look alike everywhere, so a shift is believed only where the pictures agree block by block over the whole
overlap, not where one dark nucleus lies upon another.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .correlation import correlated
from .view import BLOCK, COARSE, FAINT, UNIT, View, blocks

REACH = 6.0  # px; a refinement that runs farther from its start has lost it
ITERATIONS = 14
LAST_STEP = 0.05  # px; a step this short leaves about a fifth of itself to go
BLOCK_AGREES = 0.4  # correlation of a block by itself


@dataclass(frozen=True)
class Demand:
    """What a shift must show to be believed: the least of each of its figures."""

    ncc: float
    agree: float
    blocks: int
    overlap: float


@dataclass(frozen=True)
class Shift:
    """Where view b's corner lies from view a's, in view px, and how well they agree there.

    ncc: normalised cross-correlation over the overlap, -1 to 1. agree: share, of the blocks with something in them,
    that correlate by themselves. blocks: how many those are. overlap: share of the view's area.
    """

    dx: float
    dy: float
    ncc: float
    agree: float
    blocks: int
    overlap: float

    @property
    def vector(self) -> np.ndarray:
        return np.array([self.dx, self.dy])

    @property
    def confidence(self) -> float:
        return float(np.clip(self.ncc, 0, 1) * self.agree)

    def meets(self, demand: Demand) -> bool:
        return (
            self.ncc >= demand.ncc
            and self.agree >= demand.agree
            and self.blocks >= demand.blocks
            and self.overlap >= demand.overlap
        )


def refine(a: View, b: View, guess: tuple[float, float]) -> Shift | None:
    """The shift of b to a near `guess` (view px), by Gauss-Newton on the squared difference over the overlap.

    It finds its way from up to about 4 px off. None where it does not, or the overlap is too small to tell.
    """
    dx, dy = guess
    height, width = a.fine.shape
    cut: tuple[int, int] | None = None
    for _ in range(ITERATIONS):
        # Whole pixels by cutting, the fraction by interpolating b.
        ix, iy = int(np.floor(dx)), int(np.floor(dy))
        if cut != (ix, iy):
            cut = ix, iy
            x0, y0, x1, y1 = max(ix, 0), max(iy, 0), min(width, width + ix), min(height, height + iy)
            if min(x1 - x0, y1 - y0) < BLOCK + 4:
                return None
            part_a = a.fine[y0:y1, x0:x1].astype(np.float32)
            part_b = b.fine[y0 - iy : y1 - iy, x0 - ix : x1 - ix].astype(np.float32)
            inner = np.ascontiguousarray(part_a[2:-2, 2:-2])
            gx, gy = part_a[2:-2, 3:-1] - part_a[2:-2, 1:-3], part_a[3:-1, 2:-2] - part_a[1:-3, 2:-2]
            xx, xy, yy = _dot(gx, gx), _dot(gx, gy), _dot(gy, gy)
            determinant = xx * yy - xy * xy
            if determinant <= 1e-4 * (xx + yy) ** 2:
                return None
        kernels = _cubic(dx - ix), _cubic(dy - iy)
        moved = cv2.sepFilter2D(part_b, -1, *kernels, borderType=cv2.BORDER_REPLICATE)[2:-2, 2:-2]
        off = moved - inner
        ex, ey = 2 * _dot(gx, off), 2 * _dot(gy, off)
        step_x, step_y = (yy * ex - xy * ey) / determinant, (xx * ey - xy * ex) / determinant
        length = float(np.hypot(step_x, step_y))
        held = min(1.0, 2 / max(length, 1e-9))
        dx, dy = dx + held * step_x, dy + held * step_y
        if max(abs(dx - guess[0]), abs(dy - guess[1])) > REACH:
            return None
        if length < LAST_STEP:
            return _judged(inner, moved, dx, dy, (x1 - x0) * (y1 - y0) / (width * height))
    return None


def search(
    a: View, b: View, near: tuple[float, float] | None = None, reach: float | None = None, peaks: int = 3
) -> Shift | None:
    """The best shift of b to a anywhere, or within `reach` view px of `near`; None where nothing holds.

    The thumbnails' normalised cross-correlation is taken at every shift with enough overlap, and its highest peaks
    are refined; the one of most confidence is given, which still has to be believed.
    """
    scores = correlated(a.thumb, b.thumb)
    rows, columns = b.thumb.shape
    if near is not None and reach is not None:
        y, x = np.ogrid[-rows + 1 : rows, -columns + 1 : columns]
        scores[(np.abs(x - near[0] / COARSE) > reach / COARSE) | (np.abs(y - near[1] / COARSE) > reach / COARSE)] = 0
    best: Shift | None = None
    for _ in range(peaks):
        _, top, _, (column, row) = cv2.minMaxLoc(scores)
        if top <= 0:
            break
        fx, fy = summit(scores, column, row)
        shift = refine(a, b, ((fx - columns + 1) * COARSE, (fy - rows + 1) * COARSE))
        if shift is not None and (best is None or shift.confidence > best.confidence):
            best = shift
        if best is not None and best.confidence > 0.6:
            break
        scores[max(0, row - 3) : row + 4, max(0, column - 3) : column + 4] = 0
    return best


def summit(scores: np.ndarray, column: int, row: int) -> tuple[float, float]:
    """The peak at scores[row, column] to a fraction of a pixel, x then y, by a parabola each way."""
    height, width = scores.shape
    x, y = float(column), float(row)
    if 0 < column < width - 1:
        x += _vertex(*scores[row, column - 1 : column + 2])
    if 0 < row < height - 1:
        y += _vertex(*scores[row - 1 : row + 2, column])
    return x, y


def _vertex(before: float, at: float, after: float) -> float:
    curve = before - 2 * at + after
    return float(np.clip((before - after) / (2 * curve), -0.5, 0.5)) if curve < 0 else 0.0


def _judged(a: np.ndarray, b: np.ndarray, dx: float, dy: float, overlap: float) -> Shift:
    ab, aa, bb = blocks(a * b), blocks(a * a), blocks(b * b)
    faint = (FAINT / UNIT) ** 2
    there = (aa > faint) | (bb > faint)
    count = int(there.sum())
    each = ab / np.sqrt((aa + faint / 4) * (bb + faint / 4))
    agree = float((each[there] > BLOCK_AGREES).mean()) if count else 0.0
    ncc = _dot(a, b) / max(np.sqrt(_dot(a, a) * _dot(b, b)), 1e-6)
    return Shift(dx, dy, float(ncc), agree, count, overlap)


def _cubic(t: float) -> np.ndarray:
    """Keys' cubic convolution (1981, a = -1/2): the kernel that gives a row's values `t` px, 0 to 1, before them.

    Five taps for OpenCV's correlation, the middle one the pixel itself; the last is never needed.
    """
    u = 1 - t
    taps = (-0.5 * t * t * u, t * (0.5 + 2 * t - 1.5 * t * t), u * (0.5 + 2 * u - 1.5 * u * u), -0.5 * u * u * t, 0.0)
    return np.array(taps, np.float32)


def _dot(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.einsum("ij,ij->", a, b))
