"""Tests of the microscope, kept beside the sessions and never among them, and what sessions showed of it in passing."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..types import LEUKOCYTES, UNIDENTIFIED
from . import columns, schema, table_rows
from .ledger import insert


@dataclass(frozen=True)
class QualityRun:
    """One test. `signs` and shares by name; `findings` are JSON objects as `qc.finding` makes them."""

    at: float  # seconds since the epoch
    control: str  # its name …
    control_sha256: str  # … and what it is: another one of that name is another control
    source: str
    drawn: bool  # a simulated control tests the program, no microscope
    program: str
    model_name: str
    model_sha256: str
    passed: bool
    operator: str = ""
    begins: bool = False  # what is usual is learnt anew from this run on
    signs: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)  # cells by class
    findings: tuple[Mapping[str, Any], ...] = ()
    id: int = 0  # given by the database


@dataclass(frozen=True)
class SessionSigns:
    """What one session showed: `fields` holds the signs of each field that was measured.

    `white` are its cells that are counted or unidentified.
    """

    session: int
    started_at: float
    kind: str
    source: str
    fields: tuple[Mapping[str, float], ...]
    white: int
    unidentified: int


class Quality:
    """The tables of the database at `path`; StoreError where it cannot be read or changed."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.path.realpath(path)

    def check(self) -> None:
        """StoreError where no test could be kept: there is no point in beginning one."""
        schema.open_beside(self._path).close()

    def add(self, run: QualityRun) -> int:
        """Its number; it is on the disk then."""
        row = asdict(run)
        row |= {name: table_rows.text(row[name]) for name in ("signs", "counts", "findings")}
        row = {name: table_rows.utf8(value) if isinstance(value, str) else value for name, value in row.items()}
        del row["id"]
        with schema.asking(self._path) as execute:
            return int(execute(insert("qc_run", row), row).lastrowid or 0)

    def runs(self, most: int = 10_000) -> tuple[QualityRun, ...]:
        """The newest of all tests, oldest first; none where there is no database yet. Unreadable ones are left out:
        what is missing is never taken for a test that passed."""
        if not os.path.exists(self._path):
            return ()
        found = []
        with schema.asking(self._path, schema.open_to_read) as execute:
            for row in execute("SELECT * FROM qc_run ORDER BY id DESC LIMIT ?", (most,)).fetchall():
                with contextlib.suppress(*table_rows.UNREADABLE):
                    found.append(_run(row))
        return tuple(reversed(found))

    def sessions(self, most: int, before: int | None = None) -> tuple[SessionSigns, ...]:
        """The newest sessions of real blood whose signs were measured, oldest first; `before`: up to that one, with
        it."""
        if not os.path.exists(self._path):
            return ()
        found = []
        with schema.asking(self._path, schema.open_to_read) as execute:
            rows = execute(_SESSIONS, (before, before, most)).fetchall()
            for row in rows:
                with contextlib.suppress(*table_rows.UNREADABLE):
                    signs = execute("SELECT signs FROM field_sign WHERE session = ? ORDER BY frame", (row["id"],))
                    found.append(_session(row, tuple(_numbers(one, "signs") for one in signs.fetchall())))
        return tuple(reversed(found))


_WHITE = ", ".join(f"'{label}'" for label in (*LEUKOCYTES, UNIDENTIFIED))
_STANDING = "FROM cell WHERE cell.session = session.id AND undone_at IS NULL"
_SESSIONS = (
    f"SELECT id, started_at, kind, source, (SELECT count(*) {_STANDING} AND model_label IN ({_WHITE})) AS white, "
    f"(SELECT count(*) {_STANDING} AND model_label = '{UNIDENTIFIED}') AS unidentified FROM session "
    "WHERE NOT simulated AND id IN (SELECT session FROM field_sign) AND (? IS NULL OR id <= ?) "
    "ORDER BY id DESC LIMIT ?"
)


def _run(row: sqlite3.Row) -> QualityRun:
    findings = columns.parsed(row, "findings", list)
    if not all(isinstance(one, dict) for one in findings):
        raise ValueError("its findings make no sense")
    counts = columns.parsed(row, "counts", dict)
    return QualityRun(
        control=columns.words(row, "control"),
        control_sha256=columns.words(row, "control_sha256"),
        source=columns.words(row, "source"),
        program=columns.words(row, "program"),
        operator=columns.words(row, "operator"),
        model_name=columns.words(row, "model_name"),
        model_sha256=columns.words(row, "model_sha256"),
        drawn=bool(columns.whole(row, "drawn", 0, 1)),
        passed=bool(columns.whole(row, "passed", 0, 1)),
        begins=bool(columns.whole(row, "begins", 0, 1)),
        at=columns.moment(row, "at"),
        signs=_numbers(row, "signs"),
        counts=dict(zip(counts, map(int, columns.numbers(list(counts.values()), "counts", 0, 1e9)), strict=True)),
        findings=tuple(findings),
        id=int(row["id"]),
    )


def _session(row: sqlite3.Row, fields: tuple[Mapping[str, float], ...]) -> SessionSigns:
    return SessionSigns(
        session=int(row["id"]),
        started_at=columns.moment(row, "started_at"),
        kind=columns.words(row, "kind"),
        source=columns.words(row, "source"),
        fields=fields,
        white=int(row["white"]),
        unidentified=int(row["unidentified"]),
    )


def _numbers(row: sqlite3.Row, name: str) -> dict[str, float]:
    found = columns.parsed(row, name, dict)
    return dict(zip(found, columns.numbers(list(found.values()), name, -1e6, 1e6), strict=True))
