"""Pictures and outlines in the tables: arrays in and out.

Alone in the store to need NumPy and OpenCV, and loaded where a picture is asked for: the review pages, which hand on
the PNGs as they are stored, do without the two.
"""

from __future__ import annotations

import zlib
from typing import Any

import cv2
import numpy as np

from .columns import LARGEST

CROP_SIDE = 1024  # px; no card asks for more
_PNG = b"\x89PNG\r\n\x1a\n"


def encode(rgb: np.ndarray) -> bytes:
    """(n, n, 3) uint8 RGB as PNG; ValueError where OpenCV refuses it."""
    done, data = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    if not done:
        raise ValueError(f"a crop of shape {rgb.shape} cannot be stored")
    return data.tobytes()


def decode(png: bytes | None) -> np.ndarray | None:
    """(n, n, 3) uint8 RGB; None where there is none or it is damaged."""
    bgr = picture(png, cv2.IMREAD_COLOR, CROP_SIDE)
    return None if bgr is None else cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def encode_map(fine: np.ndarray) -> bytes:
    """A piece of the slide's map, (h, w) int8, as PNG."""
    return bytes(cv2.imencode(".png", (fine.astype(np.int16) + 128).astype(np.uint8))[1])


def decode_map(data: Any) -> np.ndarray | None:
    """(h, w) int8; None where there is none or it is damaged."""
    grey = picture(data, cv2.IMREAD_GRAYSCALE, CROP_SIDE)
    return None if grey is None else (grey.astype(np.int16) - 128).astype(np.int8)


def contour(data: Any) -> np.ndarray | None:
    """(n, 2) int32; None where none was stored."""
    if data is None or data == b"":
        return None
    if not isinstance(data, bytes) or len(data) % 8:
        raise ValueError("a cell's outline is damaged")
    points = np.frombuffer(data, "<i4").reshape(-1, 2).astype(np.int32)
    if not (np.abs(points.astype(np.int64)) <= LARGEST).all():
        raise ValueError("a cell's outline is damaged")
    return points


def picture(data: Any, mode: int, most: int) -> np.ndarray | None:
    """A stored PNG, (h, w[, 3]) uint8 as OpenCV's `mode` gives it; None where it is damaged, or larger than `most` px.

    Its checksums are looked at here, since OpenCV does not: a flipped bit would give another picture without a word.
    """
    if not isinstance(data, bytes) or not _sound_png(data, most):
        return None
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), mode)
    except cv2.error:
        return None


def _sound_png(data: bytes, most: int) -> bool:
    if not data.startswith(_PNG + b"\x00\x00\x00\x0dIHDR") or len(data) < 33:
        return False
    sides = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if not all(1 <= side <= most for side in sides):
        return False
    at = len(_PNG)
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data) or zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            return False
        if data[at + 4 : at + 8] == b"IEND":
            return end == len(data)
        at = end
    return False
