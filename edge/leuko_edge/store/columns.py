"""Rows read as what they must be: SQLite stores anything in any column, and a flipped bit or another program did.

Each function takes a row and a column's name; ValueError names the column where its value makes no sense.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from typing import Any

import cv2
import numpy as np

from ..types import CLASSES, UNIDENTIFIED

LATEST = 1e11  # seconds since the epoch, year 5138: what a calendar can still show
FARTHEST = 1e8  # px on the slide, a hundred metres of it
LARGEST = 1 << 20  # px along a camera's frame
CROP_SIDE = 1024  # px; no card asks for more
_PNG = b"\x89PNG\r\n\x1a\n"
NAMES = frozenset((*CLASSES, UNIDENTIFIED))


def words(row: sqlite3.Row, name: str) -> str:
    value = row[name]
    if not isinstance(value, str):
        raise ValueError(f"its {name} is no text")
    return value


def real(row: sqlite3.Row, name: str, low: float = -FARTHEST, high: float = FARTHEST) -> float:
    value = row[name]
    if not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"its {name} makes no sense")
    return float(value)


def moment(row: sqlite3.Row, name: str) -> float:
    """Seconds since the epoch that a calendar can show."""
    return real(row, name, -LATEST, LATEST)


def whole(row: sqlite3.Row, name: str, low: int = 0, high: int = 1 << 53) -> int:
    value = row[name]
    if not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"its {name} makes no sense")
    return value


def label(row: sqlite3.Row, name: str) -> str:
    """A class that there is: what else stands there must not become a row of a report, or a file's name."""
    value = row[name]
    if value not in NAMES:
        raise ValueError(f"its {name} is no class of leuko-edge")
    return str(value)


def parsed(row: sqlite3.Row, name: str, kind: type) -> Any:
    """The JSON value in a column, of `kind` (dict or list) and with finite numbers only."""
    text = words(row, name)
    try:
        value = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise ValueError(f"its {name} is no JSON") from None
    if not isinstance(value, kind):
        raise ValueError(f"its {name} makes no sense")
    return value


def _no_number(name: str) -> None:
    raise ValueError(name)


def numbers(values: list[Any], name: str, low: float, high: float) -> list[float]:
    if not all(isinstance(v, int | float) and not isinstance(v, bool) and low <= v <= high for v in values):
        raise ValueError(f"its {name} makes no sense")
    return [float(v) for v in values]


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
