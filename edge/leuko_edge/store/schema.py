"""The database file: where it lies, its tables, its versions, and how it is opened.

`PRAGMA user_version` is the version of the tables, `PRAGMA application_id` says that they are ours. A new version adds
a script to MIGRATIONS; nothing in those that are there ever changes.

Times are seconds since the epoch. Lengths are pixels of the camera's full frame. A cell's `box` and `contour` lie in
its own frame, `x` and `y` are its centre in the coordinates of its `area` of the slide. Pictures are PNG.

No table lists the classes: a label is a name, so that classes which came later need no other tables.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from ..errors import Hint
from .errors import StoreError, damaged, explained
from .lock import SessionLock

APPLICATION_ID = 0x6C65756B  # "leuk"
MAGIC = b"SQLite format 3\0"
BUSY_SECONDS = 5.0  # another program, a backup say, may hold the file for so long

_VERSION_1 = """
CREATE TABLE session (
    id INTEGER PRIMARY KEY,
    started_at REAL NOT NULL,
    ended_at REAL,
    state TEXT NOT NULL CHECK (state IN ('open', 'closed', 'signed')),
    sample TEXT NOT NULL,
    operator TEXT NOT NULL,
    notes TEXT NOT NULL,
    source TEXT NOT NULL,
    source_details TEXT NOT NULL,      -- JSON object
    simulated INTEGER NOT NULL,
    program TEXT NOT NULL,
    model_name TEXT NOT NULL,
    model_sha256 TEXT NOT NULL,
    leukocytes TEXT NOT NULL,          -- JSON list: the classes in the denominator
    thresholds TEXT NOT NULL,          -- JSON object, from the model's card
    ranges TEXT NOT NULL,              -- JSON object: reference range of each class, per cent
    window_um REAL,                    -- along a side of a cell's crop
    target INTEGER,
    precision REAL,
    um_per_px REAL,
    gate TEXT NOT NULL,                -- JSON object: the thresholds that frames were judged by
    signed_by TEXT,
    signed_at REAL
);
CREATE TABLE field (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES session(id),
    frame INTEGER NOT NULL,
    captured_at REAL NOT NULL,
    area INTEGER NOT NULL,
    x REAL NOT NULL,
    y REAL NOT NULL,
    focus REAL,
    cells_in_view INTEGER NOT NULL
);
CREATE INDEX field_by_session ON field(session);
CREATE TABLE cell (
    session INTEGER NOT NULL REFERENCES session(id),
    id INTEGER NOT NULL,               -- 1, 2, … within its session
    label TEXT NOT NULL,               -- what it is taken for now
    changed_by TEXT,                   -- who said so; NULL: the model
    undone_at REAL,                    -- NULL: it stands
    undone_by TEXT,                    -- a person, or the program where it was a double
    counted INTEGER NOT NULL,          -- in the differential's denominator now
    model_label TEXT NOT NULL,
    confidence REAL NOT NULL,          -- the model's in model_label
    probabilities TEXT NOT NULL,       -- JSON list in the order of the model's classes
    views INTEGER NOT NULL,
    first_seen REAL NOT NULL,
    last_seen REAL NOT NULL,
    area INTEGER NOT NULL,
    map_key INTEGER NOT NULL,          -- the keyframe its place is measured against …
    dx REAL NOT NULL,                  -- … and the offset to it
    dy REAL NOT NULL,
    x REAL NOT NULL,
    y REAL NOT NULL,
    frame INTEGER NOT NULL,
    box TEXT NOT NULL,                 -- JSON [x, y, width, height]
    contour BLOB,                      -- int32 little-endian x, y, x, y, …
    crop BLOB,
    PRIMARY KEY (session, id)
);
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES session(id),
    at REAL NOT NULL,
    who TEXT NOT NULL,
    kind TEXT NOT NULL,
    cell INTEGER,
    before TEXT,
    after TEXT,
    text TEXT NOT NULL,
    FOREIGN KEY (session, cell) REFERENCES cell(session, id)
);
CREATE INDEX event_by_session ON event(session);
CREATE TABLE accounts (
    session INTEGER PRIMARY KEY REFERENCES session(id),
    captured INTEGER NOT NULL,         -- = counted + every skipped + dropped
    counted INTEGER NOT NULL,
    skipped TEXT NOT NULL,             -- JSON object: frames by reason
    dropped INTEGER NOT NULL
);
"""

_VERSION_2 = """
CREATE TABLE keyframe (                -- the slide's map, by which a resumed session knows places again
    session INTEGER NOT NULL REFERENCES session(id),
    key INTEGER NOT NULL,              -- 0, 1, …: what cell.map_key names
    area INTEGER NOT NULL,
    x REAL NOT NULL,                   -- of the map's own reduced pixels
    y REAL NOT NULL,
    shape TEXT NOT NULL,               -- JSON list: of the camera's frames
    view BLOB NOT NULL,                -- PNG of the reduced picture, 128 is its zero
    PRIMARY KEY (session, key)
);
"""

_REVIEW = """
ALTER TABLE session ADD COLUMN kind TEXT NOT NULL DEFAULT 'live' CHECK (kind IN ('live', 'photographs'));
ALTER TABLE session ADD COLUMN amendment TEXT;  -- why a signed result is open again; NULL: it is not
ALTER TABLE cell ADD COLUMN looked_by TEXT;     -- who looked at it in review, changed or not
ALTER TABLE cell ADD COLUMN looked_at REAL;
CREATE TABLE picture (                 -- the photographs of a session of photographs
    session INTEGER NOT NULL REFERENCES session(id),
    number INTEGER NOT NULL,           -- 1, 2, … in the order given: what cell.frame and cell.area name
    path TEXT NOT NULL,                -- absolute, as it was when counted
    width INTEGER,                     -- NULL: it could not be read
    height INTEGER,
    um_per_px REAL,                    -- NULL: it was not counted
    scale_origin TEXT,
    refused TEXT,                      -- why it was not counted; NULL: it was
    view BLOB,                         -- JPEG, reduced, to be looked at
    PRIMARY KEY (session, number)
);
CREATE TABLE signature (               -- every signed version; the newest is the session's own state
    session INTEGER NOT NULL REFERENCES session(id),
    version INTEGER NOT NULL,          -- 1, 2, …
    signed_by TEXT NOT NULL,
    signed_at REAL NOT NULL,
    reason TEXT NOT NULL,              -- of an amendment; empty for the first
    labels TEXT,                       -- JSON object: what each standing cell was signed as; NULL: before versions
    PRIMARY KEY (session, version)
);
INSERT INTO signature SELECT id, 1, coalesce(signed_by, ''), coalesce(signed_at, started_at), '', NULL
    FROM session WHERE state = 'signed';
