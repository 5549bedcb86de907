"""Where a run's results go: one that fails is dropped with a sentence, the count goes on."""

from __future__ import annotations

from typing import Protocol

import cv2

from ..pipeline import Outcome
from ..plain_text import readable
from ..tally import Differential, Tally


class Sink(Protocol):
    """Where results go: `path` names it in messages."""

    path: str

    def add(self, outcome: Outcome) -> None: ...

    def finish(self, tally: Tally, differential: Differential) -> None: ...


class Outputs:
    """The sinks of a run. One that fails is dropped with a sentence in `failures`; the count goes on."""

    def __init__(self, sinks: list[Sink]) -> None:
        self._sinks = sinks
        self.failures: list[str] = []

    def add(self, outcome: Outcome) -> None:
        for sink in list(self._sinks):
            try:
                sink.add(outcome)
            except (OSError, cv2.error, MemoryError) as error:
                self._drop(sink, error)

    def finish(self, tally: Tally, differential: Differential) -> None:
        for sink in list(self._sinks):
            try:
                sink.finish(tally, differential)
            except BrokenPipeError:  # whoever read standard output has seen enough
                self._sinks.remove(sink)
            except (OSError, cv2.error, MemoryError) as error:
                self._drop(sink, error)

    def _drop(self, sink: Sink, error: Exception) -> None:
        name = "standard output" if sink.path == "-" else readable(sink.path)
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        self.failures.append(f"{name} could not be written: {why}")
        self._sinks.remove(sink)
