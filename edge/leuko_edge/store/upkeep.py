"""A database kept small and copied: old sessions removed, and a copy made beside whoever counts into it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import UsageError
from . import schema, table_rows
from .errors import StoreError, explained
from .lock import SessionLock

STEP = 256  # pages copied at a time: between two steps whoever counts may write


@dataclass(frozen=True)
class Pruned:
    """What `prune` did: how many sessions went, the file's bytes before and after, whether it could be shrunk."""

    sessions: int
    before: int
    after: int
    shrunk: bool


def prune(path: str | os.PathLike[str], ended_before: float, keep_signed: bool = True) -> Pruned:
    """Remove the sessions that ended before then (seconds since the epoch), with all their cells; StoreError.

    Open ones stay, and those with a message that the other side has not taken yet. Each goes in a transaction of its
    own, so that a count beside it is not held up. The room is given back to the disk where nobody counts meanwhile.
    """
    name = os.path.realpath(path)
    if not os.path.exists(name):
        raise StoreError(f"there is no session database at {name}")
    with contextlib.closing(schema.open_beside(name)) as connection:
        try:
            before = _bytes(name)
            old = connection.execute(
                "SELECT id FROM session WHERE state <> 'open' AND coalesce(ended_at, started_at) < ? "
                "AND NOT (? AND (state = 'signed' OR amendment IS NOT NULL)) "
                "AND id NOT IN (SELECT session FROM outbox WHERE sent_at IS NULL)",
                (float(ended_before), keep_signed),
            ).fetchall()
            for row in old:
                _remove(connection, int(row["id"]))
            shrunk = _shrink(connection, name)
            return Pruned(len(old), before, _bytes(name), shrunk)
        except (sqlite3.Error, *table_rows.UNREADABLE) as error:
            raise explained(error, name) from None


def backup(path: str | os.PathLike[str], target: str | os.PathLike[str]) -> int:
    """Copy the database to `target`, also while it is counted into; how many sessions the copy holds.

    The copy appears whole or not at all. UsageError where `target` exists, StoreError where it fails or is not sound.
    """
    name, goal = os.path.realpath(path), os.path.realpath(target)
    if os.path.lexists(goal):
        raise UsageError(f"{goal} exists already", "name a new file for the backup")
    part = f"{goal}.{os.getpid()}.part"
    with contextlib.closing(schema.open_to_read(name)) as connection:
        try:
            with contextlib.closing(sqlite3.connect(part)) as copy:
                connection.backup(copy, pages=STEP, sleep=0.01)
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a -wal beside it
                said = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
                if said != "ok":
                    raise StoreError(f"{name} is damaged ({said}), and so would be its copy", "restore an older copy")
                count = int(copy.execute("SELECT count(*) FROM session").fetchone()[0])
            with open(part, "rb") as file:
                os.fsync(file.fileno())
            os.link(part, goal)  # which never replaces a file that has appeared meanwhile
            return count
        except sqlite3.Error as error:
            raise explained(error, name) from None
        except OSError as error:
            raise StoreError(f"{goal} cannot be written ({error.strerror})", "name another file") from None
        finally:
            for suffix in ("", "-journal", "-wal", "-shm"):
                with contextlib.suppress(OSError):
                    os.unlink(part + suffix)


def remove_empty(connection: sqlite3.Connection, session: int) -> bool:
    """Remove a session that never began; False, and nothing done, where it has a cell, a photograph or an event."""
    return _remove(connection, session, ("cell", "picture", "event"))


def _remove(connection: sqlite3.Connection, session: int, unless: Sequence[str] = ()) -> bool:
    """Whole or not at all; False where one of the tables `unless` knows the session."""
    tables = [row["name"] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    connection.execute("BEGIN IMMEDIATE")
    try:
        for table in unless:
            if connection.execute(f"SELECT 1 FROM {table} WHERE session = ? LIMIT 1", (session,)).fetchone():
                connection.execute("ROLLBACK")
                return False
        connection.execute("PRAGMA defer_foreign_keys = ON")
        for table in tables:
            links = connection.execute("SELECT 1 FROM pragma_foreign_key_list(?) WHERE \"table\" = 'session'", (table,))
            if links.fetchone():
                connection.execute(f'DELETE FROM "{table}" WHERE session = ?', (session,))
        connection.execute("DELETE FROM session WHERE id = ?", (session,))
        connection.execute("COMMIT")
        return True
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _shrink(connection: sqlite3.Connection, path: str) -> bool:
    try:
        lock = SessionLock(path)
    except StoreError:  # somebody counts: the room is used by the next sessions
        return False
    try:
        return schema.shrink(connection, path)
    finally:
        lock.release()


def _bytes(path: str) -> int:
    return sum(os.path.getsize(path + end) for end in ("", "-wal") if os.path.exists(path + end))
