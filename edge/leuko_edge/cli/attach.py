"""`leuko-edge attach`: how the service's count stands, in any terminal of the device, over SSH too."""

from __future__ import annotations

import argparse
import json
import os
import signal
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..config import values
from ..errors import EnvironmentBroken, UsageError
from ..plain_text import printable

if TYPE_CHECKING:
    from rich.console import Console

    from ..screen.pages import Display
    from ..service.status import Status

SYSTEM = Path("/run/leuko-edge")
LEAVE = {"q", "Q", "esc"}
TAKEN = 5.0  # seconds that a service may take to show what it was told
LOOKS = 0.25  # seconds between two looks at the file and the keys
QUIT = "q leaves, the count goes on"
QUIT_KEYS = "Ctrl-C leaves, the count goes on"
MOST = 1_000_000  # bytes; a status is of some ten thousand
UNKNOWN = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError)
"""What reading a status raises that nobody of ours wrote."""
NOBODY = (
    "no leuko-edge service runs here; start it with sudo systemctl start leuko-edge, and see journalctl -u leuko-edge"
)


def add_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "attach",
        help="show the running count of the service",
        description="Show the running count of the service in this terminal; q or Ctrl-C leaves it, the count goes on.",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--once", action="store_true", help="print it once, as lines")
    how.add_argument("--json", action="store_true", help="print it once, for other programs")
    how.add_argument(
        "--keys", action="store_true", help="pass the keys on: pause, undo, change and sign from here; Ctrl-C leaves"
    )
    parser.add_argument("--sample", type=values.NAME, metavar="ID", help="give the session of now its sample")
    parser.add_argument("--operator", type=values.NAME, metavar="NAME", help="likewise who counts and signs it")
    parser.add_argument("--folder", metavar="DIR", help="the service's runtime directory (default: /run/leuko-edge)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """0, or 4 where the service has a fault; EnvironmentBroken where there is none to ask."""
    folder = find(options.folder)
    names = {name: value for name in ("sample", "operator") if (value := getattr(options, name)) is not None}
    if names:
        return _name(folder, names)
    if options.json:
        print(json.dumps(load(folder), indent=1, ensure_ascii=False))
        return 0
    from rich.console import Console

    console = Console(highlight=False)
    if options.once or not console.is_terminal or console.is_dumb_terminal:
        status = known(folder)
        try:
            _print(console, status)
        except UNKNOWN as error:  # its values are of the wrong kind
            raise _unknown(folder, error) from None
        return 0 if status.fault is None else EnvironmentBroken.exit_code
    return _watch(console, folder, options.keys)


def _name(folder: Path, names: dict[str, str]) -> int:
    """Give the service's session its names and say so; EnvironmentBroken where they are not taken."""
    from ..service.key_socket import LONGEST, send_names

    if any(len(name) > LONGEST for name in names.values()):
        raise UsageError(f"a name of at most {LONGEST} letters is needed")
    send_names(folder, **names)
    end = time.monotonic() + TAKEN
    while time.monotonic() < end:
        session = load(folder)["session"] or {}
        if all(session.get(name) == value for name, value in names.items()):
            told = ", ".join(f"{name} {printable(value) or 'nobody'}" for name, value in names.items())
            print(f"session {session['session']}: {told}")
            return 0
        time.sleep(LOOKS)
    raise EnvironmentBroken("the service did not take the name", "leuko-edge attach --once says how it stands")


def find(given: str | None, environ: Mapping[str, str] = os.environ) -> Path:
    """The runtime directory of a service: the one named, else systemd's, else the user's own.

    EnvironmentBroken where there is no status in any, or it may not be read.
    """
    from ..service.status import FILE, own_folder

    own = own_folder(environ)
    folders = [Path(given)] if given is not None else [SYSTEM, *([own] if own else [])]
    for folder in folders:
        try:
            os.stat(folder / FILE)
            return folder
        except PermissionError:
            raise _forbidden(folder) from None
        except OSError:
            continue
    raise EnvironmentBroken(NOBODY)


def load(folder: Path) -> dict[str, Any]:
    """The status file; EnvironmentBroken where there is none any more, it is stale, or it cannot be understood."""
    from ..screen.words import printable
    from ..service.status import FILE, SCHEMA

    try:
        data = json.loads(_bytes(folder / FILE).decode("utf-8"))
        late = time.monotonic() - data["until"]
        if data["schema"] != SCHEMA:
            raise ValueError(f"it is of the kind {str(data['schema'])[:40]!r}")
        if not isinstance(data["said"], str):
            raise ValueError("it says nothing")
    except PermissionError:
        raise _forbidden(folder) from None
    except OSError:
        raise EnvironmentBroken(NOBODY) from None
    except UNKNOWN as error:
        raise _unknown(folder / FILE, error) from None
    if late > 0:
        raise EnvironmentBroken(
            f"the service has been silent for {late:.0f} s longer than it should (its last word was: "
            f"{printable(data['said'])}): it hangs or was killed, and systemd starts it anew",
            "see systemctl status leuko-edge",
        )
    return data


def _bytes(path: Path) -> bytes:
    """The whole file; OSError, and ValueError for what is no ordinary file, or larger than any status."""
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)  # a FIFO must not hold us
    with open(file, "rb") as stream:
        about = os.fstat(file)
        if not stat.S_ISREG(about.st_mode):
            raise ValueError("it is no ordinary file")
        if about.st_size > MOST:
            raise ValueError(f"it is of {about.st_size} bytes")
        return stream.read(MOST + 1)


