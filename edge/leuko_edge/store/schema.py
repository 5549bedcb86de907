"""The database file: where it lies, its versions, and how it is opened.

`PRAGMA user_version` is the version of the tables (`migrations`), `PRAGMA application_id` says that they are ours.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..errors import Hint
from .errors import STOP_BYTES, StoreDamaged, StoreError, StoreForeign, StoreNewer, explained, room
from .lock import SessionLock
from .migrations import MIGRATIONS
from .table_rows import UNREADABLE

APPLICATION_ID = 0x6C65756B  # "leuk"
MAGIC = b"SQLite format 3\0"
SMALL = 500_000_000  # bytes; what is larger is not shrunk in passing, an SD card would take minutes
BUSY_SECONDS = 5.0  # another program, a backup say, may hold the file for so long


def open_to_write(path: str | os.PathLike[str]) -> tuple[sqlite3.Connection, SessionLock]:
    """The database at `path`, made or migrated where needed, and the lock that its one live session holds.

    StoreError with its sentence where it is locked, damaged, another program's, from a newer version, or in a place
    that cannot be written; the file is then as it was.
    """
    name = os.path.realpath(path)  # two names of one file are one lock
    try:
        os.makedirs(os.path.dirname(name), mode=0o700, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the folder of {name} cannot be made ({error.strerror})", "name another place ", Hint.NAME_DATABASE
        ) from None
    _inspect(name)
    if os.path.exists(name) and os.stat(name).st_nlink > 1:
        raise StoreError(
            f"{name} has a second name (a hard link), through which another session could write it too",
            "keep one name, and make copies with leuko-edge sessions backup",
        )
    lock = SessionLock(name)
    try:
        return _connect(name, "rwc"), lock
    except BaseException:
        lock.release()
        raise


def open_to_read(path: str | os.PathLike[str]) -> sqlite3.Connection:
    """The database at `path` beside whoever is writing it; read-only where the file is.

    StoreError as of `open_to_write`, and where there is no such file. An older version is migrated first.
    """
    name = os.path.realpath(path)
    if not os.path.exists(name):
        raise StoreError(f"there is no session database at {name}", "name one ", Hint.NAME_DATABASE)
    # Not `_inspect`: where this process has the file open already, closing it once more would drop SQLite's locks
    # (POSIX; sqlite.org/howtocorrupt.html 2.2), and another process would take away the -wal file beneath us.
    writable = os.access(name, os.W_OK) and os.access(os.path.dirname(name), os.W_OK)
    connection = _connect(name, "rw") if writable else open_to_look(name)
    if connection.execute("PRAGMA user_version").fetchone()[0] < len(MIGRATIONS):
        connection.close()
        if writable:
            connection, lock = open_to_write(name)
            lock.release()
            return connection
        raise StoreError(f"{name} is of an older version and may not be changed", "copy it where it may, and read that")
    return connection


def open_to_look(path: str | os.PathLike[str]) -> sqlite3.Connection:
    """The database at `path` as it is, of whatever version up to this one: nothing is changed, nor made beside it.

    StoreError as of `open_to_write`.
    """
    name = os.path.realpath(path)
    # Without its -wal file nothing is writing it, and SQLite reads it without making one.
    return _connect(name, "ro" if os.path.exists(name + "-wal") else "ro&immutable=1")


def open_beside(path: str | os.PathLike[str]) -> sqlite3.Connection:
    """The database at `path` for short changes beside whoever counts into it; made where there is none.

    StoreError as of `open_to_write`, and where the file may only be read.
    """
    name = os.path.realpath(path)
    if not os.path.exists(name):
        connection, lock = open_to_write(name)
        lock.release()
        return connection
    connection = open_to_read(name)
    if not (os.access(name, os.W_OK) and os.access(os.path.dirname(name), os.W_OK)):
        connection.close()
        raise StoreError(
            f"{name} may not be changed by you", "check its permissions, or name another ", Hint.NAME_DATABASE
        )
    connection.execute("PRAGMA synchronous = FULL")
    return connection


@contextlib.contextmanager
def asking(
    path: str | os.PathLike[str],
    opened: Callable[[str | os.PathLike[str]], sqlite3.Connection] | None = None,
) -> Iterator[Callable[..., sqlite3.Cursor]]:
    """`execute` of the database at `path` for one question or change beside whoever counts; else StoreError.

    `opened`: `open_beside`, or `open_to_read`. So is what a damaged row raises in the caller's hands.
    """
    with contextlib.closing((opened or open_beside)(path)) as connection:
        try:
            yield connection.execute
        except (sqlite3.Error, *UNREADABLE) as error:
            raise explained(error, os.fspath(path)) from None


def migrate(connection: sqlite3.Connection, migrations: Sequence[str]) -> None:
    """Bring the tables to version len(migrations), each step whole or not at all; sqlite3.Error where one fails."""
    for version in range(version_of(connection), len(migrations)):
        try:
            connection.executescript(
                f"BEGIN EXCLUSIVE; {migrations[version]}; PRAGMA application_id = {APPLICATION_ID}; "
                f"PRAGMA user_version = {version + 1}; COMMIT;"
            )
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def shrink(connection: sqlite3.Connection, path: str) -> bool:
    """Give the room of what was deleted back to the disk; False where it has too little for that, or others read."""
    if room(path) < 2 * os.path.getsize(path) + STOP_BYTES:
        return False
    try:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError:
        return False
    return True


def version_of(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _inspect(path: str) -> None:
    """StoreError, before SQLite touches anything, for a file that is no session database of this version or older."""
    try:
        with open(path, "rb") as stream:
            head = stream.read(100)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror})", "name another ", Hint.NAME_DATABASE) from None
    if not head:  # made, and killed before anything was written
        return
    if len(head) < 100 or not head.startswith(MAGIC):
        raise StoreDamaged(path)
    _check(path, int.from_bytes(head[60:64], "big"), int.from_bytes(head[68:72], "big"))


def _check(path: str, version: int, application: int) -> None:
    if application != APPLICATION_ID and (application or version):
        raise StoreForeign(path)
    if version > len(MIGRATIONS):
        raise StoreNewer(path, version, len(MIGRATIONS))


def _connect(path: str, mode: str) -> sqlite3.Connection:
    connection = None
    try:
        connection = sqlite3.connect(
            f"{Path(path).as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.row_factory = sqlite3.Row
        connection.text_factory = _utf8
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        _check_tables(connection, path)
        if mode == "rwc":
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")  # a commit waits for the disk: power may fail after it
            before = version_of(connection)
            migrate(connection, MIGRATIONS)
            if 0 < before < len(MIGRATIONS) and os.path.getsize(path) < SMALL:
                shrink(connection, path)
        return connection
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, (sqlite3.Error, UnicodeDecodeError)):  # the latter of a message that names a damaged table
            raise explained(error, path) from None
        raise


def _utf8(text: bytes) -> str:
    """UnicodeDecodeError, which says what is wrong, where sqlite3 itself would give an OperationalError like others."""
    return text.decode("utf-8")


def _check_tables(connection: sqlite3.Connection, path: str) -> None:
    """As `_inspect`, but with what still stands in the -wal file of a session that was killed."""
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    _check(path, version_of(connection), application)
    if application == 0 and connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        raise StoreForeign(path)
