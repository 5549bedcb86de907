"""What can go wrong with the database, and the sentence for each."""

from __future__ import annotations

import os
import sqlite3

from ..errors import EnvironmentBroken, Hint

WARN_BYTES = 50_000_000
"""Say early that the disk is filling: some thousand cells with their crops still fit."""
STOP_BYTES = 10_000_000
"""Stop counting: SQLite's log, the last events and the signature must still fit."""


class StoreError(EnvironmentBroken):
    """The database cannot be used; the file is as it was."""


class StoreFull(StoreError):
    """No room for another cell: what was counted is kept, what is being added is not."""


def explained(error: Exception, path: str) -> StoreError:
    """What went wrong with the database `path`, or with reading its rows, in one sentence with what to do."""
    if not isinstance(error, sqlite3.Error):
        return damaged(path)
    code = (getattr(error, "sqlite_errorcode", None) or sqlite3.SQLITE_ERROR) & 0xFF  # extended codes: the low byte
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and room(path) < STOP_BYTES):
        return full(path)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError(f"{path} is being written by another program", "wait until it is done, or end it")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return damaged(path)
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return StoreError(
            f"{path} cannot be opened for writing", "check its permissions, or name another ", Hint.NAME_DATABASE
        )
    return StoreError(f"{path} cannot be used ({error})", "check the disk, or name another ", Hint.NAME_DATABASE)


def room(path: str) -> int:
    """Bytes that may still be written where the database `path` lies; 0 where the disk is gone."""
    try:
        disk = os.statvfs(os.path.dirname(path))
    except OSError:
        return 0
    return disk.f_bavail * disk.f_frsize


def full(path: str) -> StoreFull:
    return StoreFull(
        f"the disk that holds {path} is full: the count stops here, all cells so far are kept", "make room", Hint.RESUME
    )


def damaged(path: str) -> StoreError:
    return StoreError(
        f"{path} is damaged or no session database",
        "it was left as it is: name another ",
        Hint.NAME_DATABASE,
        ", and restore this one from a copy",
    )
