"""Sessions read back: finished ones, and the running one beside its writer."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np

from ..errors import UsageError
from ..session import Accounts
from ..tally import Differential
from . import records, schema
from .errors import explained
from .records import Event, Picture, SessionInfo, Signature, StoredCell


@dataclass(frozen=True)
class Summary:
    """A session in the list of all. `cells` are those in the denominator."""

    id: int
    state: str  # "open", "closed", "signed"
    started_at: float
    ended_at: float | None
    cells: int
    info: SessionInfo


@dataclass(frozen=True)
class Record:
    """All of one session but its pictures. `cells` holds the undone ones too."""

    summary: Summary
    um_per_px: float | None
    gate: Mapping[str, Any]
    signed_by: str | None
    signed_at: float | None
    accounts: Accounts
    fields: int  # fields of view that were counted
    cells: tuple[StoredCell, ...]
    events: tuple[Event, ...]
    amendment: str | None = None  # why a signed result is open again
    pictures: tuple[Picture, ...] = ()  # of a session of photographs
    signatures: tuple[Signature, ...] = ()  # every signed version, oldest first

    @property
    def info(self) -> SessionInfo:
        return self.summary.info

    @property
    def standing(self) -> tuple[StoredCell, ...]:
        """The cells that are not undone."""
        return tuple(cell for cell in self.cells if not cell.undone)

    def differential(self) -> Differential:
        """By the classes and the reference ranges that the session was counted with."""
        counts = Counter(cell.label for cell in self.standing)
        return Differential.from_counts(counts, self.info.leukocytes, self.info.ranges)


class Archive:
    """A context manager on the database at `path`; StoreError with its sentence where it cannot be read."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.realpath(path)
        self._connection = schema.open_to_read(self.path)

    def sessions(self) -> tuple[Summary, ...]:
        """All of them, oldest first."""
        with self._reading() as execute:
            return tuple(_summary(row) for row in execute(f"{_SUMMARY} ORDER BY session.id"))

    def record(self, session: int) -> Record:
        """UsageError where there is no session of that number."""
        with self._reading() as execute:
            execute("BEGIN")  # one moment of a session that is being counted
            row = execute(f"{_SUMMARY} WHERE session.id = ?", (session,)).fetchone()
            if row is None:
                raise UsageError(f"there is no session {session} in {self.path}", "leuko-edge sessions lists them")
            cells = execute("SELECT * FROM cell WHERE session = ? ORDER BY id", (session,))
            events = execute("SELECT * FROM event WHERE session = ? ORDER BY id", (session,))
            counted = execute("SELECT * FROM accounts WHERE session = ?", (session,)).fetchone()
            fields = execute("SELECT count(*) FROM field WHERE session = ?", (session,)).fetchone()
            pictures = execute("SELECT * FROM picture WHERE session = ? ORDER BY number", (session,))
            signatures = execute("SELECT * FROM signature WHERE session = ? ORDER BY version", (session,))
            return Record(
                summary=_summary(row),
                amendment=row["amendment"],
                pictures=tuple(records.picture_from(picture) for picture in pictures),
                signatures=tuple(records.signature_from(signature) for signature in signatures),
                um_per_px=row["um_per_px"],
                gate=json.loads(row["gate"]),
                signed_by=row["signed_by"],
                signed_at=row["signed_at"],
                accounts=records.accounts_from(counted),
                fields=int(fields[0]),
                cells=tuple(records.cell_from(cell) for cell in cells),
                events=tuple(records.event_from(event) for event in events),
            )

    def revision(self, session: int) -> str:
        """Another word whenever anything of the session has changed; UsageError as of `record`."""
        with self._reading() as execute:
            row = execute(_REVISION, (session,) * 5).fetchone()
            if row["state"] is None:
                raise UsageError(f"there is no session {session} in {self.path}", "leuko-edge sessions lists them")
            return "-".join(str(value) for value in tuple(row))

    def reference(self, label: str, most: int) -> list[tuple[int, int]]:
        """(session, cell) of cells of a class in signed sessions: those that a person named, then the surest."""
        with self._reading() as execute:
            rows = execute(
                "SELECT session, cell.id FROM cell JOIN session ON session.id = session WHERE label = ? "
                "AND state = 'signed' AND undone_at IS NULL AND crop IS NOT NULL "
                "ORDER BY changed_by IS NULL, confidence DESC LIMIT ?",
                (label, most),
            )
            return [(int(row["session"]), int(row["id"])) for row in rows]

    def png(self, session: int, cell: int) -> bytes | None:
        """`crop` as it is stored."""
        with self._reading() as execute:
            row = execute("SELECT crop FROM cell WHERE session = ? AND id = ?", (session, cell)).fetchone()
            return bytes(row["crop"]) if row and row["crop"] else None

    def crop(self, session: int, cell: int) -> np.ndarray | None:
        """(n, n, 3) uint8 RGB as the network saw it; None where none was stored."""
        with self._reading() as execute:
            row = execute("SELECT crop FROM cell WHERE session = ? AND id = ?", (session, cell)).fetchone()
            return records.decode(row["crop"]) if row else None

    def view(self, session: int, picture: int) -> bytes | None:
        """JPEG of a photograph, reduced; None where there is none."""
        with self._reading() as execute:
            row = execute("SELECT view FROM picture WHERE session = ? AND number = ?", (session, picture)).fetchone()
            return bytes(row["view"]) if row and row["view"] else None

    def contour(self, session: int, cell: int) -> np.ndarray | None:
        """(n, 2) int32 in the pixels of the cell's frame; None where none was stored."""
        with self._reading() as execute:
            row = execute("SELECT contour FROM cell WHERE session = ? AND id = ?", (session, cell)).fetchone()
            return (
                np.frombuffer(row["contour"], "<i4").reshape(-1, 2).astype(np.int32) if row and row["contour"] else None
            )

    def contours(self, session: int, area: int) -> dict[int, np.ndarray]:
        """As `contour`, of all cells of one area by number; without those that have none."""
        with self._reading() as execute:
            rows = execute(
                "SELECT id, contour FROM cell WHERE session = ? AND area = ? AND contour IS NOT NULL", (session, area)
            )
            return {int(row["id"]): np.frombuffer(row["contour"], "<i4").reshape(-1, 2) for row in rows}

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Any]:
        try:
            yield self._connection.execute
        except (sqlite3.Error, *records.UNREADABLE) as error:
            raise explained(error, self.path) from None
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")


_REVISION = (
    "SELECT (SELECT state FROM session WHERE id = ?) AS state, "
    "(SELECT coalesce(max(id), 0) FROM event WHERE session = ?) AS events, "
    "(SELECT count(*) FROM cell WHERE session = ?) AS cells, "
    "(SELECT coalesce(sum(views), 0) FROM cell WHERE session = ?) AS views, "
    "(SELECT count(looked_at) FROM cell WHERE session = ?) AS looks"
)

_SUMMARY = (
    "SELECT session.*, (SELECT count(*) FROM cell WHERE cell.session = session.id AND counted) AS cells FROM session"
)


def _summary(row: sqlite3.Row) -> Summary:
    same = {name: row[name] for name in ("id", "state", "started_at", "ended_at", "cells")}
    return Summary(**same, info=records.info_from(row))
