"""What of a picture is picture at all, and what is the frame that a rotation, a layout or an eyepiece put round it."""

from __future__ import annotations

import cv2
import numpy as np

from .median import percentile

BLACK = 20  # value of the brightest channel, below which the frame around a rotated picture lies
# The same, over the bright parts of the picture: an eyepiece is not quite black to a phone. Nuclei absorb up to nine
# tenths of the green, but let half of the red or of the blue pass.
DARK = 0.2
LIT = 0.7  # of the bright parts: where most along the frame is darker, an eyepiece out of focus still shades it
PENUMBRA = 6  # steps of 0.6 % of the picture's side, at most
FLAT = 3  # a padded row is of one colour, within this many grey values
ALIKE = 8  # and, where JPEG has touched it, within this many
ALL = 0.97  # of its pixels
EDGE = 2  # px between padding and picture that may be of either
GOES_ON = 0.5  # of a row's pixels beyond: the colour is the background's own


def valid_area(bgr: np.ndarray) -> np.ndarray:
    """(h, w) bool of (h, w, 3) uint8: false in dark areas that touch the border, and in padding of one colour."""
    blue, green, red = cv2.split(bgr)
    brightest = cv2.max(cv2.max(blue, green), red)
    padding = _padding(bgr)
    shown = brightest[::3, ::3][~padding[::3, ::3]]
    bright = percentile(shown, 95) if shown.size else 0.0
    darkest = max(BLACK, DARK * bright)
    if brightest.min() >= darkest:
        return _clear_of(padding, brightest, bright)
    dark = (brightest < darkest).astype(np.uint8)
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
    return _clear_of(np.isin(labels, frames) | padding, brightest, bright)


def _clear_of(frame: np.ndarray, brightest: np.ndarray, bright: float) -> np.ndarray:
    """What is not within a few pixels of the frame, for interpolation and JPEG blur its edge, nor in its penumbra."""
    if not frame.any():
        return np.ones(frame.shape, bool)
    step = max(2, round(0.006 * max(frame.shape)))
    kernel = np.ones((2 * step + 1, 2 * step + 1), np.uint8)
    covered = cv2.dilate(frame.astype(np.uint8), kernel)
    for _ in range(PENUMBRA):
        wider = cv2.dilate(covered, kernel)
        ring = brightest[wider > covered]
        if not ring.size or np.median(ring) > LIT * bright:
            break
        covered = wider
    return covered == 0


def _runs_along_edge(stat: np.ndarray, height: int, width: int) -> bool:
    return stat[cv2.CC_STAT_WIDTH] > 0.5 * width or stat[cv2.CC_STAT_HEIGHT] > 0.5 * height


def _padding(bgr: np.ndarray) -> np.ndarray:
    """(h, w) bool: true in whole rows and columns along the edges that are of one colour, as layouts add them."""
    height, width = bgr.shape[:2]
    top, bottom = _bar(bgr), height - _bar(bgr[::-1])
    within = np.swapaxes(bgr[top:bottom], 0, 1)
    left, right = _bar(within), width - _bar(within[::-1])
    padding = np.ones((height, width), bool)
    padding[top:bottom, left:right] = False
    return padding


def _bar(bgr: np.ndarray) -> int:
    """How many of the first rows are padding; 0 where the colour goes on beyond them, as empty background does."""
    if not len(bgr):
        return 0
    first = np.sort(bgr[0], axis=0)
    colour = (first[(len(first) - 1) // 2].astype(np.float64) + first[len(first) // 2]) / 2  # the middle one
    if not _alike(bgr[:1], colour, FLAT)[0] > ALL:
        return 0
    alike = _alike(bgr, colour, ALIKE)
    rows = int(np.argmax(alike <= ALL))  # 0 where all are: a picture of nothing
    return rows if rows and rows + EDGE < len(bgr) and alike[rows + EDGE] < GOES_ON else 0


def _alike(bgr: np.ndarray, colour: np.ndarray, within: int) -> np.ndarray:
    """(rows,) share of each row's pixels that differ from `colour` (3,) by `within` or less in every channel."""
    return (np.abs(bgr.astype(np.int16) - colour).max(axis=2) <= within).mean(axis=1)
