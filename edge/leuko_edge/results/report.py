"""A run as files for other programs: JSON with the house's fixed fields, CSV with a row for each cell.

Both are sinks: `add` each outcome as it comes, `finish` once. Pictures are kept as finished lines of text,
so a thousand of them take a few megabytes, and are written in the order in which they were given.

Of the JSON's `differential`, `abnormal` is the number of variant lymphocytes and blasts among those counted: above 0 a
person must review the count. A model that does not know smudge cells gives 0 of them.

CSV columns: path (the picture), id (of the cell within it, from 1), label, confidence (0 to 1), counted
(true for leukocytes in the denominator), x, y, width, height (the cell's box), centre_x, centre_y (all in
pixels of the file as it was given), at_border (true where the picture's edge cuts the cell), um_per_px,
scale_origin ("given", "red cells", "pooled" or "assumed").
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import stat
import sys
from pathlib import Path
from typing import Any

from ..files import write_whole
from ..pipeline import Outcome
from ..tally import Differential, Tally
from ..types import CountedCell, PictureResult

SCHEMA = "leuko-edge/1"
CSV_COLUMNS = (
    *("path", "id", "label", "confidence", "counted", "x", "y", "width", "height"),
    *("centre_x", "centre_y", "at_border", "um_per_px", "scale_origin"),
)


def readable(name: str) -> str:
    """A file's name as text that every terminal and every JSON reader takes: what cannot be printed becomes
    �."""
    text = os.fsencode(name).decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


class JsonReport:
    """The machine-readable result at `path`, or on standard output where it is "-"."""

    def __init__(self, path: str, model: str, sha256: str, source: str) -> None:
        self.path = path
        self._head = {
            "schema": SCHEMA,
            "model": {"name": model, "sha256": sha256},
            "source": readable(source),
        }
        self._images: dict[int, str] = {}

    def add(self, outcome: Outcome) -> None:
        self._images[outcome.index] = json.dumps(image_fields(outcome.result), allow_nan=False)

    def finish(self, tally: Tally, differential: Differential) -> None:
        """Write it; OSError where that fails."""
        write(self.path, self.text(tally, differential))

    def text(self, tally: Tally, differential: Differential) -> str:
        """The whole document, a line for each picture."""
        parts = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in self._head.items()]
        rows = ",\n  ".join(self._images[index] for index in sorted(self._images))
        parts.append(f'"images": [\n  {rows}]' if rows else '"images": []')
        parts.append(f'"frames": {json.dumps(tally.frames)}')
        parts.append(f'"differential": {json.dumps(differential_fields(differential), allow_nan=False)}')
        return "{" + ",\n ".join(parts) + "}\n"


def image_fields(result: PictureResult) -> dict[str, Any]:
    """One of `images`. A lost picture has null for what is not known of it."""
    quality = result.quality
    return {
        "path": readable(result.path),
        "width": result.width or None,
        "height": result.height or None,
        "um_per_px": None if result.scale is None else float(f"{result.scale.um_per_px:.5g}"),
        "quality": {
            "focus": round(float(quality.focus), 4) if math.isfinite(quality.focus) else None,
            "counted": quality.counted,
            "reason": quality.reason,
        },
        "cells": [_cell_fields(entry) for entry in result.cells],
    }


def _cell_fields(entry: CountedCell) -> dict[str, Any]:
    return {
        "id": entry.id,
        "box": [int(value) for value in entry.cell.box],
        "label": entry.prediction.label,
        "confidence": round(float(entry.prediction.confidence), 4),
        "counted": entry.counted,
    }


def differential_fields(differential: Differential) -> dict[str, Any]:
    """`differential`; per cent to two places, null for what cannot be said of no cells."""
    return {
        "counted": differential.counted,
        "classes": {
            share.label: {
                "count": share.count,
                "percent": _rounded(share.percent),
                "ci95": [_rounded(limit) for limit in share.ci95],
                "reference": None if share.reference is None else list(share.reference),
                "flag": share.flag,
            }
            for share in differential.classes
        },
        "nrbc_per_100_wbc": _rounded(differential.nrbc_per_100_wbc),
        "unidentified": differential.unidentified,
        "excluded": dict(differential.excluded),
        "smudges_per_100_wbc": _rounded(differential.smudges_per_100_wbc),
        "abnormal": differential.abnormal,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


class CsvReport:
    """A row for each cell, all candidates; columns in the module's docstring."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._rows: dict[int, str] = {}

    def add(self, outcome: Outcome) -> None:
        rows, result = io.StringIO(), outcome.result
        writer = csv.writer(rows, lineterminator="\n")
        for entry in result.cells:
            cell, scale = entry.cell, result.scale
            place = [*map(int, cell.box), f"{cell.centre[0]:.1f}", f"{cell.centre[1]:.1f}"]
            size = (f"{scale.um_per_px:.5g}", scale.origin) if scale else ("", "")
            said = (entry.prediction.label, f"{entry.prediction.confidence:.4f}", _word(entry.counted))
            writer.writerow([readable(result.path), entry.id, *said, *place, _word(cell.at_border), *size])
        self._rows[outcome.index] = rows.getvalue()

    def finish(self, tally: Tally, differential: Differential) -> None:
        """Write it; OSError where that fails."""
        rows = "".join(self._rows[index] for index in sorted(self._rows))
        write(self.path, ",".join(CSV_COLUMNS) + "\n" + rows)


def _word(truth: bool) -> str:
    return "true" if truth else "false"


def write(path: str, text: str) -> None:
    """Write `text` whole or not at all; "-" is standard output; a device or pipe is written to, not
    replaced."""
    if path == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        regular = stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        regular = True
    if regular:
        write_whole(Path(os.path.realpath(path)), text.encode())
    else:
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
