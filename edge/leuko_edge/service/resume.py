"""Which session the service counts into: the newest one where it is still open and fits, else a new one."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Container

from ..config import Settings
from ..live.goal import Goal
from ..live.session_info import TARGET, Described, information, misfit
from ..model.card import ModelCard
from ..store import SessionInfo, SessionStore, errors, schema


def last_open(database: str) -> int | None:
    """The number of the newest live session where that is open: an older one left open is not gone on with.

    One of photographs that broke off is counted anew, and is nothing to a camera.
    """
    if not os.path.exists(database):
        return None
    name = os.path.realpath(database)
    try:
        with contextlib.closing(schema.open_to_read(name)) as connection:
            newest = "SELECT id, state = 'open' AS open FROM session WHERE kind = 'live' ORDER BY id DESC LIMIT 1"
            row = connection.execute(newest).fetchone()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise errors.explained(error, name) from None
    return int(row["id"]) if row is not None and row["open"] else None


def new_session(settings: Settings, source: Described, card: ModelCard, simulated: bool) -> SessionInfo:
    """What a session of the service begins with; `source` is open."""
    goal = Goal(settings.count.target, settings.count.precision)
    return information(
        source,
        card,
        goal if goal.target or goal.precision else Goal(TARGET),
        settings.reference,
        operator=settings.session.operator or "",
        simulated=simulated,
        second_signature=settings.review.second_signature,
        decisions=settings.count.decisions or (),
    )


def take_up(
    database: str, now: SessionInfo, say: Callable[[str], None], given_up: Container[tuple[str, int]] = ()
) -> SessionStore | None:
    """The session to go on with, None where there is none; one that does not fit is closed, and `say` hears why.

    `given_up` are sessions, with their database, that are not to be gone on with and could not be closed.
    """
    number = last_open(database)
    if number is None or (os.path.realpath(database), number) in given_up:
        return None
    store = SessionStore.resume(database, number)
    why = misfit(store.info, now)
    if not why:
        return store
    with store:
        store.event("closed", why, "leuko-edge", time.time())
    say(f"session {number} is not gone on with, because {why}; it is closed, not signed, and all its cells are kept")
    return None


def check_room(database: str) -> None:
    """StoreFull where no cell could be stored: there is no point in beginning."""
    name = os.path.realpath(database)
    folder = os.path.dirname(name)
    if os.path.isdir(folder) and errors.room(name) < errors.STOP_BYTES:
        raise errors.full(name)
