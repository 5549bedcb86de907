"""Where the time goes: milliseconds of each stage of a run, and the memory it took."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager

KEPT = 10_000  # newest times of each stage: a live session of hours must not grow by them


class Stopwatch:
    """Times named stages; a run's figures are medians over its pictures, so that one slow read does not count."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=KEPT))

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.milliseconds[name].append(1000 * (time.perf_counter() - started))

    def lines(self) -> Iterator[str]:
        """A line for each stage, and one for the memory."""
        for name, taken in self.milliseconds.items():
            yield f"{name:<22}{statistics.median(taken):8.1f} ms  (median of {len(taken)})"
        yield f"{'peak memory (RSS)':<22}{peak_rss_mb():8.0f} MB"


def peak_rss_mb() -> float:
    """Most resident memory this process has held, MB (Linux counts it in KiB, macOS in bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)
