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

    def same(self, frame: Frame) -> str | None:
        """The name of an earlier picture that shows the same; None, and this one is remembered, where there is none."""
        size = frame.bgr.shape[:2]
        small = cv2.resize(frame.bgr, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        means = self._means.setdefault(size, [])
        names = self._names.setdefault(size, [])
        for name, other in zip(names, means, strict=True):
            apart = cv2.absdiff(small, other)
            if apart.max() <= MOST and apart.mean() <= MEAN:
                return name
        means.append(small)
        names.append(frame.source if frame.page is None else f"{frame.source}, page {frame.page}")
        return None
