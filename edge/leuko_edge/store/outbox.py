"""HL7 messages on their way: each is on the disk before it is sent, until the other side has taken it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from . import schema


@dataclass(frozen=True)
class Waiting:
    id: int
    session: int
    version: int
    place: str
    message: str
    answer: str | None  # the last one, or why there was none


class Outbox:
    """The table of them in the database at `path`; StoreError where it cannot be changed."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.path.realpath(path)

    def put(self, session: int, version: int, place: str, message: str) -> bool:
        """Keep `message` to be sent; False where this version was put there for this place before."""
        with schema.asking(self._path) as execute:
            execute("BEGIN IMMEDIATE")
            key = (session, version, place)
            new = not execute("SELECT 1 FROM outbox WHERE session = ? AND version = ? AND place = ?", key).fetchone()
            if new:
                execute(
                    "INSERT INTO outbox (session, version, place, message, made_at) VALUES (?, ?, ?, ?, ?)",
                    (*key, message, time.time()),
                )
            execute("COMMIT")
            return new

    def places(self) -> tuple[str, ...]:
        """For which something waits."""
        with schema.asking(self._path) as execute:
            rows = execute("SELECT DISTINCT place FROM outbox WHERE sent_at IS NULL ORDER BY place").fetchall()
        return tuple(row["place"] for row in rows)

    def waiting(self, place: str) -> tuple[Waiting, ...]:
        """Not taken yet, oldest first."""
        with schema.asking(self._path) as execute:
            rows = execute(
                "SELECT id, session, version, place, message, answer FROM outbox "
                "WHERE sent_at IS NULL AND place = ? ORDER BY id",
                (place,),
            ).fetchall()
        return tuple(Waiting(*row) for row in rows)

    def sent(self, message: int, at: float, answer: str) -> None:
        with schema.asking(self._path) as execute:
            execute("UPDATE outbox SET sent_at = ?, answer = ? WHERE id = ?", (at, answer, message))

    def failed(self, message: int, why: str) -> None:
        with schema.asking(self._path) as execute:
            execute("UPDATE outbox SET answer = ? WHERE id = ?", (why, message))
