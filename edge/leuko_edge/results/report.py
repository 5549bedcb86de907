"""A run as files for other programs: JSON with the house's fixed fields, CSV with a row for each cell.

Both are sinks: `add` each outcome as it comes, `finish` once. Pictures are kept as finished lines of text,
so a thousand of them take a few megabytes, and are written in the order in which they were given.

Of the JSON's `differential`, `abnormal` is the number of variant lymphocytes and blasts among those counted: above 0 a
person must review the count. A model that does not know smudge cells gives 0 of them.

`not_counted` lists every path that gave no picture and every picture that was not counted: `code` is one of
`leuko_edge.errors.Reason`, `sentence` says it to people. The same stand in `quality` of such a picture. `warnings` are
sentences that a reader must not miss, `notice` goes with every result. Where a picture shows cells of an earlier one,
`overlaps` says of which and how many, and those cells are `repeated`, not counted.

CSV columns: path (the picture), id (of the cell within it, from 1), label, confidence (0 to 1), counted
(true for leukocytes in the denominator), x, y, width, height (the cell's box), centre_x, centre_y (all in
pixels of the file as it was given), at_border (true where the picture's edge cuts the cell), um_per_px,
scale_origin ("given", "red cells", "pooled" or "assumed"), page (of a file with several fields, from 1). A path that
was not counted has a row without a cell: reason (the code) and sentence say why. counted_at (UTC, ISO 8601), program,
warning and notice are the same in each row. Where estimates were asked for, their columns follow, the same in each row
of a picture (`estimates`).
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import Reason
from ..files import write_whole
from ..mapping.overlap import Shared
from ..pipeline import Outcome
from ..plain_text import as_text, table_text
from ..sources.pictures import LeftOut
from ..tally import Differential, Tally, warning
from ..types import CountedCell, FieldEstimate, Scale
from . import estimates
from .differential_fields import SCHEMA, differential_fields
from .wording import NOT_A_DEVICE, guesses, overlaps

_OF_A_CELL = (
    *("path", "id", "label", "confidence", "counted", "x", "y", "width", "height"),
    *("centre_x", "centre_y", "at_border", "um_per_px", "scale_origin"),
)
CSV_COLUMNS = (
    *_OF_A_CELL,
    *("page", "reason", "sentence", "counted_at", "program", "warning", "notice"),
)


@dataclass(frozen=True)
class About:
    """What a report says beside the count: when, by what program, of which paths nothing was counted, and what a reader
    must not miss. `warn_share` is the card's, None warns of nothing; `sample` and `operator` are "" where not named."""

    left_out: Sequence[LeftOut] = ()
    warn_share: float | None = None
    sample: str = ""
    operator: str = ""
    counted_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    program: str = f"leuko-edge {__version__}"

    def warnings(self, differential: Differential, overlapping: int, scales: Sequence[Scale]) -> list[str]:
        """`overlapping`: how many pictures show cells of an earlier one; `scales`: of the pictures."""
        said = "" if self.warn_share is None else warning(differential, self.warn_share)
        return [sentence for sentence in (said, overlaps(overlapping), guesses(scales)) if sentence]


class JsonReport:
    """The machine-readable result at `path`, or on standard output where it is "-"."""

    def __init__(self, path: str, model: str, sha256: str, source: str, about: About | None = None) -> None:
        self.path = path
        self._about = about or About()
        self._head = {
            "schema": SCHEMA,
            "model": {"name": model, "sha256": sha256},
            "source": as_text(source),
        }
        if self._about.sample or self._about.operator:  # as a session's report names them
            self._head["session"] = {"sample": as_text(self._about.sample), "operator": as_text(self._about.operator)}
        self._images: dict[int, str] = {}
        self._refused: dict[int, dict[str, Any]] = {}
        self._overlapping = 0
        self._estimates: list[FieldEstimate] = []

    def add(self, outcome: Outcome) -> None:
        self._estimates += [] if outcome.estimate is None else [outcome.estimate]
        self._images[outcome.index] = json.dumps(image_fields(outcome), allow_nan=False)
        self._overlapping += bool(outcome.shared)
        if outcome.refused is not None:
            self._refused[outcome.index] = _not_counted(
                outcome.result.path, outcome.reason, outcome.refused, outcome.result.page
            )

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
        if self._estimates:
            parts.append(f'"estimates": {json.dumps(estimates.figures(self._estimates), allow_nan=False)}')
        missing = [_not_counted(left.path, left.reason, left.sentence) for left in self._about.left_out]
        missing += [self._refused[index] for index in sorted(self._refused)]
        lines = ",\n  ".join(map(json.dumps, missing))
        parts.append(f'"not_counted": [\n  {lines}]' if lines else '"not_counted": []')
        parts.append(f'"warnings": {json.dumps(self._about.warnings(differential, self._overlapping, tally.scales))}')
        parts.append(f'"notice": {json.dumps(NOT_A_DEVICE)}')
        parts.append(f'"program": {json.dumps(self._about.program)}')
        parts.append(f'"counted_at": {json.dumps(self._about.counted_at)}')
        return "{" + ",\n ".join(parts) + "}\n"


