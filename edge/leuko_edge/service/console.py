"""What the person at the device sees and presses: the display on its console, where there is one, and the keys."""

from __future__ import annotations

import contextlib
import termios
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TextIO

from ..errors import EnvironmentBroken
from ..live.snapshot import Snapshot
from ..screen.conversation import Conversation
from ..screen.keyboard import Keys
from ..screen.keys import Key
from ..screen.pages import Display
from ..screen.tty import FIRST_CONSOLE, DeviceConsole, open_terminal
from ..session import Action
from .journal import WARNING, Journal
from .key_socket import Control, may_sign

GONE = (OSError, termios.error)


class DeviceFace:
    """Draws on one terminal, reads its keys and those of `control`. A terminal that goes away is given up."""

    def __init__(self, control: Control, journal: Journal) -> None:
        self._control, self._journal = control, journal
        self._conversation = Conversation()
        self._display: Display | None = None
        self._keys: Keys | None = None
        self._stream: TextIO | None = None

    @property
    def question(self) -> str:
        return self._conversation.question

    def open(self, wanted: str) -> None:
        """`wanted` is "auto", "none" or a terminal's path; where it cannot be had the journal says so, once."""
        self.close()
        if wanted == "none":
            return
        try:
            self._stream = open_terminal(FIRST_CONSOLE if wanted == "auto" else wanted)
        except EnvironmentBroken as error:
            self._journal.say(str(error))
            return
        self._display = Display(DeviceConsole(self._stream))
        self._keys = Keys(self._stream)
        self._try(self._display.__enter__)
        if self._keys is not None:
            self._try(self._keys.__enter__)

    def show(self, snapshot: Snapshot) -> None:
        display, ended = self._display, self._conversation.shows(snapshot)
        if display is not None:
            if ended:
                self._try(display.bell)
            self._try(lambda: display.show(snapshot, self.question))

    def tell(self, word: str, lines: Sequence[str], style: str) -> None:
        display = self._display
        if display is not None:
            self._try(lambda: display.tell(word, lines, style))

    def pressed(self) -> list[tuple[Key | Action, str]]:
        """The keys since the last call: of the terminal, and from elsewhere with the login name of who pressed them."""
        here = list[Key]()
        if self._keys is not None:
            keys = self._keys
            self._try(lambda: here.extend(keys.poll()))
        return [*((key, "") for key in here), *self._control.poll()]

    def actions(self) -> list[Action]:
        """What they ask for. A session of an operator who has a login here is signed from elsewhere by nobody else."""
        latest, asked = self._conversation.latest, list[Action]()
        operator = "" if latest is None else latest.operator
        for key, who in self.pressed():
            for action in [key] if isinstance(key, Action) else self._conversation.actions([key], who):
                if action.kind == "sign" and who and not may_sign(who, operator):
                    self._journal.say(f"{who} may not sign: the session is {operator}'s; sign as {operator}", WARNING)
                    self._conversation.ask_to_sign()
                    continue
                asked.append(replace(action, who=who))
        return asked

    def ask_to_sign(self) -> None:
        """Open the question that q opens."""
        self._conversation.ask_to_sign()

    def close(self, farewell: str = "") -> None:
        """The terminal as it was; `farewell` is what stays to be read on it."""
        keys, display, stream = self._keys, self._display, self._stream
        self._keys = self._display = self._stream = None
        if stream is not None and display is not None and keys is not None:
            with contextlib.suppress(*GONE):
                keys.__exit__(None, None, None)
                display.__exit__(None, None, None)
                stream.write(f"\x1b[H\x1b[2J{farewell}\n" if farewell else "")
                stream.flush()
            with contextlib.suppress(OSError):
                stream.close()

    def _try(self, draw: Callable[[], object]) -> None:
        try:
            draw()
        except GONE as error:
            self.close()
            self._journal.say(f"the display is gone ({error.args[-1]}); the count goes on without it", WARNING)
