"""A session as the files that `--image` gives: JSON with the house's fields, CSV with a row for each cell.

The JSON has `session` in place of `images`: who counted what and when, and the history of every change.

CSV columns: path (the source), id (of the cell within the session), label (what it is taken for now), confidence (the
model's, in model_label), counted (true for leukocytes in the denominator), x, y, width, height (the cell's box) and
centre_x, centre_y in pixels of the frame numbered frame; um_per_px; area, slide_x, slide_y (the cell's centre in pixels
of the slide's map, which begins anew with each area); views (how many it was judged by), model_label, changed_by (empty
where nobody did), undone (true: taken back, in no count), seen_at (UTC).
"""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

from ..plain_text import as_text, table_text
from ..store.archive import Record
from ..store.records import Event, StoredCell
from ..types import Skip
from .differential_fields import SCHEMA, decision_fields, differential_fields
from .wording import NOT_A_DEVICE, SIMULATED

CSV_COLUMNS = (
    *("path", "id", "label", "confidence", "counted", "x", "y", "width", "height", "centre_x", "centre_y", "um_per_px"),
    *("area", "slide_x", "slide_y", "frame", "views", "model_label", "changed_by", "undone", "seen_at"),
)


def json_text(record: Record, damage: str = "") -> str:
    """The whole document, a line for each part and for each event; `damage` is what is wrong with the database."""
    head = {
        "schema": SCHEMA,
        "model": {"name": record.info.model_name, "sha256": record.info.model_sha256},
        "source": as_text(record.info.source),
        "frames": frames_fields(record),
        "differential": differential_fields(record.differential()),
    }
    parts = [f"{json.dumps(name)}: {json.dumps(value, allow_nan=False)}" for name, value in head.items()]
    fields = {**session_fields(record), "damage": damage or None}
    session = [f"{json.dumps(name)}: {json.dumps(value, allow_nan=False)}" for name, value in fields.items()]
    events = ",\n   ".join(json.dumps(event_fields(event), allow_nan=False) for event in record.events)
    session.append(f'"events": [\n   {events}]' if events else '"events": []')
    parts.append('"session": {' + ",\n  ".join(session) + "}")
    return "{" + ",\n ".join(parts) + "}\n"


def frames_fields(record: Record) -> dict[str, Any]:
    """Frames by what became of them: captured = counted + the sum of skipped + dropped."""
    accounts = record.accounts
    return {
        "captured": accounts.captured,
        "counted": accounts.counted,
        "skipped": {**dict.fromkeys([skip.value for skip in Skip], 0), **accounts.skipped},
        "dropped": accounts.dropped,
    }


def session_fields(record: Record) -> dict[str, Any]:
    """`session` without its events. Times are UTC, ISO 8601."""
    info, summary = record.info, record.summary
    signed = {"by": record.signed_by, "at": utc(record.signed_at)} if summary.state == "signed" else None
    return {
        "id": summary.id,
        "state": summary.state,
        "sample": info.sample,
        "operator": info.operator,
        "notes": info.notes,
        "started_at": utc(summary.started_at),
        "ended_at": utc(summary.ended_at),
        "seconds": round(record.seconds, 1),
        "times_unsure": [event.text for event in record.events if event.kind == "clock"],
        "signed": signed,
        "versions": [
            {"version": one.version, "by": one.signed_by, "at": utc(one.signed_at), "reason": one.reason}
            | {"second_by": one.second_by, "second_at": utc(one.second_at)}
            for one in record.signatures
        ],
        "awaits_second_signature": record.awaits_second,
        "amendment": record.amendment,
        "kind": info.kind,
        "pictures": [
            {"number": one.number, "path": as_text(one.path), "um_per_px": one.um_per_px, "refused": one.refused}
            for one in record.pictures
        ],
        "simulated": info.simulated,
        "notice": f"{SIMULATED} {NOT_A_DEVICE}" if info.simulated else NOT_A_DEVICE,
        "program": info.program,
        "source_details": dict(info.source_details),
        "thresholds": dict(info.thresholds),
        "gate": dict(record.gate),
        "um_per_px": record.um_per_px,
        "target": info.target,
        "precision": info.precision,
        "decisions": decision_fields(record.standings()),
        "fields": record.fields,
        "areas": len({cell.area for cell in record.cells}),
        "cells": len(record.standing),
        "undone": len(record.cells) - len(record.standing),
        "changed": sum(cell.changed for cell in record.standing),
    }


def event_fields(event: Event) -> dict[str, Any]:
    """One of `events`; "cell", "from" and "to" only where it concerns a cell."""
    fields: dict[str, Any] = {"at": utc(event.at), "who": event.who, "kind": event.kind}
    about = {"cell": event.cell, "from": event.before, "to": event.after, "text": event.text or None}
    return {**fields, **{name: value for name, value in about.items() if value is not None}}


def csv_text(record: Record) -> str:
    """A row for each cell, the undone ones too; columns in the module's docstring."""
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for cell in record.cells:
        writer.writerow(_row(record, cell))
    return rows.getvalue()


def _row(record: Record, cell: StoredCell) -> list[Any]:
    x, y, width, height = cell.box
    centre = (f"{x + width / 2:.1f}", f"{y + height / 2:.1f}")
    scale = "" if record.um_per_px is None else f"{record.um_per_px:.5g}"
    said = (cell.label, f"{cell.confidence:.4f}", _word(cell.counted))
    place = (cell.area, f"{cell.x:.1f}", f"{cell.y:.1f}", cell.frame, cell.views)
    changed = (cell.model_label, table_text(cell.by) if cell.changed else "", _word(cell.undone), utc(cell.last_seen))
    return [_source(record, cell), cell.id, *said, *cell.box, *centre, scale, *place, *changed]


def _source(record: Record, cell: StoredCell) -> str:
    """The photograph that holds the cell, or what the session was counted from."""
    path = next((picture.path for picture in record.pictures if picture.number == cell.frame), record.info.source)
    return table_text(path)


def _word(truth: bool) -> str:
    return "true" if truth else "false"


def utc(at: float | None) -> str | None:
    """Seconds since the epoch as 2026-11-23T01:23:45.678Z."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
