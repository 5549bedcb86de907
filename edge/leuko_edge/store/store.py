"""A session being written: what `add_cell` returned for is on the disk, whatever happens next.

    with SessionStore.create(path, SessionInfo(sample="17"), time.time()) as store:
        number = store.add_cell(cell, accounts)      # committed, with the accounts of the frames so far
    # left without an error it is closed; left by one, or by kill -9, it stays open for SessionStore.resume(path)

One session writes to a database at a time; others may read it meanwhile. The methods may be called from any thread.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..session import Accounts, Shown
from ..types import CLASSES, LEUKOCYTES, UNIDENTIFIED, Prediction, guessed
from . import columns, corrections, errors, pictures, schema, signatures, table_rows
from .corrections import FOLLOWED
from .errors import SessionDamaged, StoreError, StoreFull, explained
from .ledger import Ledger, insert
from .lock import SessionLock
from .records import NewCell, Picture, SessionInfo, StoredCell

if TYPE_CHECKING:
    import numpy as np

__all__ = ["NewCell", "SessionInfo", "SessionStore", "StoreError", "StoreFull", "StoredCell"]


class SessionStore(Ledger):
    """`id` is the session's number, `info` what it began with, `accounts` the frames so far, `path` the file."""

    @classmethod
    def create(cls, path: str | os.PathLike[str], info: SessionInfo, now: float | None = None) -> SessionStore:
        """A new session in the database at `path`, which is made where there is none; StoreError with its sentence."""
        started = time.time() if now is None else float(now)
        row = {**table_rows.info_columns(info), "started_at": started, "state": "open", "gate": "{}", "seconds": 0.0}
        with _opened(path) as (connection, lock, name):
            if errors.room(name) < errors.STOP_BYTES:
                raise errors.full(name)
            made = connection.execute(insert("session", row), row)
            return cls(connection, lock, name, int(made.lastrowid or 0), fresh=True)

    @classmethod
    def resume(
        cls,
        path: str | os.PathLike[str],
        session_id: int | None = None,
        now: float | None = None,
        unfit: Callable[[SessionInfo], str] = lambda info: "",
    ) -> SessionStore:
        """Go on with session `session_id`, or with the last open one; its history then says "resumed".

        UsageError where there is none, it is signed, or `unfit` says why no cells may be counted into it: it is then as
        it was. StoreError as in `create`.
        """
        if not os.path.exists(path):
            raise UsageError(
                f"there is no session to resume: {os.fspath(path)} does not exist", "begin without --resume"
            )
        with _opened(path) as (connection, lock, name):
            wanted = "state = 'open' AND kind = 'live' AND ? IS NULL" if session_id is None else "id = ?"
            row = connection.execute(
                f"SELECT id, state, kind, amendment FROM session WHERE {wanted} ORDER BY id DESC LIMIT 1", (session_id,)
            ).fetchone()
            if row is None:
                which = "open session" if session_id is None else f"session {session_id}"
                raise UsageError(
                    f"there is no {which} to resume in {name}", "leuko-edge sessions lists those there are"
                )
            if row["state"] == "signed":
                raise UsageError(
                    f"session {row['id']} is signed and stays as it is", "begin a new one without --resume"
                )
            if row["kind"] != "live":
                raise UsageError(f"session {row['id']} is of photographs, which are counted at once", "count them anew")
            if row["amendment"] is not None:
                raise UsageError(f"session {row['id']} was signed and is being amended", "no cells are counted into it")
            try:
                store = cls(connection, lock, name, int(row["id"]))
            except SessionDamaged as damage:
                if row["state"] == "open":  # closed, so that it is not begun with again and again
                    with contextlib.suppress(sqlite3.Error):
                        corrections.give_up(connection.execute, damage.session, damage.what, time.time())
                raise
            if why := unfit(store.info):
                raise UsageError(
                    f"session {store.id} cannot be gone on with, because {why}", "begin a new one without --resume"
                )
            with store._change() as execute:
                execute("UPDATE session SET state = 'open', ended_at = NULL WHERE id = ?", (store.id,))
                corrections.record(execute, store.id, store._clock.after(now), store.info.operator, "resumed")
            if not store._ask("SELECT 1 FROM keyframe WHERE session = ? LIMIT 1"):
                store.drop_map()  # its cells lie against a map that is no more
            return store

    @staticmethod
    def give_up_session(path: str | os.PathLike[str], session_id: int, why: str) -> None:
        """Close an open session without reading it; StoreError where that cannot be done."""
        with _opened(path) as (connection, lock, _), contextlib.closing(connection):
            connection.execute("BEGIN IMMEDIATE")
            row = connection.execute("SELECT 1 FROM session WHERE id = ? AND state = 'open'", (session_id,)).fetchone()
            if row is not None:
                corrections.give_up(connection.execute, session_id, why, time.time())
            connection.execute("COMMIT")
            lock.release()

    def add_cell(self, cell: NewCell, accounts: Accounts) -> int:
        """Count `cell`, together with the frames so far, and return its number; it is on the disk then.

        StoreFull where the disk has less than STOP_BYTES left or SQLite says that it is full: nothing is added.
        """
        if self.room() < errors.STOP_BYTES:
            raise errors.full(self.path)
        counts = self._counts(cell.label)
        first, last = cell.seen_at if cell.first_seen is None else cell.first_seen, cell.seen_at
        since = self._clock.since_start
        with self._change(accounts) as execute:
            placed = replace(cell, first_seen=since(first), seen_at=since(last))
            return pictures.add_cell(execute, self.id, placed, counts)

    def add_picture(
        self, picture: Picture, view: bytes | None, cells: Sequence[NewCell], accounts: Accounts
    ) -> tuple[int, ...]:
        """A photograph with its cells, whole or not at all; their numbers. `view` is a JPEG of it. As `add_cell`."""
        if self.room() < errors.STOP_BYTES:
            raise errors.full(self.path)
        counts = [self._counts(cell.label) for cell in cells]
        with self._change(accounts) as execute:
            pictures.add(execute, self.id, picture, view)
            return tuple(pictures.add_cell(execute, self.id, cell, n) for cell, n in zip(cells, counts, strict=True))

    def refine(
        self, cell_id: int, seen: Prediction, views: int, rgb: np.ndarray | None = None, at: float | None = None
    ) -> None:
        """The model's opinion after `views` views, and the crop it saw best; what a person said of the cell stands."""
        now = self._clock.after(at)
        with self._change() as execute:
            corrections.refine(execute, self.id, cell_id, seen, self._counts(seen.label), views, rgb, now)

    def discard(self, cell_id: int, reason: str, at: float) -> None:
        """Take a cell out of all counts for good, kept with its `reason`: it was another one seen again."""
        with self._change() as execute:
            corrections.discard(execute, self.id, cell_id, reason, self._clock.after(at))

    def reclassify(self, cell_id: int, label: str, who: str, at: float) -> None:
        """`who` says that the cell is a `label`; what it was before stays in the history."""
        counts = self._counts(label)
        with self._change() as execute:
            corrections.reclassify(execute, self.id, cell_id, label, counts, who, self._clock.after(at))

    def undo_last(self, who: str, at: float) -> int | None:
        """Take the newest cell of `last` out of all counts and return its number; it is kept as undone."""
        with self._change() as execute:
            return corrections.undo_last(execute, self.id, who, self._clock.after(at))

    def redo_last(self, who: str, at: float) -> int | None:
        """Take back the latest undo of a person, and return its cell's number."""
        with self._change() as execute:
            return corrections.redo_last(execute, self.id, who, self._clock.after(at))

    def identify(self, sample: str | None, operator: str | None, who: str, at: float) -> None:
        """Whose blood it is, and who counts it, until it is signed; None for what stays."""
        with self._change() as execute:
            named = corrections.identify(execute, self.id, sample, operator, who, self._clock.after(at))
        self.info = replace(self.info, sample=named[0], operator=named[1])

    def event(self, kind: str, text: str, who: str, at: float) -> None:
        """Add to the history: "paused", "lost", "new slide", "disk", …"""
        with self._change() as execute:
            corrections.record(execute, self.id, self._clock.after(at), who, kind, text)

    def slide_awaited(self) -> bool:
        """Whether a person has not yet said that the session's slide is on the stage."""
        latest = "SELECT kind FROM event WHERE session = ? AND kind IN ('slide awaited', 'new slide') ORDER BY id DESC"
        rows = self._ask(f"{latest} LIMIT 1")
        return bool(rows) and rows[0]["kind"] == "slide awaited"

    def settings(self, um_per_px: float | None = None, gate: Mapping[str, Any] | None = None) -> None:
        """What was measured in the first seconds: the scale, and the thresholds that frames are judged by."""
        with self._change() as execute:
            if um_per_px is not None:
                execute("UPDATE session SET um_per_px = ? WHERE id = ?", (float(um_per_px), self.id))
            if gate is not None:
                execute("UPDATE session SET gate = ? WHERE id = ?", (table_rows.text(dict(gate)), self.id))

    def relocate(self, places: Mapping[int, tuple[int, float, float]]) -> None:
        """Put cells, by number, where (area, x, y) the slide's map has them now that its drift is corrected."""
        with self._change() as execute:
            for cell, (area, x, y) in places.items():
                place = (int(area), float(x), float(y), self.id, int(cell))
                execute("UPDATE cell SET area = ?, x = ?, y = ? WHERE session = ? AND id = ?", place)

    def cells(self) -> tuple[StoredCell, ...]:
        """All cells of the session, the undone ones too, in the order of their numbers."""
        rows = self._ask("SELECT * FROM cell WHERE session = ? ORDER BY id")
        with self._reading():
            return tuple(table_rows.cell_from(row) for row in rows)

    def last(self, n: int) -> tuple[Shown, ...]:
        """The newest `n` cells that a person follows, newest first: without undone ones, and without platelets and
        artefacts unless a person named them so. `confidence` is the model's, in its own label."""
        rows = self._ask(
            f"SELECT * FROM cell WHERE session = ? AND undone_at IS NULL AND {FOLLOWED} ORDER BY id DESC LIMIT ?", n
        )
        from . import png

        with self._reading():
            cells = [table_rows.cell_from(row) for row in rows]
            return tuple(
                Shown(cell.id, cell.label, cell.confidence, cell.by, self._guess(cell), png.decode(row["crop"]))
                for cell, row in zip(cells, rows, strict=True)
            )

    def _guess(self, cell: StoredCell) -> str:
        return guessed(cell.label, cell.probabilities, self.info.classes)

    def counts(self) -> Counter[str]:
        """Cells by what they are taken for now, platelets and artefacts too, undone ones left out."""
        rows = self._ask(
            "SELECT label, count(*) AS cells FROM cell WHERE session = ? AND undone_at IS NULL GROUP BY label"
        )
        with self._reading():
            return Counter({columns.label(row, "label"): int(row["cells"]) for row in rows})

    def sign(self, who: str, at: float) -> None:
        """The result stands: from now on the session can be read, not changed. UsageError where nobody is named."""
        now = self._clock.after(at)
        with self._guard:
            self._keyframes.clear()
            with self._change() as execute:
                signatures.sign(execute, self.id, who, now)
        self._signed = True

    def _counts(self, label: str) -> bool:
        """Whether `label` is in the denominator; ValueError for one that there is not."""
        if label not in CLASSES and label != UNIDENTIFIED:
            raise ValueError(f"not a class of leuko-edge: {label!r}")
        return label in LEUKOCYTES


@contextlib.contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[tuple[sqlite3.Connection, SessionLock, str]]:
    """The database open for writing and its real name; let go again where what follows fails."""
    name = os.path.realpath(path)
    connection, lock = schema.open_to_write(name)
    try:
        yield connection, lock, name
    except BaseException as error:
        connection.close()
        lock.release()
        if isinstance(error, (sqlite3.Error, *table_rows.UNREADABLE)):
            raise explained(error, name) from None
        raise
