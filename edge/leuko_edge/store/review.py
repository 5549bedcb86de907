"""A counted session changed by people afterwards, also by several at once and beside a running count.

Every change is one transaction, on the disk when the method returns, and a line of history for each cell. A change says
what the person saw: where that is no longer so, nothing of it is done (`Stale`), and no change covers another's.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import UsageError
from ..types import ABNORMAL, CLASSES, LEUKOCYTES, UNIDENTIFIED
from . import corrections, pictures, schema, signatures, table_rows
from .corrections import Execute
from .errors import StoreError, explained
from .lock import SessionLock
from .records import NewCell

REMOVED = ""
"""In place of a class: the cell is out of all counts."""


class Refused(UsageError):
    """A change that cannot be made; `code` says why to other programs, the sentence to people."""

    code = "refused"


class Stale(Refused):
    """Somebody changed the cell meanwhile."""

    code = "stale"


class Signed(Refused):
    """A signed session stays as it is until it is amended."""

    code = "signed"


class Unseen(Refused):
    """Cells that ask for a person have not been looked at; `cells` are their numbers."""

    code = "unseen"

    def __init__(self, cells: Sequence[int]) -> None:
        self.cells = tuple(cells)
        some = "1 cell has" if len(cells) == 1 else f"{len(cells)} cells have"
        super().__init__(f"{some} not been looked at: each unidentified or abnormal one must be, before signing")


@dataclass(frozen=True)
class Change:
    """Of one cell: what it was taken for, and what it is now; a class, or REMOVED."""

    cell: int
    before: str
    after: str


class Review:
    """Opens the database at `path`; StoreError where it cannot be changed. May be called from any thread."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.realpath(path)
        self._connection = schema.open_beside(self.path)
        self._guard = threading.Lock()

    def change(self, session: int, changes: Sequence[Change], who: str, at: float, taken_back: bool = False) -> None:
        """All of `changes` or none. `taken_back`: an undo, so that a cell which is again what the model said counts as
        unchanged. Stale, Signed; ValueError for a class or a cell that there is not."""
        for change in changes:
            if change.after not in (*CLASSES, UNIDENTIFIED, REMOVED):
                raise ValueError(f"not a class of leuko-edge: {change.after!r}")
        with self._transaction(session) as execute:
            for change in changes:
                _change(execute, session, change, who, at, taken_back)

    def add(self, session: int, cell: NewCell, who: str, at: float) -> int:
        """A cell that counting missed, and its number; Stale where a standing cell already covers its centre."""
        with self._transaction(session) as execute:
            for row in execute("SELECT * FROM cell WHERE session = ? AND frame = ?", (session, cell.frame)):
                left, top, width, height = table_rows.cell_from(row).box
                inside = left <= cell.x <= left + width and top <= cell.y <= top + height
                if inside and row["undone_at"] is None:
                    raise Stale(f"cell {row['id']} is there already")
            number = pictures.add_cell(execute, session, cell, cell.label in LEUKOCYTES)
            execute(
                "UPDATE cell SET changed_by = ? WHERE session = ? AND id = ?", (table_rows.utf8(who), session, number)
            )
            corrections.record(execute, session, at, who, "added", cell=number, after=cell.label)
            return number

    def look(self, session: int, cells: Sequence[int], who: str, at: float) -> None:
        """A person has seen `cells` large; the first one who did stays on record."""
        with self._transaction(session) as execute:
            for cell in cells:
                execute(
                    "UPDATE cell SET looked_by = ?, looked_at = ? WHERE session = ? AND id = ? AND looked_by IS NULL",
                    (table_rows.utf8(who), float(at), session, cell),
                )

    def identify(self, session: int, sample: str | None, operator: str | None, who: str, at: float) -> None:
        """Whose blood it is, and who counted it, None for what stays; what was named before stays in the history."""
        with self._transaction(session) as execute:
            corrections.identify(execute, session, sample, operator, who, at)

    def sign(self, session: int, who: str, at: float) -> int:
        """The version that is now signed. Unseen, Signed; Refused while it is being counted, or nobody is named."""
        if not who.strip():
            raise Refused("a signature needs a name")
        with contextlib.ExitStack() as stack:
            if self._state(session) == "open":  # nobody may go on counting into what is signed
                try:
                    stack.callback(SessionLock(self.path).release)
                except StoreError:
                    raise Refused("it is still being counted", "end the count first") from None
            execute = stack.enter_context(self._transaction(session))
            if unseen := _unseen(execute, session):
                raise Unseen(unseen)
            return signatures.sign(execute, session, who, at)

    def countersign(self, session: int, who: str, at: float) -> None:
        """The second signature of a signed session that needs one; Refused to who gave the first."""
        if not who.strip():
            raise Refused("a signature needs a name")
        with self._transaction(session, "signed") as execute:
            row = execute(
                "SELECT second_signature, signature.signed_by AS first, second_by FROM session "
                "JOIN signature ON signature.session = session.id WHERE session.id = ? ORDER BY version DESC LIMIT 1",
                (session,),
            ).fetchone()
            if not row["second_signature"] or row["second_by"] is not None:
                raise Refused(f"session {session} needs no further signature")
            if row["first"].strip().casefold() == who.strip().casefold():
                raise Refused(f"{who} has signed it already: the second signature is another person's")
            signatures.countersign(execute, session, who, at)

    def amend(self, session: int, reason: str, who: str, at: float) -> None:
        """Open a signed session again; Refused without a reason, or where it is not signed."""
        if not reason.strip():
            raise Refused("an amendment needs its reason")
        with self._transaction(session, "signed") as execute:
            signatures.amend(execute, session, reason.strip(), who, at)

    def close(self) -> None:
        self._connection.close()

    def _state(self, session: int) -> str:
        known = session < 2**63  # SQLite's largest number
        row = known and self._connection.execute("SELECT state FROM session WHERE id = ?", (session,)).fetchone()
        if not row:
            raise UsageError(f"there is no session {session} in {self.path}")
        return str(row["state"])

    @contextlib.contextmanager
    def _transaction(self, session: int, wanted: str = "") -> Iterator[Execute]:
        """Whole or not at all, on a session that is not signed, or that is in state `wanted`."""
        with self._guard:
            execute = self._connection.execute
            try:
                execute("BEGIN IMMEDIATE")
                try:
                    state = self._state(session)
                    if wanted and state != wanted:
                        raise Refused(f"session {session} is not {wanted}")
                    if not wanted and state == "signed":
                        raise Signed(f"session {session} is signed and stays as it is", "amend it to change it")
                    yield execute
                    execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise explained(error, self.path) from None


