"""A CSV file as other programs write it: separator, decimal sign, byte-order mark and encoding are found out."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..plain_text import readable

LARGEST = 20_000_000  # bytes: some hundred thousand samples
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@dataclass(frozen=True)
class Rows:
    header: tuple[str, ...]
    lines: tuple[tuple[int, tuple[str, ...]], ...]  # (number in the file, fields), without the empty ones


def read_rows(path: Path) -> Rows:
    """UsageError where it cannot be read or has no header."""
    name = readable(str(path))
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{name} is larger than {LARGEST // 1_000_000} MB", "name a table of samples")
        text = _decoded(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror or error}") from None
    first, _, rest = text.partition("\n")
    skipped = 0
    if first.strip().casefold() in ("sep=;", "sep=,", "sep=\t"):  # Excel's own line
        separator, text, skipped = first.strip()[4:] or "\t", rest, 1
    else:
        separator = max(";\t,", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    found = []
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                found.append((reader.line_num + skipped, tuple(field.strip() for field in fields)))
    except csv.Error as error:
        raise UsageError(f"{name}, line {reader.line_num + skipped}, is no CSV: {error}") from None
    if not found:
        raise UsageError(f"{name} is empty", "its first line names the columns, each further line is a sample")
    return Rows(found[0][1], tuple(found[1:]))


def number(text: str) -> float | None:
    """ "12.5", "12,5" or "12.5 %" as 12.5; None of what is no finite number."""
    try:
        value = float(text.strip().removesuffix("%").strip().replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _decoded(content: bytes) -> str:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")  # what Excel writes without being asked
