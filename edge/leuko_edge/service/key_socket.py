"""Keys pressed elsewhere: `leuko-edge attach --keys` sends each as a datagram to a socket beside the status file."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

from ..errors import EnvironmentBroken
from ..screen.keys import Key

SOCKET = "keys"
_MOST = 32  # datagrams read at a time: a stuck key must not hold the loop


class Control:
    """The service's side; whoever is in the group of `folder` may send. Without a folder nobody can."""

    def __init__(self, folder: Path | None) -> None:
        self._socket: socket.socket | None = None
        self._path = None if folder is None else folder / SOCKET
        if self._path is not None:
            with contextlib.suppress(OSError):  # a folder that is not ours or too long a name: no keys from elsewhere
                self._path.unlink(missing_ok=True)
                listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
                listening.setblocking(False)
                listening.bind(os.fspath(self._path))
                os.chmod(self._path, 0o660)
                self._socket = listening

    def poll(self) -> list[Key]:
        """The keys that came since the last call."""
        keys: list[Key] = []
        if self._socket is not None:
            with contextlib.suppress(OSError):  # nothing more waits
                for _ in range(_MOST):
                    key = self._socket.recv(16).decode("utf-8", "ignore")
                    if key == "esc" or (len(key) == 1 and key.isprintable()):
                        keys.append(key)
        return keys

    def close(self) -> None:
        if self._socket is not None and self._path is not None:
            self._socket.close()
            self._socket = None
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)


def send(folder: Path, key: Key) -> None:
    """Press `key` at the service of `folder`; EnvironmentBroken where it cannot be."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as outgoing:
        outgoing.settimeout(1.0)
        try:
            outgoing.sendto(key.encode(), os.fspath(folder / SOCKET))
        except OSError as error:
            raise EnvironmentBroken(
                f"the key could not be sent to the service ({error.strerror or error})",
                "see systemctl status leuko-edge",
            ) from None
