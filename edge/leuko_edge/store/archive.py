"""Sessions read back: finished ones, and the running one beside its writer."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..decision import Decision, Standing
from ..errors import UsageError
from ..session import Accounts
from ..tally import Differential
from ..types import CLASSES
from . import columns, schema, table_rows
from .errors import StoreError, explained
from .records import Event, Picture, SessionInfo, Signature, StoredCell

if TYPE_CHECKING:
    import numpy as np

STATES = ("open", "closed", "signed")


@dataclass(frozen=True)
class Summary:
    """A session in the list of all. `cells` are those in the denominator."""

    id: int
    state: str  # one of STATES
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
    seconds: float  # that it was counted for, by a clock that nobody sets
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
    def awaits_second(self) -> bool:
        """Whether it is signed by one person and needs another's signature too."""
        signed = self.summary.state == "signed"
        return signed and self.info.second_signature and bool(self.signatures) and self.signatures[-1].second_by is None

    @property
    def signers(self) -> tuple[str, ...]:
        """Who signed the version that stands, the first one first."""
        if self.summary.state != "signed":
            return ()
        second = self.signatures[-1].second_by if self.signatures else None
        return (self.signed_by or "", *([second] if second else []))

    @property
    def standing(self) -> tuple[StoredCell, ...]:
        """The cells that are not undone."""
        return tuple(cell for cell in self.cells if not cell.undone)

    @property
    def named(self) -> tuple[StoredCell, ...]:
        """Those of them that a person named: gave another class, or looked at and let stand."""
        return tuple(cell for cell in self.standing if (cell.changed or cell.looked) and cell.label in CLASSES)

    def differential(self) -> Differential:
        """By the classes and the reference ranges that the session was counted with."""
        counts = Counter(cell.label for cell in self.standing)
        return Differential.from_counts(counts, self.info.leukocytes, self.info.ranges)

    def standings(self) -> tuple[Standing, ...]:
        """What the count was to tell, and how that stands by the cells as they are named now."""
        differential = self.differential()
        seen = {share.label: share.count for share in differential.classes}
        asked = map(Decision.parse, self.info.decisions)
        return tuple(one.standing(seen.get(one.label, 0), differential.counted) for one in asked)


