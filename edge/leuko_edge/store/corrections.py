"""How a stored cell changes: by a person, or by what the program saw later.

Each function works inside the caller's transaction and adds its line to the history.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..types import EXCLUDED, LEUKOCYTES, Prediction
from .table_rows import shares, utf8

if TYPE_CHECKING:
    import numpy as np

Execute = Callable[..., sqlite3.Cursor]

PROGRAM = "leuko-edge"
"""Who changed something where nobody did."""

FOLLOWED = f"(changed_by IS NOT NULL OR model_label NOT IN ({', '.join(map(repr, EXCLUDED))}))"
"""SQL: cells that a person follows and may undo, not the platelets and artefacts that the model dropped by itself."""


def record(
    execute: Execute,
    session: int,
    at: float,
    who: str,
    kind: str,
    text: str = "",
    cell: int | None = None,
    before: str | None = None,
    after: str | None = None,
) -> None:
    """Add a line to the history."""
    execute(
        "INSERT INTO event (session, at, who, kind, text, cell, before, after) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (session, float(at), utf8(who), kind, utf8(text), cell, before, after),
    )


def reclassify(execute: Execute, session: int, cell: int, label: str, counts: bool, who: str, at: float) -> None:
    """`counts`: whether `label` is in the denominator. ValueError where the session has no such cell."""
    before = _cell(execute, session, cell)["label"]
    if before == label:
        return
    execute(
        "UPDATE cell SET label = ?, changed_by = ?, counted = (undone_at IS NULL AND ?) WHERE session = ? AND id = ?",
        (label, utf8(who) or "operator", counts, session, cell),
    )
    record(execute, session, at, who, "reclassified", cell=cell, before=before, after=label)


def refine(
    execute: Execute,
    session: int,
    cell: int,
    seen: Prediction,
    counts: bool,
    views: int,
    rgb: np.ndarray | None,
    at: float,
) -> None:
    """The model's opinion after another view, and the crop it saw best; what a person said of the cell stands.

    ValueError where the session has no such cell.
    """
    before = _cell(execute, session, cell)
    row = (seen.label, seen.confidence, shares(seen.probabilities), views, at, session, cell)
    execute(
        "UPDATE cell SET model_label = ?, confidence = ?, probabilities = ?, views = ?, last_seen = ? "
        "WHERE session = ? AND id = ?",
        row,
    )
    if rgb is not None:
        from . import png

        execute("UPDATE cell SET crop = ? WHERE session = ? AND id = ?", (png.encode(rgb), session, cell))
    if before["changed_by"] is None and before["label"] != seen.label:
        execute(
            "UPDATE cell SET label = ?, counted = (undone_at IS NULL AND ?), looked_by = NULL, looked_at = NULL "
            "WHERE session = ? AND id = ?",  # a person looked at what it was taken for then
            (seen.label, counts, session, cell),
        )
        record(execute, session, at, PROGRAM, "refined", cell=cell, before=before["label"], after=seen.label)


def discard(execute: Execute, session: int, cell: int, reason: str, at: float) -> None:
    """Out of all counts for good: the program found that it is no cell of its own. ValueError as in `refine`."""
    if _cell(execute, session, cell)["undone_at"] is None:
        _take_out(execute, session, cell, PROGRAM, at)
        record(execute, session, at, PROGRAM, "discarded", reason, cell=cell)


def identify(
    execute: Execute, session: int, sample: str | None, operator: str | None, who: str, at: float
) -> tuple[str, str]:
    """Whose blood it is, and who counted it; None leaves what is there. The sample and the operator as they are now."""
    row = execute("SELECT sample, operator FROM session WHERE id = ?", (session,)).fetchone()
    now = {name: row[name] for name in ("sample", "operator")}
    for name, value in (("sample", sample), ("operator", operator)):
        if value is not None and (wanted := utf8(value)) != now[name]:
            execute(f"UPDATE session SET {name} = ? WHERE id = ?", (wanted, session))
            record(execute, session, at, who, name, before=now[name], after=wanted)
            now[name] = wanted
    return now["sample"], now["operator"]


def undo_last(execute: Execute, session: int, who: str, at: float) -> int | None:
    """The number of the newest cell that a person follows, now out of all counts; None where there is none."""
    row = execute(
        f"SELECT id FROM cell WHERE session = ? AND undone_at IS NULL AND {FOLLOWED} ORDER BY id DESC LIMIT 1",
        (session,),
    ).fetchone()
    if row is None:
        return None
    take_out(execute, session, row["id"], who, at)
    return int(row["id"])


def redo_last(execute: Execute, session: int, who: str, at: float) -> int | None:
    """The number of the cell whose undo was the latest, now back in the counts; None where nothing is undone."""
    row = execute(
        "SELECT id, label FROM cell WHERE session = ? AND undone_at IS NOT NULL AND undone_by <> ? "
        "ORDER BY undone_at DESC, id LIMIT 1",
        (session, PROGRAM),
    ).fetchone()
    if row is None:
        return None
    put_back(execute, session, row["id"], who, at)
    return int(row["id"])


def take_out(execute: Execute, session: int, cell: int, who: str, at: float) -> None:
    """A person says that it is no cell to be counted."""
    _take_out(execute, session, cell, who or "operator", at)
    record(execute, session, at, who, "undone", cell=cell)


def put_back(execute: Execute, session: int, cell: int, who: str, at: float) -> None:
    """Into the counts again; ValueError where the session has no such cell."""
    label = _cell(execute, session, cell)["label"]
    execute(
        "UPDATE cell SET undone_at = NULL, undone_by = NULL, counted = ? WHERE session = ? AND id = ?",
        (label in LEUKOCYTES, session, cell),
    )
    record(execute, session, at, who, "redone", cell=cell)


def give_up(execute: Execute, session: int, why: str, at: float) -> None:
    """End a session whose rows cannot all be read, with the reason in its history; its cells stay as they are."""
    execute("UPDATE session SET state = 'closed', ended_at = max(started_at, ?) WHERE id = ?", (float(at), session))
    record(execute, session, at, PROGRAM, "damaged", why)


def _take_out(execute: Execute, session: int, cell: int, who: str, at: float) -> None:
    execute(
        "UPDATE cell SET undone_at = ?, undone_by = ?, counted = 0 WHERE session = ? AND id = ?",
        (float(at), utf8(who), session, cell),
    )


def _cell(execute: Execute, session: int, cell: int) -> sqlite3.Row:
    row = execute("SELECT * FROM cell WHERE session = ? AND id = ?", (session, cell)).fetchone()
    if row is None:
        raise ValueError(f"session {session} has no cell {cell}")
    return row
