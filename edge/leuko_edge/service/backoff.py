"""How long to wait before the next try: longer each time, and short again after a while without a fault."""

from __future__ import annotations

FIRST, LONGEST = 1.0, 60.0  # seconds
STEADY = 20.0
"""Seconds of counting after which a fault is a new one: more than the `camera.newest.FROZEN_AFTER` for which a frozen
camera is taken for a living one after each opening."""


class Pauses:
    """1, 2, 4 … 60 s. Times are of a clock that does not jump (`time.monotonic`)."""

    def __init__(self) -> None:
        self._next = FIRST
        self._since: float | None = None  # when frames began to come

    def after_fault(self) -> float:
        """Seconds to wait now."""
        pause, self._next, self._since = self._next, min(2 * self._next, LONGEST), None
        return pause

    def frame(self, now: float) -> None:
        """A frame came at `now`: after some seconds of them all is well again."""
        if self._since is None:
            self._since = now
        elif now - self._since >= STEADY:
            self._next = FIRST
