"""The service's lines for the journal: few, one sentence each, so that a day of counting is a page."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from typing import TextIO

from ..live.snapshot import Snapshot
from ..plain_text import printable
from ..results import table
from ..screen import words

EVERY = 10  # cells counted
ERROR, WARNING, NOTICE, INFO = 3, 4, 5, 6  # syslog(3)


class Journal:
    """Lines on `stream` (default: standard error), with their priority where systemd's journal reads them."""

    def __init__(self, stream: TextIO | None = None, environ: Mapping[str, str] = os.environ) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._prefixed = "JOURNAL_STREAM" in environ
        self._session, self._tens, self._warning, self._paused = 0, 0, "", False

    def say(self, sentence: str, priority: int = INFO) -> None:
        prefix = f"<{priority}>" if self._prefixed else ""
        with contextlib.suppress(OSError):  # nobody reads: the count goes on
            print(f"{prefix}{printable(sentence)}", file=self._stream, flush=True)

    def frame(self, snapshot: Snapshot) -> None:
        """What is worth a line: every tenth cell, a new warning, a pause."""
        tens = snapshot.differential.counted // EVERY
        if snapshot.session != self._session:
            self._session, self._tens, self._warning, self._paused = snapshot.session, tens, "", snapshot.paused
            self.say(f"{words.title(snapshot)}; {words.goal(snapshot)[0]}. {table.NOT_A_DEVICE}")
        if tens > self._tens:
            self.say(f"session {snapshot.session}: {words.goal(snapshot)[0]}: {words.shares(snapshot.differential)}")
        if snapshot.warning and snapshot.warning != self._warning:
            self.say(f"session {snapshot.session}: {snapshot.warning}", WARNING)
        if snapshot.paused != self._paused:
            self.say(f"session {snapshot.session}: {'paused' if snapshot.paused else 'going on'}")
        self._tens, self._warning, self._paused = tens, snapshot.warning, snapshot.paused
