"""What is done for a database that lost its name while it was counted into, or that is damaged; nothing is deleted."""

from __future__ import annotations

import contextlib
import os
import sqlite3

from .errors import StoreDamaged, StoreError
from .lock import SUFFIX, SessionLock
from .schema import APPLICATION_ID


def rescue(connection: sqlite3.Connection, path: str) -> str | None:
    """Save the database that is open as `connection` and has lost its name `path`; the copy's name, None if none."""
    stem, ending = os.path.splitext(path)
    number = 1
    while os.path.exists(copy := f"{stem}.rescued-{number}{ending}"):
        number += 1
    try:
        with contextlib.closing(sqlite3.connect(copy)) as into:
            connection.backup(into)
    except sqlite3.Error:
        with contextlib.suppress(OSError):
            os.unlink(copy)
        return None
    return copy


def set_aside(path: str) -> str:
    """Give a damaged database of ours another name, and return that; StoreError where it is not known to be ours.

    Nothing is written into it, so that as much as there is can still be read from it.
    """
    name = os.path.realpath(path)
    ours = os.path.exists(name + SUFFIX) or _application(name) == APPLICATION_ID
    if not ours:
        raise StoreDamaged(name)
    lock = SessionLock(name)
    try:
        stem, ending = os.path.splitext(name)
        number = 1
        while os.path.exists(aside := f"{stem}.damaged-{number}{ending}"):
            number += 1
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.rename(name + suffix, aside + suffix)
        return aside
    except OSError as error:
        raise StoreError(f"{name} is damaged and cannot be set aside ({error.strerror})", "move it yourself") from None
    finally:
        lock.release()


def _application(path: str) -> int:
    try:
        with open(path, "rb") as stream:
            return int.from_bytes(stream.read(72)[68:72], "big")
    except OSError:
        return 0
