"""Files written whole or not at all, and where this program keeps its own (XDG Base Directory 0.8)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Literal

_XDG = {
    "cache": ("XDG_CACHE_HOME", ".cache"),
    "config": ("XDG_CONFIG_HOME", ".config"),
    "state": ("XDG_STATE_HOME", ".local/state"),
}


@contextmanager
def whole(path: Path, mode: int | None = None) -> Iterator[BinaryIO]:
    """A stream to write a file with, so that a reader, or a power cut, sees the old one or the new one, never a part.

    It takes the place of `path` when the block is left without an exception. `mode`: its permissions, by default those
    of the process's umask. OSError where it cannot be written.

    The part lies in the target's folder under a name that nobody can foresee, and is made and not opened: in a folder
    that others may write to, a file or link put in the way is never followed. Its name is short, so that whatever name
    the target may have, the part can be made.
    """
    part = path.with_name(f".{os.urandom(8).hex()}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(part, flags, 0o666 if mode is None else mode)
    try:
        with open(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            if mode is not None:
                os.fchmod(descriptor, mode)  # whatever the umask
            os.fsync(descriptor)
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def write_whole(path: Path, content: bytes, mode: int | None = None) -> None:
    """All of a file, as of `whole`."""
    with whole(path, mode) as stream:
        stream.write(content)


def xdg_folder(kind: Literal["cache", "config", "state"], environ: Mapping[str, str] = os.environ) -> Path:
    """leuko-edge in $XDG_CACHE_HOME and its like, by default under ~/.cache, ~/.config and ~/.local/state.

    A path there that is not absolute is invalid and ignored, as the specification wants it.
    """
    variable, usual = _XDG[kind]
    given = environ.get(variable, "")
    base = Path(given) if os.path.isabs(given) else Path(environ.get("HOME") or os.path.expanduser("~"), usual)
    return base / "leuko-edge"


def default_path() -> Path:
    """Where sessions are kept unless told otherwise."""
    return xdg_folder("state") / "sessions.sqlite3"
