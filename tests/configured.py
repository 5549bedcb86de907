"""Settings in force as a test wants them, by the names of the configuration's table."""

from __future__ import annotations

from typing import Any

from leuko_edge.config import Settings
from leuko_edge.config.keys import table
from leuko_edge.config.settings import typed


def configured(values: dict[str, Any] | None = None) -> Settings:
    """The defaults with `values` (as a file would have them) in their place; of no file and no environment."""
    given = {name: (values or {}).get(name, key.default) for name, key in table().items()}
    return typed({name: None if raw is None else table()[name].kind.check(raw) for name, raw in given.items()})