class Archive:
    """A context manager on the database at `path`; StoreError with its sentence where it cannot be read."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.realpath(path)
        self._connection = schema.open_to_read(self.path)
        self.unreadable: tuple[StoreError, ...] = ()

    def sessions(self) -> tuple[Summary, ...]:
        """All that can be read, oldest first; `unreadable` then holds an error for each of the others."""
        found, unreadable = [], []
        with self._reading() as execute:
            for (session,) in execute("SELECT id FROM session ORDER BY id").fetchall():
                try:
                    found.append(_summary(execute(f"{_SUMMARY} WHERE session.id = ?", (session,)).fetchone()))
                except table_rows.UNREADABLE as error:
                    unreadable.append(explained(error, self.path, session))
        self.unreadable = tuple(unreadable)
        return tuple(found)

    def damage(self) -> str:
        """What SQLite finds wrong with the whole file, in one sentence; "" where it is sound."""
        try:
            said = [str(row[0]) for row in self._connection.execute("PRAGMA integrity_check(3)")]
        except (sqlite3.Error, *table_rows.UNREADABLE) as error:
            said = [str(error)]
        if said == ["ok"]:
            return ""
        told = "; ".join(" ".join(line.split()) for line in said)[:200]
        return f"{self.path} is damaged ({told}): what was read from it may be wrong; restore it from a copy"

    def record(self, session: int, recent: int | None = None) -> Record:
        """UsageError where there is no session of that number. `recent`: of its events only so many, the newest, and
        those by which cells came and went; what a page shows of a long history."""
        with self._reading(session) as execute:
            execute("BEGIN")  # one moment of a session that is being counted
            row = execute(f"{_SUMMARY} WHERE session.id = ?", (session,)).fetchone()
            if row is None:
                raise UsageError(f"there is no session {session} in {self.path}", "leuko-edge sessions lists them")
            cells = execute("SELECT * FROM cell WHERE session = ? ORDER BY id", (session,))
            events = execute(_EVENTS, (session, session, -1 if recent is None else recent))
            counted = execute("SELECT * FROM accounts WHERE session = ?", (session,)).fetchone()
            fields = execute("SELECT count(*) FROM field WHERE session = ?", (session,)).fetchone()
            pictures = execute("SELECT * FROM picture WHERE session = ? ORDER BY number", (session,))
            signatures = execute("SELECT * FROM signature WHERE session = ? ORDER BY version", (session,))
            return Record(
                summary=_summary(row),
                amendment=None if row["amendment"] is None else columns.words(row, "amendment"),
                pictures=tuple(table_rows.picture_from(picture) for picture in pictures),
                signatures=tuple(table_rows.signature_from(signature) for signature in signatures),
                um_per_px=None if row["um_per_px"] is None else columns.real(row, "um_per_px", 1e-3, 100),
                gate=columns.parsed(row, "gate", dict),
                signed_by=None if row["signed_by"] is None else columns.words(row, "signed_by"),
                signed_at=None if row["signed_at"] is None else columns.moment(row, "signed_at"),
                seconds=columns.real(row, "seconds", 0),
                accounts=table_rows.accounts_from(counted),
                fields=int(fields[0]),
                cells=tuple(table_rows.cell_from(cell) for cell in cells),
                events=tuple(table_rows.event_from(event) for event in events),
            )

    def revision(self, session: int) -> str:
        """Another word whenever anything of the session has changed; UsageError as of `record`."""
        with self._reading() as execute:
            row = execute(_REVISION, (session,) * 5).fetchone()
            if row["state"] is None:
                raise UsageError(f"there is no session {session} in {self.path}", "leuko-edge sessions lists them")
            return "-".join(str(value) for value in tuple(row))

    def awaiting_second(self) -> frozenset[int]:
        """The sessions that one person has signed and another must."""
        with self._reading() as execute:
            rows = execute(
                "SELECT session.id FROM session JOIN signature ON signature.session = session.id "
                "WHERE state = 'signed' AND second_signature AND second_by IS NULL AND version = "
                "(SELECT max(version) FROM signature WHERE signature.session = session.id)"
            )
            return frozenset(int(row["id"]) for row in rows)

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
        with self._reading(session) as execute:
            row = execute("SELECT crop FROM cell WHERE session = ? AND id = ?", (session, cell)).fetchone()
            from . import png

            return png.decode(row["crop"]) if row else None

    def view(self, session: int, picture: int) -> bytes | None:
        """JPEG of a photograph, reduced; None where there is none."""
        with self._reading() as execute:
            row = execute("SELECT view FROM picture WHERE session = ? AND number = ?", (session, picture)).fetchone()
            return bytes(row["view"]) if row and row["view"] else None

    def contour(self, session: int, cell: int) -> np.ndarray | None:
        """(n, 2) int32 in the pixels of the cell's frame; None where none was stored."""
        with self._reading(session) as execute:
            row = execute("SELECT contour FROM cell WHERE session = ? AND id = ?", (session, cell)).fetchone()
            from . import png

            return png.contour(row["contour"]) if row else None

    def contours(self, session: int, area: int) -> dict[int, list[tuple[int, int]]]:
        """As `contour`, of all cells of one area by number, as plain numbers; without those that have none."""
        with self._reading() as execute:
            rows = execute(
                "SELECT id, contour FROM cell WHERE session = ? AND area = ? AND contour IS NOT NULL", (session, area)
            )
            return {int(row["id"]): list(struct.iter_unpack("<2i", row["contour"])) for row in rows}

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextlib.contextmanager
    def _reading(self, session: int | None = None) -> Iterator[Any]:
        try:
            yield self._connection.execute
        except (sqlite3.Error, *table_rows.UNREADABLE) as error:
            raise explained(error, self.path, session) from None
        finally:
            with contextlib.suppress(sqlite3.Error):
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")


_EVENTS = (
    "SELECT * FROM event WHERE session = ? AND (kind IN ('added', 'discarded') OR id IN "
    "(SELECT id FROM event WHERE session = ? ORDER BY id DESC LIMIT ?)) ORDER BY id"
)

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
    state = columns.words(row, "state")
    if state not in STATES:
        raise ValueError("its state makes no sense")
    return Summary(
        id=int(row["id"]),
        state=state,
        started_at=columns.moment(row, "started_at"),
        ended_at=None if row["ended_at"] is None else columns.moment(row, "ended_at"),
        cells=int(row["cells"]),
        info=table_rows.info_from(row),
    )
