"""HL7 messages over the network (MLLP): each is acknowledged, or kept in the database and sent again."""

from __future__ import annotations

import socket
import time

from ..errors import EnvironmentBroken, UsageError
from ..store.outbox import Outbox

START, END = b"\x0b", b"\x1c\x0d"
SECONDS = 10.0  # to connect, and for the answer
MOST = 100_000  # bytes of an answer
KEPT = "it is kept, and sent again with the next one"
ACCEPTED, REFUSED = ("AA", "CA"), ("AE", "AR", "CE", "CR")


class NotTaken(EnvironmentBroken):
    """The other side could not be reached, or did not take the message, which waits in the database."""


def deliver(outbox: Outbox, place: str) -> int:
    """Send what waits for `place`, HOST:PORT, oldest first; how many were taken. NotTaken at the first that is not, for
    the order of messages is kept. A message that was taken, its answer lost, is sent again with the same MSH-10."""
    address = parse(place)
    taken = 0
    for waiting in outbox.waiting(place):
        try:
            answer = exchange(address, waiting.message)
            code = acknowledged(answer)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error) or "no answer in time"
            outbox.failed(waiting.id, why)
            raise NotTaken(
                f"{place} did not take session {waiting.session} ({why})",
                KEPT,
            ) from None
        if code not in ACCEPTED:
            outbox.failed(waiting.id, answer)
            raise NotTaken(
                f"{place} refused session {waiting.session} ({' '.join(answer.split())[:200]})",
                "mend what it names; the message is kept, and sent again with the next one",
            )
        outbox.sent(waiting.id, time.time(), answer)
        taken += 1
    return taken


def parse(place: str) -> tuple[str, int]:
    """UsageError unless it is HOST:PORT."""
    host, _, port = place.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise UsageError(f"--mllp needs HOST:PORT, got {place}")
    return host.strip("[]"), int(port)


def exchange(address: tuple[str, int], message: str) -> str:
    """The answer to one message; OSError (TimeoutError among them), or ValueError where it is no MLLP."""
    with socket.create_connection(address, SECONDS) as connection:
        connection.sendall(START + message.encode() + END)
        content, until = b"", time.monotonic() + SECONDS
        while not content.endswith(END):
            if time.monotonic() > until:
                raise TimeoutError("no answer in time")
            piece = connection.recv(4096)
            if not piece:
                raise ValueError("the connection was closed without an answer")
            content += piece
            if len(content) > MOST:
                raise ValueError("the answer is absurdly long")
    if not content.startswith(START):
        raise ValueError("the answer is no MLLP")
    return content[len(START) : -len(END)].decode("utf-8", "replace")


def acknowledged(answer: str) -> str:
    """MSA-1; ValueError where there is none."""
    for segment in answer.replace("\n", "\r").split("\r"):
        fields = segment.split("|")
        if fields[0] == "MSA" and len(fields) > 1 and fields[1] in (*ACCEPTED, *REFUSED):
            return fields[1]
    raise ValueError("the answer acknowledges nothing")