def _change(execute: Execute, session: int, change: Change, who: str, at: float, taken_back: bool) -> None:
    row = execute("SELECT * FROM cell WHERE session = ? AND id = ?", (session, change.cell)).fetchone()
    if row is None:
        raise ValueError(f"session {session} has no cell {change.cell}")
    now = REMOVED if row["undone_at"] is not None else row["label"]
    if now != change.before:
        took = "taken out" if now == REMOVED else f"named {now.replace('_', ' ')}"
        raise Stale(
            f"cell {change.cell} was {took} meanwhile by {row['undone_by'] or row['changed_by'] or 'the model'}"
        )
    if change.after == REMOVED:
        corrections.take_out(execute, session, change.cell, who, at)
        return
    if now == REMOVED:
        corrections.put_back(execute, session, change.cell, who, at)
    corrections.reclassify(execute, session, change.cell, change.after, change.after in LEUKOCYTES, who, at)
    execute(
        "UPDATE cell SET looked_by = ?, looked_at = ? WHERE session = ? AND id = ? AND looked_by IS NULL",
        (table_rows.utf8(who), float(at), session, change.cell),
    )
    if taken_back and change.after == row["model_label"]:
        execute("UPDATE cell SET changed_by = NULL WHERE session = ? AND id = ?", (session, change.cell))


def _unseen(execute: Execute, session: int) -> list[int]:
    """Standing cells that ask for a person and that nobody has looked at or changed."""
    asking = (UNIDENTIFIED, *ABNORMAL)
    rows = execute(
        "SELECT id FROM cell WHERE session = ? AND undone_at IS NULL AND looked_by IS NULL AND changed_by IS NULL "
        f"AND label IN ({', '.join('?' * len(asking))}) ORDER BY id",
        (session, *asking),
    )
    return [int(row["id"]) for row in rows]
