"""A session as the page's script knows it: cells, differential before and after review, what may be done."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ..plain_text import readable
from ..results.differential_fields import differential_fields
from ..results.session_report import utc
from ..results.teaching import offer, teachable
from ..results.wording import NOT_A_DEVICE, SIMULATED
from ..store.archive import Record
from ..store.records import StoredCell
from ..tally import WARN_SHARE, Differential, reviews, sentence
from ..types import ABNORMAL, CLASSES, UNIDENTIFIED

ASKING = (UNIDENTIFIED, *ABNORMAL)
"""Cells of these a person must look at before the session is signed."""


EVENTS = 200  # the newest, that a page shows


def state(record: Record, revision: str, site: str, database: str) -> dict[str, Any]:
    """JSON values. `revision` changes whenever anything of the session does; `teach` offers to teach `site` with the
    cells named, "" where there is nothing to offer; `teachable` is how many those are."""
    info, summary, differential = record.info, record.summary, record.differential()
    added = {event.cell for event in record.events if event.kind == "added"}
    doubles = {event.cell for event in record.events if event.kind == "discarded"}
    cells = [cell for cell in record.cells if cell.id not in doubles]
    before = Counter(cell.model_label for cell in cells if cell.id not in added)
    guesses = _classes(record)
    return {
        "id": summary.id,
        "revision": revision,
        "sample": info.sample,
        "operator": info.operator,
        "kind": info.kind,
        "state": summary.state,
        "amendment": record.amendment,
        "awaits_second": record.awaits_second,
        "started": utc(summary.started_at),
        "notice": f"{SIMULATED} {NOT_A_DEVICE}" if info.simulated else NOT_A_DEVICE,
        "warnings": [sentence(one) for one in reviews(differential, info.thresholds.get("warn_share", WARN_SHARE))],
        "differential": differential_fields(differential),
        "before": differential_fields(Differential.from_counts(before, info.leukocytes, info.ranges)),
        "teach": offer(record, site, database),
        "teachable": teachable(record),
        "unseen": [cell.id for cell in record.standing if asks(cell)],
        "window": info.window_um / record.um_per_px if info.window_um and record.um_per_px else None,
        "cells": [_cell(cell, guesses, cell.id in added) for cell in cells],
        "pictures": [
            {"number": one.number, "path": readable(one.path), "width": one.width, "height": one.height}
            | {"refused": one.refused}
            for one in record.pictures
        ],
        "signatures": [
            {"version": one.version, "by": one.signed_by, "at": utc(one.signed_at), "reason": one.reason}
            | {"second_by": one.second_by, "second_at": utc(one.second_at)}
            for one in record.signatures
        ],
        "events": [
            {"at": utc(event.at), "who": event.who, "kind": event.kind, "cell": event.cell}
            | {"before": event.before, "after": event.after, "text": event.text}
            for event in record.events[-EVENTS:]
        ],
    }


def asks(cell: StoredCell) -> bool:
    """Whether a person must look at it still."""
    return cell.label in ASKING and not (cell.looked or cell.changed)


def _classes(record: Record) -> tuple[str, ...]:
    """The order of the cells' probabilities; () where a session from before it was kept does not tell."""
    if record.info.classes:
        return record.info.classes
    usual = CLASSES[: len(record.cells[0].probabilities)] if record.cells else ()
    named = [cell for cell in record.cells if cell.model_label != UNIDENTIFIED]
    right = all(_best(cell, usual)[:1] == [cell.model_label] for cell in named)
    return usual if right else ()


def _best(cell: StoredCell, classes: tuple[str, ...]) -> list[str]:
    if len(classes) != len(cell.probabilities):
        return []
    order = sorted(range(len(classes)), key=lambda n: -cell.probabilities[n])
    return [classes[n] for n in order]


def _cell(cell: StoredCell, classes: tuple[str, ...], added: bool) -> dict[str, Any]:
    best = _best(cell, classes)[:3]
    return {
        "id": cell.id,
        "label": cell.label,
        "model": cell.model_label,
        "by": cell.by if cell.changed else None,
        "removed": cell.undone,
        "added": added,
        "asks": asks(cell) and not cell.undone,
        "confidence": round(cell.confidence, 4),
        "guesses": [[name, round(cell.probabilities[classes.index(name)], 4)] for name in best],
        "area": cell.area,
        "x": round(cell.x, 1),
        "y": round(cell.y, 1),
        "views": cell.views,
    }
