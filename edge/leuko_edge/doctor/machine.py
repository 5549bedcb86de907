"""The machine as the checks see it: its files below one root, its commands, its clock. Tests give another."""

from __future__ import annotations

import contextlib
import getpass
import grp
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

COMMAND_SECONDS = 10.0


def run_command(words: Sequence[str]) -> str | None:
    """What a command prints; None where it is not installed, fails or does not end in time."""
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, errors="replace", timeout=COMMAND_SECONDS, env=_plain_environment()
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None


def _plain_environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C", "SYSTEMD_PAGER": ""}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number without a name
        return str(os.getuid())


def _groups() -> frozenset[str]:
    names = set()
    for number in {os.getegid(), *os.getgroups()}:
        with contextlib.suppress(KeyError):
            names.add(grp.getgrgid(number).gr_name)
    return frozenset(names)


@dataclass(frozen=True)
class Machine:
    """`user` and `groups` are those of this process: a group joined since the login is not among them."""

    root: Path = Path("/")
    run: Callable[[Sequence[str]], str | None] = run_command
    statvfs: Callable[[str], os.statvfs_result] = os.statvfs
    now: Callable[[], float] = time.time
    user: str = field(default_factory=_user)
    groups: frozenset[str] = field(default_factory=_groups)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def at(self, path: str) -> Path:
        """`path`, absolute, below the root."""
        return self.root / path.lstrip("/")

    def text(self, path: str | Path) -> str | None:
        """A small file's text, without the NULs and spaces at its end; None where it cannot be read."""
        try:
            whole = self.at(str(path)) if isinstance(path, str) else path
            return whole.read_text(encoding="utf-8", errors="replace").rstrip("\0 \n\t")
        except (OSError, ValueError):
            return None

    def number(self, path: str | Path) -> int | None:
        """The whole number that a file holds; None where it holds none."""
        try:
            return int(self.text(path) or "")
        except ValueError:
            return None

    def glob(self, pattern: str) -> list[Path]:
        """The paths that an absolute pattern matches, in order."""
        return sorted(self.root.glob(pattern.lstrip("/")))


def may_look(path: str | os.PathLike[str]) -> bool:
    """False where there may be a file that this user may not read, or not even see."""
    try:
        os.stat(path)
    except PermissionError:
        return False
    except OSError:
        return True
    return os.access(path, os.R_OK)


def nearest(folder: Path) -> Path:
    """The folder itself, or the nearest above it that is there."""
    return next(place for place in (folder, *folder.parents) if os.path.isdir(place))
