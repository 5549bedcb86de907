"""The open file of one session: its lock, its transactions, the frames' accounts, and how it ends."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from ..errors import UsageError
from ..session import Accounts, MapPiece
from . import errors, records
from .corrections import Execute
from .errors import StoreError, explained
from .lock import SessionLock

SAVE_SECONDS = 1.0  # how old accounts and fields may grow before they are written without a cell


class Ledger:
    """What every change of a session goes through; `SessionStore` says what is changed."""

    def __init__(self, connection: sqlite3.Connection, lock: SessionLock, path: str, session: int) -> None:
        self._connection, self._lock, self.path, self.id = connection, lock, path, session
        self._guard = threading.RLock()
        self._fields: list[tuple[Any, ...]] = []  # waiting for the next commit
        self._keyframes: list[dict[str, Any]] = []  # likewise
        self._written = time.monotonic()
        row = connection.execute("SELECT * FROM session WHERE id = ?", (session,)).fetchone()
        self.info = records.info_from(row)
        self._signed = row["state"] == "signed"
        counts = connection.execute("SELECT * FROM accounts WHERE session = ?", (session,)).fetchone()
        self.accounts = records.accounts_from(counts)

    def room(self) -> int:
        """Bytes free where the database lies; say so below errors.WARN_BYTES, counting stops below STOP_BYTES."""
        return errors.room(self.path)

    @property
    def warning(self) -> str:
        """One sentence while the disk is filling, else ""."""
        if self.room() >= errors.WARN_BYTES:
            return ""
        warn, stop = errors.WARN_BYTES // 10**6, errors.STOP_BYTES // 10**6
        return f"less than {warn} MB are left on the disk of the sessions; make room, or counting stops at {stop} MB"

    def add_field(
        self, frame_index: int, captured_at: float, area: int, x: float, y: float, focus: float, cells_in_view: int
    ) -> None:
        """Note a counted field of view; written with the next cell, or after a second."""
        place = (int(area), float(x), float(y), float(focus), int(cells_in_view))
        with self._guard:
            self._fields.append((self.id, int(frame_index), float(captured_at), *place))
            self.save_accounts(self.accounts)

    def add_keyframes(self, pieces: Sequence[MapPiece]) -> None:
        """Note new pieces of the slide's map; written with the next cell, or after a second."""
        with self._guard:
            self._keyframes += [{"session": self.id, **records.keyframe_columns(piece)} for piece in pieces]

    def move_keyframes(self, places: Mapping[int, tuple[int, float, float]]) -> None:
        """Put pieces of the map, by key, where (area, x, y) it has them now: areas are joined, drift is corrected."""
        with self._guard:
            with self._change():
                pass  # those that wait are written first, where they were
            with self._change() as execute:
                for key, (area, x, y) in places.items():
                    place = (int(area), float(x), float(y), self.id, int(key))
                    execute("UPDATE keyframe SET area = ?, x = ?, y = ? WHERE session = ? AND key = ?", place)

    def keyframes(self) -> list[MapPiece]:
        """The map as far as it is known without a gap, for a resumed session."""
        rows = self._ask("SELECT * FROM keyframe WHERE session = ? ORDER BY key")
        pieces = [records.keyframe_from(row) for row in rows]
        return [piece for n, piece in enumerate(pieces) if piece.key == n]

    def save_accounts(self, accounts: Accounts) -> None:
        """Call it for every frame: it is written with the next cell, or after a second. After `sign` it is nothing."""
        with self._guard:
            if self._signed:
                return
            self.accounts = accounts
            if time.monotonic() - self._written >= SAVE_SECONDS:
                with self._change():
                    pass  # accounts and fields go with every change

    def close(self, state: str = "closed", at: float | None = None) -> None:
        """End the session, or with "open" leave it for --resume; a signed one stays signed. Twice is harmless.

        File and lock are let go even where StoreError says that the last words could not be written.
        """
        if state not in ("closed", "open"):
            raise ValueError(f"a session is closed or left open, not {state!r}")
        with self._guard:
            if self._lock.released:
                return
            try:
                if not self._signed:
                    ended = None if state == "open" else time.time() if at is None else float(at)
                    with self._change() as execute:
                        execute("UPDATE session SET state = ?, ended_at = ? WHERE id = ?", (state, ended, self.id))
            finally:
                self._connection.close()
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        with contextlib.suppress(StoreError):  # the error that ended the session is the one to be told
            self.close("open")

    @contextlib.contextmanager
    def _change(self, accounts: Accounts | None = None) -> Iterator[Execute]:
        """One transaction, with the accounts and the fields that wait; whole or not at all."""
        with self._guard:
            if self._signed:
                raise UsageError(f"session {self.id} is signed and stays as it is")
            frames = self.accounts if accounts is None else accounts
            execute = self._connection.execute
            try:
                execute("BEGIN IMMEDIATE")
                try:
                    yield execute
                    columns = {"session": self.id, **records.accounts_columns(frames)}
                    execute(insert("accounts", columns, "INSERT OR REPLACE"), columns)
                    for field in self._fields:
                        execute(_FIELD, field)
                    for keyframe in self._keyframes:
                        execute(insert("keyframe", keyframe, "INSERT OR REPLACE"), keyframe)
                    execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise explained(error, self.path) from None
            self.accounts = frames
            self._fields.clear()
            self._keyframes.clear()
            self._written = time.monotonic()

    def _ask(self, question: str, *more: int) -> list[sqlite3.Row]:
        with self._guard:
            try:
                return self._connection.execute(question, (self.id, *more)).fetchall()
            except sqlite3.Error as error:
                raise explained(error, self.path) from None


_FIELD = (
    "INSERT INTO field (session, frame, captured_at, area, x, y, focus, cells_in_view) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


def insert(table: str, columns: Mapping[str, Any], verb: str = "INSERT") -> str:
    """SQL with a named parameter for each of `columns`."""
    return f"{verb} INTO {table} ({', '.join(columns)}) VALUES ({', '.join(f':{name}' for name in columns)})"
