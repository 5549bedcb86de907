"""What systemd is told: datagrams of a few lines (sd_notify(3)), and nothing where no service manager listens."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Mapping

BLOCKED = 0.25  # seconds that one word may wait for a manager that does not read
FEEDING = 0.5  # seconds at least between two feedings of the watchdog
STARTING = 30.0  # seconds that a start may go on after each sign of life


class Notifier:
    """`alive` is to be called by the frame loop alone: where that hangs, systemd must hear nothing."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        """`environ` has NOTIFY_SOCKET (a path, or @ and an abstract name) and WATCHDOG_USEC where they apply."""
        address = environ.get("NOTIFY_SOCKET", "")
        self._socket: socket.socket | None = None
        if address.startswith(("/", "@")):
            self._address = "\0" + address[1:] if address[0] == "@" else address
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.settimeout(BLOCKED)
        ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        usec = environ.get("WATCHDOG_USEC", "")
        self._watchdog = int(usec) if ours and usec.isdigit() else 0  # microseconds; 0: nobody watches
        self._ready = self._stretched = False
        self._fed, self._said = -FEEDING, ("", 0)

    @property
    def supervised(self) -> bool:
        """Whether a service manager listens, which starts the program again after it failed."""
        return self._socket is not None

    def ready(self, status: str) -> None:
        """The service has started; said until it was heard once."""
        if not self._ready:
            self._ready = self._send("READY=1", f"STATUS={status}", "ERRNO=0")
            self._said = status, 0

    def status(self, status: str) -> None:
        """All is well, and how it stands."""
        self._tell(status, 0)

    def fault(self, status: str) -> None:
        """It runs and cannot count; `status` says why. systemd keeps that it is at fault as its StatusErrno."""
        self._tell(status, errno.EAGAIN)

    def _tell(self, status: str, number: int) -> None:
        if (status, number) != self._said and self._send(f"STATUS={status}", f"ERRNO={number}"):
            self._said = status, number

    def alive(self) -> None:
        """The loop goes round: feed the watchdog, and give it back its usual patience; before `ready`, win time."""
        now = time.monotonic()
        if now - self._fed < FEEDING and not self._stretched:
            return
        self._fed = now
        if not self._ready:
            self._send(f"EXTEND_TIMEOUT_USEC={round(STARTING * 1e6)}")
        elif self._watchdog:
            usual = [f"WATCHDOG_USEC={self._watchdog}"] if self._stretched else []
            self._send(*usual, "WATCHDOG=1")
        self._stretched = False

    def patience(self, seconds: float) -> None:
        """What comes next may take so long without a frame: a start, or the opening of a camera."""
        usec = round(seconds * 1e6)
        if not self._ready:
            self._send(f"EXTEND_TIMEOUT_USEC={usec}")
        elif self._watchdog:
            self._stretched = True
            self._send(f"WATCHDOG_USEC={max(usec, self._watchdog)}", "WATCHDOG=1")

    def stopping(self, status: str) -> None:
        self._send("STOPPING=1", f"STATUS={status}")

    def _send(self, *lines: str) -> bool:
        """False where the manager is gone or does not read: counting matters more."""
        if self._socket is not None:
            try:
                self._socket.sendto("\n".join(lines).encode(), self._address)
            except OSError:
                return False
        return True
