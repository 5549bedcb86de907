"""Handing signed results to a LIS (HL7 over MLLP): `export --mllp`, and `sessions send` for what still waits."""

from __future__ import annotations

import os
import sys

from ..errors import EnvironmentBroken, UsageError
from ..plain_text import readable
from ..results.handed_over import version
from ..results.hl7 import message
from ..results.mllp import NotTaken, deliver, parse
from ..store.archive import Record
from ..store.outbox import Outbox


def hand_over(path: str, record: Record, place: str) -> None:
    """UsageError where it is not signed, NotTaken where the other side does not take it: then it waits."""
    parse(place)
    if not version(record):
        raise UsageError(f"session {record.summary.id} is not signed", "sign it with leuko-edge review, then send it")
    outbox = Outbox(path)
    if not outbox.put(record.summary.id, version(record), place, message(record)):
        print(f"leuko-edge: session {record.summary.id} was given to {place} before", file=sys.stderr)
    _tell(place, deliver(outbox, place))


def send_again(path: str, place: str | None) -> int:
    """Send what waits, for `place` or for every one; 4 where one of them did not take all, the others then have."""
    outbox, code = _outbox(path), 0
    for one in outbox.places() if place is None else [place]:
        try:
            _tell(one, deliver(outbox, one))
        except NotTaken as error:
            print(f"leuko-edge: {error}", file=sys.stderr)
            code = EnvironmentBroken.exit_code
    return code


def list_waiting(path: str, place: str | None) -> int:
    """A line for each message that waits, oldest first, with what its place last answered."""
    outbox = _outbox(path)
    for one in outbox.places() if place is None else [place]:
        for waiting in outbox.waiting(one):
            why = " ".join(readable(waiting.answer or "never sent").split())
            print(f"session {waiting.session} version {waiting.version}\t{waiting.place}\t{why}")
    return 0


def _outbox(path: str) -> Outbox:
    if not os.path.exists(path):
        raise UsageError(f"there are no sessions at {path}", "name the database with --database FILE")
    return Outbox(path)


def _tell(place: str, taken: int) -> None:
    print(f"leuko-edge: {place} took {taken} message{'s' * (taken != 1)}", file=sys.stderr)
