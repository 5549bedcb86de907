"""Where sessions are kept: room, health of the database, and what is open. Nothing is written to the database."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

from ..store.errors import STOP_BYTES, WARN_BYTES, StoreError, StoreForeign, StoreNewer
from ..store.schema import open_to_look, version_of
from .finding import Finding, bad, good, skipped, warning
from .machine import Machine, may_look, nearest
from .settings import Settings

FEW_SESSIONS = 20  # room for fewer is said
AHEAD_S = 120.0  # a session begun later than now by more has another clock
_ROOM = "make room (leuko-edge sessions backup, then prune), or name another disk with session.database"
_OTHER = "restore it from a copy, or name another with session.database"
_READ_ONLY = "a card that wears out turns read-only: copy the sessions off it, then replace it"


def check_sessions(machine: Machine, settings: Settings) -> list[Finding]:
    """Of the database in force, which need not exist yet."""
    path = settings.database
    if not may_look(path):
        return [skipped("sessions", f"{path} may not be read by {machine.user}", "sudo leuko-edge doctor")]
    findings, folder, size, count = [], nearest(Path(path).parent), 0.0, 0
    if not os.path.exists(path):
        findings.append(_none_yet(path))
    else:
        size = sum(os.path.getsize(path + end) for end in ("", "-wal") if os.path.exists(path + end))
        try:
            with closing(open_to_look(path)) as connection:
                if version_of(connection):
                    count = connection.execute("SELECT count(*) FROM session").fetchone()[0]
                    findings += _database(connection, path, machine.now())
                else:  # made, and ended before there was anything in it
                    findings.append(_none_yet(path))
        except StoreForeign:
            findings.append(
                bad("sessions", f"{path} is no session database", "name another file with session.database")
            )
        except StoreNewer as error:
            findings.append(bad("sessions", error.found, "update leuko-edge"))
        except StoreError as error:
            findings.append(bad("sessions", error.found, _OTHER))
        except sqlite3.Error as error:
            findings.append(bad("sessions", f"{path} cannot be read ({error})", _OTHER))
    return [*findings, *_disk(machine, folder, size, count), *_writing(folder, machine)]


def _none_yet(path: str) -> Finding:
    return good("sessions", f"none yet; they will be kept in {path}")


def _database(connection: sqlite3.Connection, path: str, now: float) -> list[Finding]:
    began = time.perf_counter()
    said = [row[0] for row in connection.execute("PRAGMA quick_check(5)")]
    if said != ["ok"]:
        return [bad("sessions", f"{path} is damaged: {said[0]}", _OTHER)]
    checked = time.perf_counter() - began
    latest = "max(max(started_at, coalesce(ended_at, 0)))"
    rows = connection.execute(f"SELECT state, count(*), {latest} FROM session GROUP BY state")
    states = {state: (count, newest) for state, count, newest in rows}
    total = sum(count for count, _ in states.values())
    left_open = states.get("open", (0, 0.0))[0]
    cells = connection.execute("SELECT count(*) FROM cell WHERE undone_at IS NULL").fetchone()[0]
    words = f"{total} with {cells} cells in {path}, {left_open} open; whole (looked through in {checked:.1f} s)"
    words += f"; {_size(connection)}"
    findings = [good("sessions", words)]
    if left_open > 1:
        findings.append(
            warning("open sessions", f"{left_open} were never ended", "go on with each, or end it: --resume ID, then q")
        )
    newest = max((newest for _, newest in states.values()), default=0.0)
    if newest > now + AHEAD_S:
        when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(newest))
        findings.append(warning("times of sessions", f"the newest is of {when} UTC, later than now", "see the clock"))
    return findings


def _size(connection: sqlite3.Connection) -> str:
    """What the file takes, and how much of that is free for the next sessions."""
    pages, free, each = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    spare = f", {_bytes(free * each)} of them spare" if free * each > 1e6 else ""
    return f"{_bytes(pages * each)}{spare}"


def _disk(machine: Machine, folder: Path, size: float, count: int) -> list[Finding]:
    """Free room, in sessions as large as those that are there."""
    try:
        disk = machine.statvfs(str(folder))
    except OSError as error:
        return [bad("disk", f"{folder} cannot be asked ({error.strerror})", "check that the disk is plugged in")]
    if disk.f_flag & os.ST_RDONLY:
        return [bad("disk", f"{folder} is read-only", _READ_ONLY)]
    free = disk.f_bavail * disk.f_frsize
    found = f"{_bytes(free)} free of {_bytes(disk.f_blocks * disk.f_frsize)} at {folder}"
    room = free / (size / count) if count else None
    if room is not None:
        found += f": about {room:.0f} more sessions like the {count} here ({_bytes(size / count)} each)"
    if free < STOP_BYTES:
        return [bad("disk", f"full: {found}", _ROOM)]
    if disk.f_files and not disk.f_favail:
        return [bad("disk", f"no more files can be made: {found}", _ROOM)]
    if free < WARN_BYTES or (room is not None and room < FEW_SESSIONS):
        return [warning("disk", found, _ROOM)]
    return [good("disk", found)]


def _writing(folder: Path, machine: Machine) -> list[Finding]:
    """Whether a file can be written and made durable there, and how long that takes: each cell waits for it."""
    if not os.access(folder, os.W_OK):
        found = f"{folder} may not be written by {machine.user}"
        return [skipped("writing", found, "right for the service's own folder; else name another with --database")]
    try:
        taken = [_write(folder) for _ in range(5)]
    except OSError as error:
        return [bad("writing", f"nothing can be written to {folder} ({error.strerror or error})", _ROOM)]
    return [good("writing", f"{1000 * sorted(taken)[2]:.1f} ms until a write is on the disk (median of 5)")]


def _write(folder: Path) -> float:
    """Seconds for 4 KiB to be on the disk; the file has no name, so nothing stays."""
    with tempfile.TemporaryFile(dir=folder) as file:
        began = time.perf_counter()
        file.write(bytes(4096))
        file.flush()
        os.fsync(file.fileno())
        return time.perf_counter() - began


def _bytes(n: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if n >= size:
            return f"{n / size:.1f} {unit}"
    return f"{n / 1e3:.0f} kB"
