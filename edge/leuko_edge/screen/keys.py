"""What keys mean: the little dialogue that makes actions of them. `keyboard` reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..session import Action
from ..types import CLASSES, UNIDENTIFIED

Key = str
"""One printable character, or "esc"."""

CLASS_KEYS: Mapping[str, str] = dict(zip("123456789vls0", (*CLASSES, UNIDENTIFIED), strict=True))
"""One key per class, as tally counters have: the number block, in the order of the table; letters for the three that
came later (variant lymphocyte, b*l*ast, smudge), so that no key changed its meaning."""

SIGN = "Sign? y: sign and quit · n: quit unsigned · Esc: go on"
NEW = "A new slide? y: coordinates start anew · n: go on"
WHICH = "Cell {0}: press its class · r: the one before · Esc: leave"


_AT_ONCE = {"p": Action("pause"), " ": Action("pause"), "u": Action("undo"), "b": Action("redo")}
_ANSWERS: Mapping[str, Mapping[str, Action | None]] = {
    "q": {"y": Action("sign"), "n": Action("quit")},
    "n": {"y": Action("new_slide"), "n": None},
}


class Dialogue:
    """Keys in, actions out; `question` is what the display has to ask meanwhile, or ""."""

    def __init__(self, class_keys: Mapping[str, str] = CLASS_KEYS) -> None:
        self._class_keys = class_keys
        self._asking = ""  # the key whose question is open: "q", "n", "r" or ""
        self._cell = 0  # that "r" asks about

    @property
    def question(self) -> str:
        return {"q": SIGN, "n": NEW, "r": WHICH.format(self._cell)}.get(self._asking, "")

    def feed(self, key: Key, cells: Sequence[int] = ()) -> Action | None:
        """What `key` asks for; None where nothing, or nothing yet.

        `cells` are the numbers of the last cells as displayed, newest first: the cell that the person saw is the one
        that changes, even if another has been counted since. While a question is open, keys that do not answer it do
        nothing, and Esc closes it.
        """
        key = key.lower()
        if self._asking:
            return self._answer(key, cells)
        if key in self._class_keys:
            return Action("reclassify", self._class_keys[key], cells[0] if cells else None)
        if key in _ANSWERS or (key == "r" and cells):
            self._asking, self._cell = key, cells[0] if cells else 0
        return _AT_ONCE.get(key)

    def _answer(self, key: Key, cells: Sequence[int]) -> Action | None:
        asked, action = self._asking, None
        if asked == "r" and key == "r":
            older = [cell for cell in cells if cell < self._cell]
            self._cell = older[0] if older else self._cell
        elif asked == "r" and key in self._class_keys:
            self._asking, action = "", Action("reclassify", self._class_keys[key], self._cell)
        elif key == "esc":
            self._asking = ""
        elif key in _ANSWERS.get(asked, {}):
            self._asking, action = "", _ANSWERS[asked][key]
        return action
