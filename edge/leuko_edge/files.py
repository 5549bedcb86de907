"""Files written whole or not at all, and where this program keeps its own (XDG Base Directory 0.8)."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a power cut, sees the old one or the new one, never a part."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def default_path() -> Path:
    """$XDG_STATE_HOME/leuko-edge/sessions.sqlite3, by default under ~/.local/state (XDG Base Directory 0.8)."""
    state = os.environ.get("XDG_STATE_HOME", "")
    base = Path(state) if os.path.isabs(state) else Path(os.path.expanduser("~"), ".local", "state")
    return base / "leuko-edge" / "sessions.sqlite3"
