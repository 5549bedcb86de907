"""Sessions on disk: one SQLite file in which nothing that was counted is lost.

`schema` opens the file, `store` writes a session, `archive` reads finished and running ones.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import SessionDamaged, StoreDamaged, StoreError, StoreFull, StoreMoved
    from .records import NewCell, SessionInfo, StoredCell
    from .store import SessionStore

__all__ = [
    "NewCell",
    "SessionDamaged",
    "SessionInfo",
    "SessionStore",
    "StoreDamaged",
    "StoreError",
    "StoreFull",
    "StoreMoved",
    "StoredCell",
]

_HOMES = {
    **dict.fromkeys(("NewCell", "SessionInfo", "StoredCell"), "records"),
    **dict.fromkeys(("SessionDamaged", "StoreDamaged", "StoreError", "StoreFull", "StoreMoved"), "errors"),
    "SessionStore": "store",
}


def __getattr__(name: str) -> Any:
    """Loaded when first asked for: the command's grammar needs `command` alone, without NumPy and OpenCV."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
