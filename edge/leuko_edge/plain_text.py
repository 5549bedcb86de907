"""Text from outside (names of files, of people) on its way to a terminal or into a file. Needs nothing: doctor uses it.

A no-break or ideographic space and a joiner are letters of somebody's name. What a terminal would obey, or what would
turn the text around it about, is not.
"""

from __future__ import annotations

import os
import unicodedata

_OBEYED = {"Cc", "Zl", "Zp", "Cs"}  # control characters, line and paragraph separators, halves of a character
_TURNED = {*"\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"}  # UAX #9: directions
_LOST = "\ufffd"


def is_one_line(text: str) -> bool:
    """Whether nothing in it is obeyed instead of shown."""
    return not any(_obeyed(letter) for letter in text)


def printable(text: str) -> str:
    """`text` with what a terminal would obey replaced by �."""
    return "".join(_LOST if _obeyed(letter) else letter for letter in text)


def readable(path: str) -> str:
    """A file's name for people: `printable`, and bytes that are no UTF-8 replaced too."""
    return printable(as_text(path))


def as_text(path: str) -> str:
    """A file's name for programs: as it is, but for bytes that are no UTF-8, which no reader of JSON would take."""
    return os.fsencode(path).decode("utf-8", "replace")


def table_text(path: str) -> str:
    """As `as_text`, for a table: a spreadsheet takes = + - @, tab or return at a cell's beginning for a formula, and an
    apostrophe before it says that it is none (CWE-1236)."""
    text = as_text(path)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _obeyed(letter: str) -> bool:
    return letter in _TURNED or unicodedata.category(letter) in _OBEYED
