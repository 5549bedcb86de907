"""Sessions on disk: one SQLite file in which nothing that was counted is lost.

`schema` opens the file, `store` writes a session, `archive` reads finished and running ones, `export` and `pictures`
turn one into files, `command` is `leuko-edge sessions` and `leuko-edge export`, `killtrial` measures the promise.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..files import default_path
    from .errors import StoreError, StoreFull
    from .records import NewCell, SessionInfo, StoredCell
    from .store import SessionStore

__all__ = ["NewCell", "SessionInfo", "SessionStore", "StoreError", "StoreFull", "StoredCell", "default_path"]

_HOMES = {
    **dict.fromkeys(("NewCell", "SessionInfo", "StoredCell"), "records"),
    **dict.fromkeys(("StoreError", "StoreFull"), "errors"),
    **{"SessionStore": "store", "default_path": "schema"},
}


def __getattr__(name: str) -> Any:
    """Loaded when first asked for: the command's grammar needs `command` alone, without NumPy and OpenCV."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
