"""A picture in a terminal's own characters: each is two pixels, the upper its ink and the lower its paper. It needs no
window, so it works over SSH."""

from __future__ import annotations

import cv2
import numpy as np
from rich.color import Color
from rich.segment import Segment, Segments
from rich.style import Style

UPPER = "▀"


def half_blocks(rgb: np.ndarray, columns: int, lines: int) -> Segments:
    """(h, w, 3) uint8 as large as `columns` by `lines` characters allow, for a console to print."""
    height, width = rgb.shape[:2]
    factor = min(columns / width, 2 * lines / height)
    size = (max(1, int(width * factor)), max(2, int(height * factor) // 2 * 2))
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    small = cv2.resize(rgb, size, interpolation=way)
    segments = []
    for upper, lower in zip(small[::2], small[1::2], strict=True):
        segments += [Segment(UPPER, _style(a, b)) for a, b in zip(upper, lower, strict=True)]
        segments.append(Segment.line())
    return Segments(segments)


def _style(upper: np.ndarray, lower: np.ndarray) -> Style:
    ink, paper = (Color.from_rgb(*(int(value) for value in pixel)) for pixel in (upper, lower))
    return Style.from_color(ink, paper)
