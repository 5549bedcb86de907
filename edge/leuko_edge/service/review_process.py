"""The review pages beside the count: a process of their own, kept running, so that no page ever waits for a frame nor a
frame for a page."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Sequence

from ..config import Settings
from .backoff import Pauses
from .journal import WARNING, Journal

NICE = 5  # the count goes first
ENDING = 3.0  # seconds that it has to end


class ReviewProcess:
    """`command` gives, for the settings in force, the words that serve the pages until their standard input ends."""

    def __init__(self, command: Callable[[Settings], Sequence[str]], journal: Journal) -> None:
        self._command, self._journal = command, journal
        self._process: subprocess.Popen[str] | None = None
        self._words: Sequence[str] = ()  # of what runs; (): nothing is to
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def follow(self, settings: Settings) -> None:
        """Serve as `settings` say from now on, or no longer."""
        words = self._command(settings) if settings.review.enabled else ()
        with self._changed:
            if words == self._words:
                return
            self._words = words
            self._end()
            self._changed.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._keep, name="review pages", daemon=True)
            self._thread.start()

    def close(self) -> None:
        with self._changed:
            self._words = ()
            process = self._process
            self._end()
        if process is not None:
            try:
                process.wait(ENDING)
            except subprocess.TimeoutExpired:
                process.kill()

    def _end(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def _keep(self) -> None:
        pauses, said = Pauses(), ""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._words))
                words, started = self._words, time.monotonic()
                try:
                    self._process = _started(words)
                except OSError as error:
                    self._process, lines = None, [str(error)]
            if self._process is not None:
                lines = []
                assert self._process.stdout is not None
                for line in self._process.stdout:
                    lines.append(line.removeprefix("leuko-edge: ").strip())
                    if lines[-1] != said:  # what comes again and again is told once
                        self._journal.say(f"review pages: {lines[-1]}")
                        said = lines[-1]
                self._process.wait()
            with self._changed:
                if words != self._words:  # it was asked to end
                    continue
                if time.monotonic() - started > 60:
                    pauses = Pauses()
                    self._journal.say("the review pages have ended, and are started anew", WARNING)
                self._changed.wait(pauses.after_fault())


def _started(words: Sequence[str]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    with contextlib.suppress(OSError):  # the unit may forbid it
        os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
    return process
