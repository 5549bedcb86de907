"""Keys pressed elsewhere: `leuko-edge attach --keys` sends each as a datagram to a socket beside the status file.

A datagram that is a JSON object with `sample` or `operator` names the session that is being counted.

Who may send is a matter of the folder's group, who did send the kernel tells with each datagram (unix(7),
SCM_CREDENTIALS): no program can sign in another's name. Only a process of the service's own user, as the review pages
beside it are, may say for whom it presses a key: whoever runs as that user could change the sessions themselves.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import socket
import struct
from pathlib import Path

from ..errors import EnvironmentBroken
from ..plain_text import is_one_line
from ..screen.keys import NAMED, Key
from ..session import Action

SOCKET = "keys"
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid
_FOR = "\x1f"  # between a key and the name of whom it is pressed for
_MOST = 32  # datagrams read at a time: a stuck key must not hold the loop
_BYTES = 2048  # of a datagram; two names are some hundred
LONGEST = 200  # letters of a name


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
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
                listening.bind(os.fspath(self._path))
                os.chmod(self._path, 0o660)
                self._socket = listening

    def poll(self) -> list[tuple[Key | Action, str]]:
        """The keys and namings since the last call, each with its sender's login name, or whom that pressed it
        for."""
        keys: list[tuple[Key | Action, str]] = []
        if self._socket is not None:
            with contextlib.suppress(OSError):  # nothing more waits
                for _ in range(_MOST):
                    data, ancillary, _, _ = self._socket.recvmsg(_BYTES, socket.CMSG_SPACE(_CREDENTIALS.size))
                    text, _, name = data.decode("utf-8", "ignore").partition(_FOR)
                    key, sender = _understood(text), _sender(ancillary)
                    who = name if name and sender == os.geteuid() and is_one_line(name) else _login(sender)
                    if who and key is not None:
                        keys.append((key, who))
        return keys

    def close(self) -> None:
        if self._socket is not None and self._path is not None:
            self._socket.close()
            self._socket = None
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)


def _understood(text: str) -> Key | Action | None:
    """None for what is neither a key nor a naming."""
    if text in NAMED or (len(text) == 1 and text.isprintable()):
        return text
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or not said or set(said) - {"sample", "operator"}:
        return None
    if not all(isinstance(name, str) and is_one_line(name) and len(name) <= LONGEST for name in said.values()):
        return None
    return Action("identify", **said)


def _sender(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    """The number of the user whose process sent it; None where the kernel did not say."""
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS) and len(data) >= _CREDENTIALS.size:
            return int(_CREDENTIALS.unpack(data[: _CREDENTIALS.size])[1])
    return None


def _login(uid: int | None) -> str:
    """The user's name; "" of None."""
    if uid is None:
        return ""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def may_sign(who: str, operator: str) -> bool:
    """Whether `who`, a login name, may sign a session of `operator`: where that is itself a login, only that person."""
    if not operator or who == operator:
        return True
    try:
        pwd.getpwnam(operator)
    except (KeyError, ValueError):
        return True  # initials, say: the signature then bears the login of whoever signs
    return False


def send(folder: Path, key: Key, who: str = "") -> None:
    """Press `key` at the service of `folder`, for `who` where this is its own user; EnvironmentBroken where it cannot
    be."""
    _send(folder, f"{key}{_FOR}{who}" if who else key, "the key")


def send_names(folder: Path, **names: str) -> None:
    """Give the session of that service its `sample` or `operator`; EnvironmentBroken as of `send`."""
    _send(folder, json.dumps(names), "the name")


def _send(folder: Path, text: str, what: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as outgoing:
        outgoing.settimeout(1.0)
        try:
            outgoing.sendto(text.encode("utf-8", "replace"), os.fspath(folder / SOCKET))
        except OSError as error:
            raise EnvironmentBroken(
                f"{what} could not be sent to the service ({error.strerror or error})",
                "see systemctl status leuko-edge",
            ) from None
