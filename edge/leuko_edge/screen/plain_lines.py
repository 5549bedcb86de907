"""The live display as lines, for a log, a pipe or a terminal that cannot be drawn on."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ..live.snapshot import Snapshot
from ..plain_text import printable
from ..results import table
from . import words

EVERY = 10  # cells counted
QUIET = 5.0  # seconds at least between two lines that are not news


class Plain:
    """Prints a line when something is worth it; the same calls as `Screen`.

    Every tenth counted cell, a new warning, a question, pausing and the end have their line at once; what to do
    ("focus", "lost", and that counting goes on again) has one when it changed, at most once in `QUIET` seconds.
    """

    def __init__(self, console: Console, keys: bool = True) -> None:
        self._console = console
        self._keys = keys
        self._ascii = not words.can_write(console.encoding)
        self._before: Snapshot | None = None
        self._said, self._said_at = words.Banner("", "", ""), 0.0  # the last advice printed, and when

    def __enter__(self) -> Plain:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing is held."""

    def leave(self) -> None:
        """Nothing to give back while the program is stopped."""

    def enter(self) -> None:
        """Nothing to take again."""

    def show(self, snapshot: Snapshot, question: str = "") -> None:
        """Print what changed since the last call. OSError where nobody reads any more."""
        before, self._before = self._before, snapshot
        if before is None:
            self._head(snapshot)
        self._advise(before, snapshot, question)
        if snapshot.warning and (before is None or snapshot.warning != before.warning):
            self._say(snapshot, f"WARNING: {printable(snapshot.warning)}")
        tens = snapshot.differential.counted // EVERY
        if before is not None and tens > before.differential.counted // EVERY:
            told = [words.shares(snapshot.differential), *words.decisions(snapshot)]
            self._say(snapshot, f"{words.goal(snapshot)[0]}: {'; '.join(told)}")

    def bell(self) -> None:
        self._console.bell()  # rich writes it to terminals only

    def _head(self, snapshot: Snapshot) -> None:
        if snapshot.simulated:
            self._line(table.SIMULATED)
        self._line(words.title(snapshot))
        self._line(table.NOT_A_DEVICE)
        if self._keys:
            self._line(", ".join(words.KEYS))

    def _advise(self, before: Snapshot | None, now: Snapshot, question: str) -> None:
        said = words.banner(now, question)
        urgent = bool(question or now.done) or before is None or now.paused != before.paused
        if said == self._said or not (urgent or now.elapsed - self._said_at >= QUIET):
            return
        self._said, self._said_at = said, now.elapsed
        self._say(now, f"{said.word}: {said.hint}" if said.hint else said.word)

    def _say(self, snapshot: Snapshot, sentence: str) -> None:
        self._line(f"{words.clock(snapshot.elapsed)}  {sentence}")

    def _line(self, sentence: str) -> None:
        text = Text(sentence)
        self._console.print(words.to_ascii(text) if self._ascii else text, soft_wrap=True)
