"""Everything that faces the person during a session: the display, the keyboard, and the window where there is one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console

from ..live.snapshot import Snapshot
from ..session import Action
from .conversation import Conversation
from .full_screen import Screen
from .keyboard import Keys, has_keyboard
from .plain_lines import Plain
from .window import Window

ASKING = 0.05  # seconds between two looks at the keyboard while a question waits for its answer


class Face:
    """`show` and `actions` are what the engine calls for every frame."""

    def __init__(self, screen: Screen | Plain | None, keys: Keys, window: Window | None) -> None:
        """`screen` None shows nothing."""
        self._screen, self._keys, self._window = screen, keys, window
        self._conversation = Conversation()

    def show(self, snapshot: Snapshot) -> None:
        ended, question = self._conversation.shows(snapshot), self._conversation.question
        if self._screen is not None:
            if ended:
                self._screen.bell()
            self._screen.show(snapshot, question)
        if self._window is not None:
            self._window.show(snapshot, question)

    def actions(self) -> list[Action]:
        """What was asked for by keys since the last call."""
        return self._conversation.actions([*self._keys.poll(), *(self._window.poll() if self._window else ())])

    def sign_or_go_on(self) -> Action | None:
        """Ask, at the end, whether the result is signed; None where the person wants to go on counting."""
        self._conversation.ask_to_sign()
        while self._conversation.question and has_keyboard():
            if self._conversation.latest is not None:
                self.show(self._conversation.latest)
            for action in self.actions():
                return action
            time.sleep(ASKING)
        return None


@contextlib.contextmanager
def facing(console: Console, window: bool, quiet: bool) -> Iterator[Face]:
    """The whole terminal where `console` is one, else lines on it; EnvironmentBroken where a window cannot be had."""
    screen: Screen | Plain | None = None
    if not quiet:
        whole = console.is_terminal and not console.is_dumb_terminal
        screen = Screen(console, has_keyboard()) if whole else Plain(console, has_keyboard())
    with contextlib.ExitStack() as stack:
        pane = stack.enter_context(Window()) if window else None
        if screen is None:
            keys = stack.enter_context(Keys())
        else:
            stack.enter_context(screen)
            keys = stack.enter_context(Keys(leave=screen.leave, enter=screen.enter))
        yield Face(screen, keys, pane)
