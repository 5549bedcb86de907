"""What is asked of the person before a display, and what their keys mean of what was last shown."""

from __future__ import annotations

from collections.abc import Iterable

from ..live.snapshot import Snapshot
from ..session import Action
from .keys import Dialogue, Key


class Conversation:
    """`latest` is the snapshot that the person sees, None before the first."""

    def __init__(self) -> None:
        self.latest: Snapshot | None = None
        self._dialogue = Dialogue()

    @property
    def question(self) -> str:
        """What the display has to ask now, or ""."""
        return self._dialogue.question

    def shows(self, snapshot: Snapshot) -> bool:
        """The person sees `snapshot` now; whether counting has ended with it, which deserves a sound."""
        before, self.latest = self.latest, snapshot
        return snapshot.done is not None and (before is None or before.done is None)

    def actions(self, pressed: Iterable[Key], who: str = "") -> list[Action]:
        """What the keys ask for; `who` presses them, where that is known."""
        latest = self.latest
        if latest is None:
            return [action for key in pressed if (action := self._dialogue.feed(key, operator=who))]
        cells, operator = [shown.id for shown in latest.last], latest.operator or who
        return [action for key in pressed if (action := self._dialogue.feed(key, cells, latest.sample, operator))]

    def ask_to_sign(self) -> None:
        """Open the question that q opens, whatever was asked before."""
        self._dialogue = Dialogue()
        self._dialogue.feed("q")
