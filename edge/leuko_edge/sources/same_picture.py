"""Whether a picture was seen before under another name: copied, or saved in another format.

What is compared is the picture reduced to a few hundred means, which neither JPEG nor 16 bits change by more than a
grey value or two, while of two photographs of a smear no such mean is alike: cells lie elsewhere.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..types import Frame

SIDE = 24  # means along each side, in each colour
MEAN, MOST = 1.0, 6.0  # grey values; measured on JPEGs of quality 50 and more: 0.3 and 3 (tests/sources)


class Seen:
    """The pictures of one run so far; 1.7 kB each."""

    def __init__(self) -> None:
        self._names: dict[tuple[int, ...], list[str]] = {}
        self._means: dict[tuple[int, ...], list[np.ndarray]] = {}

    def same(self, frame: Frame, means: np.ndarray) -> str | None:
        """The name of an earlier picture that shows the same, of those remembered; None where there is none.

        `means` are those of `means_of` its pixels."""
        size = frame.bgr.shape[:2]
        for name, other in zip(self._names.get(size, ()), self._means.get(size, ()), strict=True):
            apart = cv2.absdiff(means, other)
            if apart.max() <= MOST and apart.mean() <= MEAN:
                return name
        return None

    def remember(self, frame: Frame, means: np.ndarray) -> None:
        """What was refused is not to be remembered: its copy may be the one that can be counted."""
        size = frame.bgr.shape[:2]
        self._means.setdefault(size, []).append(means)
        name = frame.source if frame.page is None else f"{frame.source}, page {frame.page}"
        self._names.setdefault(size, []).append(name)


def means_of(bgr: np.ndarray) -> np.ndarray:
    """(SIDE, SIDE, 3) uint8 of (h, w, 3) uint8. Halving is OpenCV's fast way, so the most of it is done by that."""
    while min(bgr.shape[:2]) >= 8 * SIDE:
        bgr = cv2.resize(bgr, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return cv2.resize(bgr, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