def known(folder: Path) -> Status:
    """As `load`, read; EnvironmentBroken where it makes no sense."""
    from ..service.status import FILE, from_json

    data = load(folder)
    try:
        return from_json(data)
    except UNKNOWN as error:
        raise _unknown(folder / FILE, error) from None


def _unknown(path: Path, error: Exception) -> EnvironmentBroken:
    from ..screen.words import printable

    return EnvironmentBroken(
        f"{path} is no status that this version knows ({printable(str(error))[:200]})", "update both"
    )


def _forbidden(folder: Path) -> EnvironmentBroken:
    who = os.environ.get("USER", "NAME")
    return EnvironmentBroken(f"{folder} may not be read by you: sudo usermod -aG leuko-edge {who}, and log in anew")


def _print(console: Console, status: Status) -> None:
    from rich.text import Text

    from ..results import table
    from ..screen import words

    lines = [status.said]
    snapshot = status.snapshot
    if snapshot is not None:
        lines += [table.SIMULATED] if snapshot.simulated else []
        said = words.banner(snapshot, status.question)
        lines += [words.title(snapshot), f"{said.word}: {said.hint}" if said.hint else said.word]
        lines += [f"{words.goal(snapshot)[0]}: {words.shares(snapshot.differential)}"]
        lines += words.decisions(snapshot)
        lines += [", ".join(words.beside(snapshot)), ", ".join(words.view(snapshot)), words.frames(snapshot.accounts)]
        lines += [f"WARNING: {printable(snapshot.warning)}"] if snapshot.warning else []
    lines.append(table.NOT_A_DEVICE)
    ascii_only = not words.can_write(console.encoding)
    for line in lines:
        text = Text(words.printable(line))
        console.print(words.to_ascii(text) if ascii_only else text, soft_wrap=True)


def _watch(console: Console, folder: Path, pass_on: bool) -> int:
    """Draw until the person leaves; a service that stops or starts anew meanwhile is waited for."""
    from ..screen import words
    from ..screen.keyboard import Keys
    from ..screen.pages import Display
    from ..service.key_socket import send

    leave = QUIT_KEYS if pass_on else QUIT
    display = Display(console, pass_on, (*words.KEYS, leave) if pass_on else (leave,))
    with display, Keys(leave=display.leave, enter=display.enter) as keys:
        try:
            while True:
                try:
                    try:
                        _draw(display, folder, leave)
                    except UNKNOWN as error:
                        raise _unknown(folder, error) from None
                    for key in keys.poll():
                        if pass_on:
                            send(folder, key)
                        elif key in LEAVE:
                            return 0
                except EnvironmentBroken as error:
                    display.tell("NO SERVICE", [str(error), leave])
                    if LEAVE & set(keys.poll()):
                        return EnvironmentBroken.exit_code
                time.sleep(LOOKS)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # while the terminal is put back
            return 0


def _draw(display: Display, folder: Path, leave: str) -> None:
    from ..screen.pages import FAULT, WAITING

    status = known(folder)
    if status.fault is not None:
        display.tell("FAULT", [status.said, *_kept(status), leave], FAULT)
    elif status.snapshot is None or status.state == "starting":
        display.tell("ONE MOMENT", [status.said, leave], WAITING)
    else:
        display.show(status.snapshot, status.question)


def _kept(status: Status) -> list[str]:
    from ..service import sentences

    return [] if status.snapshot is None else [f"{sentences.counting(status.snapshot)}: kept"]