CREATE TABLE person (                  -- who may use the review pages from another machine
    name TEXT PRIMARY KEY,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'technologist', 'supervisor')),
    password TEXT NOT NULL,            -- scrypt, see store/people.py
    added_at REAL NOT NULL
);
"""

_HANDED_OVER = """
ALTER TABLE session ADD COLUMN classes TEXT NOT NULL DEFAULT '[]';  -- JSON list: the order of cell.probabilities
CREATE TABLE outbox (                  -- HL7 messages, kept until the other side has taken them
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES session(id),
    version INTEGER NOT NULL,
    place TEXT NOT NULL,               -- HOST:PORT
    message TEXT NOT NULL,
    made_at REAL NOT NULL,
    sent_at REAL,                      -- acknowledged then; NULL: it waits
    answer TEXT                        -- the last one, or why there was none
);
"""

MIGRATIONS: tuple[str, ...] = (_VERSION_1, _VERSION_2, _REVIEW, _HANDED_OVER)
"""MIGRATIONS[n] makes version n + 1 out of version n."""


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
    if os.access(name, os.W_OK) and os.access(os.path.dirname(name), os.W_OK):
        connection = _connect(name, "rw")
        if version_of(connection) == len(MIGRATIONS):
            return connection
        connection.close()
        connection, lock = open_to_write(name)
        lock.release()
        return connection
    # Without its -wal file nothing is writing it, and SQLite reads it without making one.
    connection = _connect(name, "ro" if os.path.exists(name + "-wal") else "ro&immutable=1")
    if version_of(connection) < len(MIGRATIONS):
        connection.close()
        raise StoreError(f"{name} is of an older version and may not be changed", "copy it where it may, and read that")
    return connection


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
        raise damaged(path)
    _check(path, int.from_bytes(head[60:64], "big"), int.from_bytes(head[68:72], "big"))


def _check(path: str, version: int, application: int) -> None:
    if application != APPLICATION_ID and (application or version):
        raise StoreError(f"{path} is the database of another program", "name another file ", Hint.NAME_DATABASE)
    if version > len(MIGRATIONS):
        raise StoreError(
            f"{path} was written by a newer leuko-edge (version {version} of its tables, this one knows "
            f"{len(MIGRATIONS)})",
            "update leuko-edge, or name another file ",
            Hint.NAME_DATABASE,
        )


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
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        _check_tables(connection, path)
        if mode == "rwc":
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")  # a commit waits for the disk: power may fail after it
            migrate(connection, MIGRATIONS)
        return connection
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, sqlite3.Error):
            raise explained(error, path) from None
        raise


def _check_tables(connection: sqlite3.Connection, path: str) -> None:
    """As `_inspect`, but with what still stands in the -wal file of a session that was killed."""
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    _check(path, version_of(connection), application)
    if application == 0 and connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        raise StoreError(f"{path} is the database of another program", "name another file ", Hint.NAME_DATABASE)
