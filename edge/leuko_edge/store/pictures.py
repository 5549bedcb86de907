"""The photographs of a session, and a new cell's row: what counting adds, inside the caller's transaction."""

from __future__ import annotations

from dataclasses import asdict

from . import table_rows
from .corrections import Execute
from .ledger import insert
from .records import NewCell, Picture


def add(execute: Execute, session: int, picture: Picture, view: bytes | None) -> None:
    columns = {**asdict(picture), "path": table_rows.utf8(picture.path), "session": session, "view": view}
    execute(insert("picture", columns), columns)


def add_cell(execute: Execute, session: int, cell: NewCell, counts: bool) -> int:
    """Its number within the session; `counts`: whether its class is in the denominator."""
    newest = execute("SELECT coalesce(max(id), 0) FROM cell WHERE session = ?", (session,)).fetchone()
    columns = {**table_rows.cell_columns(cell), "session": session, "counted": counts, "id": int(newest[0]) + 1}
    execute(insert("cell", columns), columns)
    return int(columns["id"])
