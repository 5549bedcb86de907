"""What can go wrong with the database, and the sentence for each.

StoreError
├── StoreFull        no room for another cell
├── StoreForeign     the database of another program
├── StoreNewer       written by a newer version of this one
├── StoreMoved       the file that is counted into is no longer the one of that name
├── StoreDamaged     the file's pages are corrupt, or it is no database: nothing more is written into it
└── SessionDamaged   the rows of one session cannot be read; the other sessions are sound
"""

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


class StoreForeign(StoreError):
    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is the database of another program", "name another file ", Hint.NAME_DATABASE)


class StoreNewer(StoreError):
    """`version` is that of its tables, `known` the newest that this program knows."""

    def __init__(self, path: str, version: int, known: int) -> None:
        super().__init__(
            f"{path} was written by a newer leuko-edge (version {version} of its tables, this one knows {known})",
            "update leuko-edge, or name another file ",
            Hint.NAME_DATABASE,
        )


class StoreMoved(StoreError):
    """Deleted, renamed or replaced while it was counted into; `rescued` is the copy that was saved, None if none."""

    def __init__(self, path: str, rescued: str | None) -> None:
        saved = f"all that was counted was saved as {rescued}" if rescued else "what was counted is lost with it"
        super().__init__(f"{path} was deleted or replaced while it was being counted into, and {saved}", "begin anew")
        self.rescued = rescued


class StoreDamaged(StoreError):
    """The file `path` itself is damaged; it was left as it was."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} is damaged or no session database",
            "it was left as it is: name another ",
            Hint.NAME_DATABASE,
            ", and restore this one from a copy",
        )
        self.path = path


class SessionDamaged(StoreError):
    """What is stored of session `session` cannot be read: `what` says which part, as the end of a sentence."""

    def __init__(self, path: str, session: int, what: str) -> None:
        super().__init__(
            f"session {session} in {path} is damaged ({what}): it is not gone on with, and all that is stored of it is "
            "kept",
            "begin a new one",
        )
        self.path, self.session, self.what = path, session, what


_DAMAGE = (
    *(sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_MISMATCH),
    *(sqlite3.SQLITE_ERROR, sqlite3.SQLITE_SCHEMA, sqlite3.SQLITE_TOOBIG),  # a table or a column is not there
)


def explained(error: Exception, path: str, session: int | None = None) -> StoreError:
    """What went wrong with the database `path`, or with reading its rows (of `session`), in one sentence."""
    if not isinstance(error, sqlite3.Error):
        return StoreDamaged(path) if session is None else SessionDamaged(path, session, _part(error))
    if isinstance(error, sqlite3.IntegrityError) and session is not None:
        return SessionDamaged(path, session, "its rows contradict one another")
    code = (getattr(error, "sqlite_errorcode", None) or sqlite3.SQLITE_ERROR) & 0xFF  # extended codes: the low byte
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and room(path) < STOP_BYTES):
        return full(path)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError(f"{path} is being written by another program", "wait until it is done, or end it")
    if code in _DAMAGE and not isinstance(error, sqlite3.ProgrammingError):
        return StoreDamaged(path)
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return StoreError(
            f"{path} cannot be opened for writing", "check its permissions, or name another ", Hint.NAME_DATABASE
        )
    return StoreError(f"{path} cannot be used ({error})", "check the disk, or name another ", Hint.NAME_DATABASE)


def _part(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "a text in it is no UTF-8"
    return str(error.args[0]) if isinstance(error, ValueError) and error.args else "a row makes no sense"


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
