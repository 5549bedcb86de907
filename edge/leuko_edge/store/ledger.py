"""The open file of one session: its lock, its transactions, the frames' accounts, and how it ends."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from ..errors import UsageError
from ..session import Accounts, MapPiece
from . import columns, corrections, errors, rescue, table_rows, upkeep
from .clock import SessionClock
from .corrections import PROGRAM, Execute
from .errors import SessionDamaged, StoreError, StoreMoved, explained
from .lock import SessionLock

SAVE_SECONDS = 1.0  # how old accounts and fields may grow before they are written without a cell


class Ledger:
    """What every change of a session goes through; `SessionStore` says what is changed."""

    def __init__(
        self, connection: sqlite3.Connection, lock: SessionLock, path: str, session: int, fresh: bool = False
    ) -> None:
        """`fresh`: the session was made just now: what cannot be read of it is the file's damage, not its own."""
        self._connection, self._lock, self.path, self.id = connection, lock, path, session
        self._blamed = None if fresh else session
        self._guard = threading.RLock()
        self._fields: list[tuple[Any, ...]] = []  # waiting for the next commit
        self._signs: list[tuple[int, int, str]] = []  # likewise
        self._keyframes: list[dict[str, Any]] = []  # likewise
        self._written = time.monotonic()
        with self._reading():
            row = connection.execute("SELECT * FROM session WHERE id = ?", (session,)).fetchone()
            counts = connection.execute("SELECT * FROM accounts WHERE session = ?", (session,)).fetchone()
            self.info = table_rows.info_from(row)
            self.accounts = table_rows.accounts_from(counts)
            self._clock = SessionClock(columns.moment(row, "started_at"), self._latest())
            self._seconds = columns.real(row, "seconds", 0)  # of earlier runs
        self._signed = row["state"] == "signed"
        self._file = os.stat(path)
        self._moved: StoreMoved | None = None
        self.given_up = False  # ended because of damage

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

    def add_signs(self, frame_index: int, signs: Mapping[str, float]) -> None:
        """Note what a field shows of lamp and stain (`vision.signs`); written with the next cell, or after a second."""
        with self._guard:
            self._signs.append((self.id, int(frame_index), table_rows.text(dict(signs))))

    def add_keyframes(self, pieces: Sequence[MapPiece]) -> None:
        """Note new pieces of the slide's map; written with the next cell, or after a second."""
        with self._guard:
            self._keyframes += [{"session": self.id, **table_rows.keyframe_columns(piece)} for piece in pieces]

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
        with self._reading():
            pieces = [table_rows.keyframe_from(row) for row in rows]
        return [piece for n, piece in enumerate(pieces) if piece.key == n]

    def save_accounts(self, accounts: Accounts) -> None:
        """Call it for every frame: it is written with the next cell, or after a second. After `sign` it is nothing."""
        with self._guard:
            if self._signed:
                return
            self.accounts = accounts
            if time.monotonic() - self._written >= SAVE_SECONDS:
                with self._change() as execute:  # accounts and fields go with every change
                    row = execute("SELECT sample, operator FROM session WHERE id = ?", (self.id,)).fetchone()
                self.info = replace(self.info, sample=row["sample"], operator=row["operator"])  # named elsewhere

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
                    if state == "closed":
                        self._end("closed", at)
                    else:
                        with self._change():
                            pass
            finally:
                self._connection.close()
                self._lock.release()

    def withdraw(self) -> bool:
        """Take the session out of the database again where it never began: no frame, no cell, no photograph, no word
        of history. It is closed then; else False, and nothing is done."""
        with self._guard:
            if self._lock.released or self._signed or self.accounts.captured:
                return False
            try:
                if not upkeep.remove_empty(self._connection, self.id):
                    return False
            except sqlite3.Error as error:
                raise explained(error, self.path, self._blamed) from None
            self._connection.close()
            self._lock.release()
            return True

    @property
    def seconds(self) -> float:
        """That the session was counted for, all its runs together, by a clock that nobody sets."""
        return self._seconds + self._clock.seconds

    def drop_map(self) -> None:
        """Keep no keyframes: no later run knows these places again, and they are three quarters of a session's size."""
        with self._guard:
            self._keyframes.clear()
            with self._change() as execute:
                execute("DELETE FROM keyframe WHERE session = ?", (self.id,))
                execute("UPDATE cell SET map_key = -1 WHERE session = ?", (self.id,))

    def _end(self, state: str, at: float | None) -> float:
        """The session is over; the time that is recorded."""
        ended = self._clock.after(at)
        with self._guard:
            self._keyframes.clear()
            with self._change() as execute:
                execute("UPDATE session SET state = ?, ended_at = ? WHERE id = ?", (state, ended, self.id))
                execute("DELETE FROM keyframe WHERE session = ?", (self.id,))
        return ended

    def _latest(self) -> float:
        """The latest time of the session's history, seconds since the epoch."""
        row = self._connection.execute("SELECT max(at) AS at FROM event WHERE session = ?", (self.id,)).fetchone()
        return 0.0 if row["at"] is None else columns.moment(row, "at")

    def _in_place(self) -> None:
        """StoreMoved where the file is no longer the one of its name, StoreError where the lock was lost to another."""
        if self._moved is not None:
            raise self._moved
        try:
            there = os.path.samestat(os.stat(self.path), self._file)
        except OSError:
            there = False
        if not there:
            self._moved = StoreMoved(self.path, rescue.rescue(self._connection, self.path))
            raise self._moved
        self._lock.hold()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        with contextlib.suppress(StoreError):  # the error that ended the session is the one to be told
            if isinstance(error, SessionDamaged):
                self.give_up(error.what)
            self.close("open")

    def give_up(self, why: str) -> None:
        """End a session of which something that is needed cannot be read: nothing is counted into it any more."""
        with self._change() as execute:
            corrections.give_up(execute, self.id, why, self._clock.after(None))
        self._signed = self.given_up = True  # it stays as it stands

    @contextlib.contextmanager
    def _change(self, accounts: Accounts | None = None) -> Iterator[Execute]:
        """One transaction, with the accounts and the fields that wait; whole or not at all."""
        with self._guard:
            if self._signed:
                raise UsageError(f"session {self.id} is signed and stays as it is")
            frames = self.accounts if accounts is None else accounts
            execute = self._connection.execute
            self._in_place()
            try:
                execute("BEGIN IMMEDIATE")
                try:
                    yield execute
                    row = {"session": self.id, **table_rows.accounts_columns(frames)}
                    execute(insert("accounts", row, "INSERT OR REPLACE"), row)
                    execute("UPDATE session SET seconds = ? WHERE id = ?", (self.seconds, self.id))
                    for doubt in self._clock.doubts():
                        corrections.record(execute, self.id, self._clock.after(None), PROGRAM, "clock", doubt)
                    for field in self._fields:
                        execute(_FIELD, field)
                    for signs in self._signs:
                        execute("INSERT OR REPLACE INTO field_sign (session, frame, signs) VALUES (?, ?, ?)", signs)
                    for keyframe in self._keyframes:
                        execute(insert("keyframe", keyframe, "INSERT OR REPLACE"), keyframe)
                    execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        execute("ROLLBACK")
                    raise
            except (sqlite3.Error, UnicodeDecodeError) as error:
                raise explained(error, self.path, self._blamed) from None
            self.accounts = frames
            self._fields.clear()
            self._signs.clear()
            self._keyframes.clear()
            self._written = time.monotonic()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """SessionDamaged where a row of this session makes no sense."""
        try:
            yield
        except table_rows.UNREADABLE as error:
            raise explained(error, self.path, self._blamed) from None

    def _ask(self, question: str, *more: int) -> list[sqlite3.Row]:
        with self._guard:
            try:
                return self._connection.execute(question, (self.id, *more)).fetchall()
            except (sqlite3.Error, UnicodeDecodeError) as error:
                raise explained(error, self.path, self._blamed) from None


_FIELD = (
    "INSERT INTO field (session, frame, captured_at, area, x, y, focus, cells_in_view) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


def insert(table: str, columns: Mapping[str, Any], verb: str = "INSERT") -> str:
    """SQL with a named parameter for each of `columns`."""
    return f"{verb} INTO {table} ({', '.join(columns)}) VALUES ({', '.join(f':{name}' for name in columns)})"
