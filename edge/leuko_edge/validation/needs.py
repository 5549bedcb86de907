"""scipy, where it is asked for: the device that counts does without."""

from __future__ import annotations

from typing import Any

from ..errors import NotInstalled


def stats() -> Any:
    """The module scipy.stats; NotInstalled without it."""
    try:
        from scipy import stats
    except ImportError:
        raise NotInstalled("comparing needs scipy", "install leuko-edge[validation]") from None
    return stats
