"""The times of a session: they never run backwards, and a clock that was set meanwhile is noticed.

A Raspberry Pi has no clock that outlives its power: it begins in 1970 or at its last shutdown, and jumps when a network
tells it the time. Durations are therefore taken from the kernel's own clock, and times that cannot be trusted are told.
"""

from __future__ import annotations

import time

BEFORE = 1_735_689_600.0
"""2025-01-01: no session was counted by this program before; a clock that says so was never set."""
JUMP = 30.0  # seconds; a clock that is led gently to the right time is never that far out


class SessionClock:
    """`began` is when the session began, `latest` the latest time that is recorded of it, by the wall clock."""

    def __init__(self, began: float, latest: float) -> None:
        self._began, self._latest = began, max(began, latest)
        self._wall, self._steady = time.time(), steady()
        self._doubts: list[str] = []  # not told yet
        if self._wall < BEFORE:
            day = time.strftime("%Y-%m-%d", time.gmtime(self._wall))
            self._doubts.append(f"the clock says {day}: it was not set")
        elif self._wall < self._latest - JUMP:
            self._doubts.append("the clock is behind the times that the session has recorded")

    def after(self, at: float | None) -> float:
        """The time `at` (None: now) as it is recorded: never before one that was recorded already."""
        self._latest = max(self._latest, time.time() if at is None else float(at))
        return self._latest

    def since_start(self, at: float) -> float:
        """A picture's time, which is not before its session."""
        return max(self._began, float(at))

    @property
    def seconds(self) -> float:
        """Since this run of the session began, by a clock that nobody sets and that runs on in a sleeping computer."""
        return steady() - self._steady

    def doubts(self) -> list[str]:
        """Why times of the session are unsure, each cause once: what there is to tell since the last call."""
        jump = time.time() - self._wall - self.seconds
        if abs(jump) >= JUMP:
            self._wall += jump
            self._doubts.append(f"the clock was set {'forward' if jump > 0 else 'back'} by {abs(jump):.0f} s")
        doubts, self._doubts = self._doubts, []
        return doubts


def steady() -> float:
    """Seconds of a clock that nobody sets, and that runs on while the computer sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
