"""The live display with a second page: what is wrong, or what is being waited for, in large."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.console import Console, Group
from rich.text import Text

from ..plain_text import printable
from ..results.wording import NOT_A_DEVICE
from . import words
from .full_screen import Screen

FAULT, WAITING = "bold white on red", "bold white on blue"


class Display(Screen):
    """A `Screen` that can also say a thing that is no count."""

    def __init__(self, console: Console, keys: bool = True, hints: Sequence[str] = ()) -> None:
        super().__init__(console, keys, hints)
        self._page: tuple[object, ...] = ()

    def tell(self, word: str, lines: Sequence[str], style: str = FAULT) -> None:
        """`word` as a banner and `lines` below it, on the whole terminal. OSError where the terminal is gone."""
        width, height = self._console.size
        page = (word, *lines, style, width, height)
        if page == self._page and self._turn is None:
            return
        drawn = [Text(f"  {word}".ljust(width), style=style), Text()]
        for line in lines:
            drawn += [Text(part) for part in textwrap.wrap(printable(line), max(20, width - 2))] + [Text()]
        drawn.append(Text(NOT_A_DEVICE, style="bold"))
        for text in drawn:
            text.truncate(width)
        shown = [words.to_ascii(text) for text in drawn] if self._ascii else drawn
        self._live.update(Group(*shown[: max(1, height - 1)]), refresh=True)
        self._page, self._turn = page, None  # the next count is drawn at once
