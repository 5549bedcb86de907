"""How the service stands, said everywhere at once: to systemd, on the display, in the journal, in the status file."""

from __future__ import annotations

import time
from dataclasses import replace

from ..live.snapshot import Snapshot
from ..screen.pages import FAULT, WAITING
from ..store import SessionInfo
from . import sentences
from .console import DeviceFace
from .journal import ERROR, NOTICE, Journal
from .status import FRESH, Status, StatusFile
from .systemd import Notifier
from .view_writer import ViewWriter

PUBLISH = 0.5  # seconds between two writings of the status file
STATUS = 1.0  # seconds between two of systemd's status lines
NEWS = 60.0  # seconds that the display says that a session was resumed


class Teller:
    """Called by the one loop of the service and by nothing else, so that what is fed by it stops when that hangs."""

    def __init__(
        self,
        notifier: Notifier,
        file: StatusFile,
        face: DeviceFace,
        journal: Journal,
        view: ViewWriter | None = None,
    ) -> None:
        self.notifier, self.face, self.journal = notifier, face, journal
        self.database = ""  # that the session in work is in
        self._file, self._view = file, view or ViewWriter(None)
        self._snapshot: Snapshot | None = None
        self._fault, self._fault_since = "", 0.0
        self._published = self._stated = -STATUS
        self._news, self._news_until = "", 0.0

    def news(self, sentence: str) -> None:
        """Into the journal, and for a minute where the display has its warnings."""
        self.journal.say(sentence, NOTICE)
        self._news, self._news_until = sentence, time.monotonic() + NEWS

    def step(self, doing: str, seconds: float) -> None:
        """Something without frames begins that may take so long: a start, or the opening of a camera."""
        self.notifier.patience(seconds)
        if self._fault:  # it stays in sight until frames come
            self.face.tell("FAULT", [self._fault, f"Trying again now: {doing}"], FAULT)
            self._publish(Status("fault", f"fault: {self._fault}; {doing}", self._fault, 0.0), seconds)
            return
        self.notifier.status(doing)
        self.face.tell("ONE MOMENT", [doing], WAITING)
        self._publish(Status("starting", doing, snapshot=self._snapshot), seconds)

    def frame(self, snapshot: Snapshot) -> None:
        """A frame was taken and looked at."""
        now = time.monotonic()
        self.notifier.alive()
        text = sentences.counting(snapshot)
        self.notifier.ready(text)
        if self._fault:
            self.journal.say(f"all is well again after {now - self._fault_since:.0f} s: {text}", NOTICE)
            self._fault, self._stated, self._published = "", -STATUS, -PUBLISH
        self.journal.frame(snapshot)
        if now < self._news_until and not snapshot.warning:
            snapshot = replace(snapshot, warning=self._news)
        self.face.show(snapshot)
        self._view.frame(snapshot.bgr)
        self._snapshot = replace(snapshot, bgr=None, outlines=())
        if now - self._stated >= STATUS:
            self._stated = now
            self.notifier.status(text)
        if now - self._published >= PUBLISH:
            self._publish(Status("counting", text, question=self.face.question, snapshot=snapshot))

    def named(self, info: SessionInfo) -> None:
        """The session bears another sample or operator, while no frame is looked at."""
        if self._snapshot is not None:
            self._snapshot = replace(self._snapshot, sample=info.sample, operator=info.operator)

    def waiting(self, said: str) -> None:
        """A person is asked whether the result is signed; called again and again meanwhile."""
        now = time.monotonic()
        self.notifier.alive()
        self.notifier.status(said)
        if self._snapshot is not None:
            self.face.show(self._snapshot)
        if now - self._published >= PUBLISH:
            self._publish(Status("waiting", said, question=self.face.question, snapshot=self._snapshot))

    def fault(self, sentence: str, pause: float) -> None:
        """Something is wrong, and is tried again after `pause` seconds. The journal has it once."""
        if sentence != self._fault:
            if not self._fault:
                self._fault_since = time.monotonic()
            self._fault = sentence
            self.journal.say(f"fault: {sentence}; trying again in {pause:.0f} s", ERROR)
        self.notifier.fault(f"fault: {sentence}; trying again in {pause:.0f} s")
        self.resting(pause, pause)

    def resting(self, pause: float, left: float) -> None:
        """Called again and again during the `pause` after a fault, of which so many seconds are `left`."""
        self.notifier.alive()
        kept = [f"{sentences.counting(self._snapshot)}: kept"] if self._snapshot is not None else []
        lines = [self._fault, *kept, f"Trying again in {left + 0.5:.0f} s; any key: at once"]
        self.face.tell("FAULT", lines, FAULT)
        if time.monotonic() - self._published >= PUBLISH:
            said = f"fault: {self._fault}; trying again in {pause:.0f} s"
            self._publish(Status("fault", said, self._fault, round(left, 1), snapshot=self._snapshot))

    def stopped(self, said: str) -> None:
        """The last word."""
        self.notifier.stopping(said)
        self.journal.say(said)
        self._file.remove()
        self._view.remove()
        self.face.close(f"leuko-edge: {said}")

    def _publish(self, status: Status, fresh: float = FRESH) -> None:
        self._published = time.monotonic()
        self._file.write(replace(status, database=self.database), fresh)