def _not_counted(path: str, reason: Reason | None, sentence: str, page: int | None = None) -> dict[str, Any]:
    of = {} if page is None else {"page": page}
    return {"path": as_text(path), **of, "code": str(reason or Reason.FAILED), "sentence": sentence}


def image_fields(outcome: Outcome) -> dict[str, Any]:
    """One of `images`. A lost picture has null for what is not known of it; "page" is there only in a file of
    several, "overlaps" only where there are some, "estimates" only where these were asked for, "um_per_px_within" only
    where the scale is a guess: nine of ten such lie within this factor of the true one."""
    result = outcome.result
    quality = result.quality
    return {
        "path": as_text(result.path),
        **({} if result.page is None else {"page": result.page}),
        "width": result.width or None,
        "height": result.height or None,
        "um_per_px": None if result.scale is None else float(f"{result.scale.um_per_px:.5g}"),
        **({} if result.scale is None or result.scale.within is None else {"um_per_px_within": result.scale.within}),
        "quality": {
            "focus": round(float(quality.focus), 4) if math.isfinite(quality.focus) else None,
            "counted": quality.counted,
            "reason": quality.reason,
            "code": None if outcome.refused is None else str(outcome.reason or Reason.FAILED),
            "sentence": outcome.refused,
        },
        **({"overlaps": [_shared_fields(shared) for shared in outcome.shared]} if outcome.shared else {}),
        "cells": [_cell_fields(entry) for entry in result.cells],
        **({} if outcome.estimate is None else {"estimates": estimates.field_figures(outcome.estimate)}),
    }


def _shared_fields(shared: Shared) -> dict[str, Any]:
    return {"path": as_text(shared.name), "cells": shared.cells}


def _cell_fields(entry: CountedCell) -> dict[str, Any]:
    return {
        "id": entry.id,
        "box": [int(value) for value in entry.cell.box],
        "label": entry.prediction.label,
        "confidence": round(float(entry.prediction.confidence), 4),
        "counted": entry.counted,
        **({"repeated": True} if entry.repeated else {}),
    }


class CsvReport:
    """A row for each cell, all candidates; columns in the module's docstring."""

    def __init__(self, path: str, about: About | None = None, estimated: bool = False) -> None:
        self.path = path
        self._about = about or About()
        self._estimated = estimated
        self._rows: dict[int, list[list[Any]]] = {}
        self._more: dict[int, list[Any]] = {}  # estimates of each picture, where they were asked for
        self._overlapping = 0

    def add(self, outcome: Outcome) -> None:
        result = outcome.result
        page = "" if result.page is None else result.page
        rows = self._rows[outcome.index] = []
        self._overlapping += bool(outcome.shared)
        for entry in result.cells:
            cell, scale = entry.cell, result.scale
            place = [*map(int, cell.box), f"{cell.centre[0]:.1f}", f"{cell.centre[1]:.1f}"]
            size = (f"{scale.um_per_px:.5g}", scale.origin) if scale else ("", "")
            said = (entry.prediction.label, f"{entry.prediction.confidence:.4f}", _word(entry.counted))
            rows.append([table_text(result.path), entry.id, *said, *place, _word(cell.at_border), *size, page, "", ""])
        if outcome.refused is not None:
            rows.append(_without_cell(result.path, page, outcome.reason, outcome.refused))
        if self._estimated:
            if not rows:  # a picture without any cell has its platelets all the same
                rows.append([table_text(result.path), *[""] * (len(_OF_A_CELL) - 1), page, "", ""])
            self._more[outcome.index] = estimates.csv_cells(outcome.estimate)

    def finish(self, tally: Tally, differential: Differential) -> None:
        """Write it; OSError where that fails."""
        about, text = self._about, io.StringIO()
        warned = "; ".join(about.warnings(differential, self._overlapping, tally.scales))
        same = [about.counted_at, about.program, warned, NOT_A_DEVICE]
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*CSV_COLUMNS, *(estimates.CSV_COLUMNS if self._estimated else ())])
        nothing = estimates.csv_cells(None) if self._estimated else []
        for left in about.left_out:
            writer.writerow([*_without_cell(left.path, "", left.reason, left.sentence), *same, *nothing])
        for index in sorted(self._rows):
            more = self._more.get(index, [])
            writer.writerows([*row, *same, *more] for row in self._rows[index])
        write(self.path, text.getvalue())


def _without_cell(path: str, page: int | str, reason: Reason | None, sentence: str) -> list[Any]:
    return [table_text(path), *[""] * (len(_OF_A_CELL) - 1), page, str(reason or Reason.FAILED), sentence]


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
