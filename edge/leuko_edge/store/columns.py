"""Rows read as what they must be: SQLite stores anything in any column, and a flipped bit or another program did.

Each function takes a row and a column's name; ValueError names the column where its value makes no sense.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from ..types import CLASSES, UNIDENTIFIED

LATEST = 1e11  # seconds since the epoch, year 5138: what a calendar can still show
FARTHEST = 1e8  # px on the slide, a hundred metres of it
LARGEST = 1 << 20  # px along a camera's frame
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
