"""What people named in quizzes. Every answer is on the disk before the next cell is shown."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from . import columns, schema, table_rows
from .corrections import Execute


@dataclass(frozen=True)
class Asked:
    """A cell of a quiz: `session` and `cell` where it is a signed session's, else `path`. `label` is the signed name,
    `said` the person's, None while it is not answered."""

    label: str
    session: int | None = None
    cell: int | None = None
    path: str = ""
    said: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Quiz:
    """One sitting of one person. `finished_at` None: it can be gone on with, and counts for nothing."""

    id: int
    person: str
    begun_at: float  # seconds since the epoch
    source: str  # the folder, or "" for signed sessions
    asked: tuple[Asked, ...]
    finished_at: float | None = None


class Quizzes:
    """The tables of the database at `path`; StoreError where it cannot be read or changed."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.path.realpath(path)

    def begin(self, person: str, source: str, asked: Sequence[Asked], at: float) -> Quiz:
        """A new one. The person's unfinished one, if there is any, goes: nobody has more than one open."""
        with self._changing() as execute:
            _drop_open(execute, person)
            number = execute(
                "INSERT INTO quiz (person, begun_at, source) VALUES (?, ?, ?)",
                (table_rows.utf8(person), at, table_rows.utf8(source)),
            ).lastrowid
            for index, one in enumerate(asked):
                execute(
                    "INSERT INTO quiz_cell (quiz, number, session, cell, path, label) VALUES (?, ?, ?, ?, ?, ?)",
                    (number, index, one.session, one.cell, table_rows.utf8(one.path), one.label),
                )
        return Quiz(int(number or 0), person, at, source, tuple(asked))

    def answer(self, quiz: int, number: int, said: str, seconds: float) -> None:
        with self._changing() as execute:
            execute(
                "UPDATE quiz_cell SET said = ?, seconds = ? WHERE quiz = ? AND number = ?",
                (said, seconds, quiz, number),
            )

    def finish(self, quiz: int, at: float) -> None:
        with self._changing() as execute:
            execute("UPDATE quiz SET finished_at = ? WHERE id = ?", (at, quiz))

    def abandon(self, person: str) -> bool:
        """Remove what the person began and did not finish; whether there was any."""
        with self._changing() as execute:
            return _drop_open(execute, person)

    def unfinished(self, person: str) -> Quiz | None:
        with schema.asking(self._path, schema.open_to_read) as execute:
            row = execute("SELECT * FROM quiz WHERE person = ? AND finished_at IS NULL", (person,)).fetchone()
            return None if row is None else _quiz(execute, row)

    def finished(self, person: str | None = None) -> tuple[Quiz, ...]:
        """Of everybody, or of one; oldest first."""
        with schema.asking(self._path, schema.open_to_read) as execute:
            rows = execute(
                "SELECT * FROM quiz WHERE finished_at IS NOT NULL AND (? IS NULL OR person = ?) ORDER BY id",
                (person, person),
            )
            return tuple(_quiz(execute, row) for row in rows.fetchall())

    def prepare(self) -> None:
        """Make the database where there is none: a folder of pictures needs no session."""
        schema.open_beside(self._path).close()

    @contextlib.contextmanager
    def _changing(self) -> Iterator[Execute]:
        with schema.asking(self._path) as execute:
            execute("BEGIN IMMEDIATE")
            yield execute
            execute("COMMIT")


def _drop_open(execute: Execute, person: str) -> bool:
    """Its cells go with it, by the table's own rule."""
    return execute("DELETE FROM quiz WHERE person = ? AND finished_at IS NULL", (person,)).rowcount > 0


def _quiz(execute: Execute, row: sqlite3.Row) -> Quiz:
    cells = execute("SELECT * FROM quiz_cell WHERE quiz = ? ORDER BY number", (row["id"],)).fetchall()
    return Quiz(
        int(row["id"]),
        columns.words(row, "person"),
        columns.moment(row, "begun_at"),
        columns.words(row, "source"),
        tuple(
            Asked(cell["label"], cell["session"], cell["cell"], cell["path"], cell["said"], float(cell["seconds"] or 0))
            for cell in cells
        ),
        None if row["finished_at"] is None else columns.moment(row, "finished_at"),
    )
