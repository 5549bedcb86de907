"""What keys mean: the little dialogue that makes actions of them. `keyboard` reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ..session import Action
from ..types import CLASSES, UNIDENTIFIED

Key = str
"""One printable character, or one of `NAMED`."""

NAMED = ("esc", "enter", "back")

CLASS_KEYS: Mapping[str, str] = dict(zip("123456789vls0", (*CLASSES, UNIDENTIFIED), strict=True))
"""One key per class, as tally counters have: the number block, in the order of the table; letters for the three that
came later (variant lymphocyte, b*l*ast, smudge), so that no key changed its meaning."""

SIGN = "Sign? y: sign and quit · n: quit unsigned · Esc: go on"
SLIDE = "New slide? y: sign this count · n: leave it · Esc: go on"
AREA = "Another area of this slide? y: coordinates start anew · n: no"
WHICH = "Cell {0}: press its class · r: the one before · Esc: leave"
SIGNER = "Who signs? {0}_ · Enter: sign · Esc: go on"
SAMPLE = "Sample: {0}_ · Enter: its operator · Esc: as it was"
OPERATOR = "Operator: {0}_ · Enter: done · Esc: as it was"
LONGEST = 40  # letters of a name that is typed here


_AT_ONCE = {"p": Action("pause"), " ": Action("pause"), "u": Action("undo"), "b": Action("redo")}
_ANSWERS: Mapping[str, Mapping[str, Action | None]] = {
    "q": {"y": Action("sign"), "n": Action("quit")},
    "n": {"y": Action("sign", next_slide=True), "n": Action("quit", next_slide=True)},
    "a": {"y": Action("new_area"), "n": None},
}
_QUESTIONS = {"q": SIGN, "n": SLIDE, "a": AREA}


class Dialogue:
    """Keys in, actions out; `question` is what the display has to ask meanwhile, or ""."""

    def __init__(self, class_keys: Mapping[str, str] = CLASS_KEYS) -> None:
        self._class_keys = class_keys
        self._asking = ""  # the key whose question is open: "q", "n", "a", "r" or ""
        self._cell = 0  # that "r" asks about
        self._line: _Line | None = None  # that is being typed

    @property
    def question(self) -> str:
        """What waits for an answer now."""
        if self._line is not None:
            return self._line.words.format(self._line.text)
        return WHICH.format(self._cell) if self._asking == "r" else _QUESTIONS.get(self._asking, "")

    def feed(self, key: Key, cells: Sequence[int] = (), sample: str = "", operator: str = "") -> Action | None:
        """What `key` asks for; None where nothing, or nothing yet.

        `cells` are the numbers of the last cells as displayed, newest first: the cell that the person saw is the one
        that changes, even if another has been counted since. `sample` and `operator` are those of the session, or who
        presses; where nobody is named, a signature asks for the name. While a question is open, keys that do not answer
        it do nothing, and Esc closes it.
        """
        if self._line is not None:
            return self._type(self._line, key)
        key = key.lower()
        if self._asking:
            return self._answer(key, cells, operator)
        if key in self._class_keys:
            return Action("reclassify", self._class_keys[key], cells[0] if cells else None)
        if key in _ANSWERS or (key == "r" and cells):
            self._asking, self._cell = key, cells[0] if cells else 0
        if key == "i":
            self._line = _Line(SAMPLE, lambda named: self._ask_operator(named, operator), sample)
        return _AT_ONCE.get(key)

    def _answer(self, key: Key, cells: Sequence[int], operator: str) -> Action | None:
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
        if action is not None and action.kind == "sign" and not operator:
            signature, action = action, None
            self._line = _Line(SIGNER, lambda name: replace(signature, operator=name), needed=True)
        return action

    def _ask_operator(self, sample: str, operator: str) -> None:
        self._line = _Line(OPERATOR, lambda name: Action("identify", sample=sample, operator=name), operator)

    def _type(self, line: _Line, key: Key) -> Action | None:
        if key == "back":
            line.text = line.text[:-1]
        elif len(key) == 1 and len(line.text) < LONGEST:
            line.text += key
        elif key == "esc":
            self._line = None
        elif key == "enter" and (line.text.strip() or not line.needed):
            self._line = None
            return line.done(line.text.strip())
        return None


class _Line:
    """A name being typed; `done` makes of it what it is for, `needed`: it cannot be left empty."""

    def __init__(self, words: str, done: Callable[[str], Action | None], text: str = "", needed: bool = False) -> None:
        self.words, self.done, self.text, self.needed = words, done, text, needed
