"""What a setting may be: one rule for each, to which a flag, an environment variable and a line of a file are held.

Nothing heavy is imported here: the command line's grammar needs these rules.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..plain_text import is_one_line

MEASURED = "auto"
"""Instead of µm per pixel: the red cells tell it. In force it is None."""
_MOST_DECISIONS = 6  # lines that a display has room for
_LONGEST = 60  # letters of a refused value that are said again


class Refused(ValueError):
    """A value breaks its rule; `str(error)` says which, without the name of the setting."""


@dataclass(frozen=True)
class Kind:
    """A rule. `check` makes the value in force out of TOML's, `read` makes TOML's out of a flag's or variable's text.

    `check` raises Refused; `read` raises ValueError for a text that `check` shall refuse as it stands.
    """

    check: Callable[[Any], Any]
    read: Callable[[str], Any] = str
    path: bool = False  # a relative one in a file is meant from that file's folder

    def __call__(self, text: str) -> Any:
        """As argparse's `type`: the value as a file would have it; ArgumentTypeError where it is refused."""
        try:
            return self.value(text)
        except Refused as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    def value(self, text: str) -> Any:
        """TOML's value of a text; Refused where it breaks the rule."""
        value: Any = text
        with contextlib.suppress(ValueError):  # it is refused below, as the text that it is
            value = self.read(text)
        self.check(value)
        return value


def shown(value: Any) -> str:
    """A value as TOML writes it; for messages, tables and the example."""
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value)) if value == int(value) else repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value))}]"
    if isinstance(value, int) and value.bit_length() > 256:  # Python may refuse to write it out
        return "an immense number"
    if isinstance(value, str | int):  # True and False among them; JSON's escapes are TOML's
        return json.dumps(value, ensure_ascii=isinstance(value, str) and not value.isprintable())
    return str(value)


def refused(needed: str, value: Any) -> Refused:
    said = shown(value)
    return Refused(f"{needed}, got {said if len(said) <= _LONGEST else said[:_LONGEST] + '…'}")


def whole(low: int, high: int = 2**31 - 1) -> Kind:
    """A whole number from `low` to `high`."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise refused(f"a whole number from {low} to {high} is needed", value)
        return value

    return Kind(check, int)


def number(low: float, high: float, needed: str) -> Kind:
    """A number from `low` to `high`, neither infinite nor "not a number"."""

    def check(value: Any) -> float:
        if not _is_number(value) or not low <= value <= high:
            raise refused(needed, value)
        return float(value)

    return Kind(check, float)


def _is_number(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _one_line(needed: str, empty: bool = False) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not (value.strip() or empty) or not is_one_line(value):
            raise refused(needed, value)
        return value

    return check


def _camera(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1000:
        return str(value)
    return _one_line("auto, picamera2, a path such as /dev/v4l/by-id/…, or the N of /dev/videoN is needed")(value)


def _path(value: Any) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise refused("a path is needed", value)
    return os.path.expanduser(value)


def _display(value: Any) -> str:
    name = _one_line("auto, none, or a terminal such as /dev/tty1 is needed")(value)
    if name not in ("auto", "none") and not os.path.isabs(name):
        raise refused("auto, none, or a terminal such as /dev/tty1 is needed", value)
    return name


def _yes_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise refused("true or false is needed", value)
    return value


def _read_yes_no(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _overdue(value: Any) -> str:
    if value not in ("warn", "refuse"):
        raise refused("warn or refuse is needed", value)
    return str(value)


def _size(value: Any) -> tuple[int, int]:
    needed = "100 to 10000 pixels wide and high, written 1280x960 or in a file [1280, 960], are needed"
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise refused(needed, value)
    if not all(isinstance(side, int) and not isinstance(side, bool) and 100 <= side <= 10_000 for side in value):
        raise refused(needed, value)
    return value[0], value[1]


def _read_size(text: str) -> list[int]:
    return [int(side) for side in re.split("[x×]", text)]


def _range(value: Any) -> tuple[float, float]:
    needed = "two rising limits from 0 to 100 per cent, written 45-79 or in a file [45, 79], are needed"
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(map(_is_number, value)):
        raise refused(needed, value)
    if not 0 <= value[0] <= value[1] <= 100:
        raise refused(needed, value)
    return float(value[0]), float(value[1])


def _read_range(text: str) -> list[float]:
    return [float(limit) for limit in text.split("-")]


_SCALE = number(0.005, 5, f"0.005 to 5 µm per pixel, or {MEASURED} to measure it, is needed")


def _scale(value: Any) -> float | None:
    return None if value == MEASURED else float(_SCALE.check(value))


def _decisions(value: Any) -> tuple[str, ...]:
    needed = (
        f'decisions such as eosinophil>5,blast>0, in a file ["eosinophil>5"], {_MOST_DECISIONS} at most, are needed'
    )
    if not isinstance(value, list | tuple) or len(value) > _MOST_DECISIONS:
        raise refused(needed, value)
    for text in value:
        if not isinstance(text, str):
            raise refused(needed, value)
        from ..decision import Decision
        from ..types import LEUKOCYTES  # NumPy, which only those wait for who ask for a decision

        try:
            label = Decision.parse(text).label
        except ValueError:
            raise refused(needed, text) from None
        if label not in LEUKOCYTES:
            raise refused(f"one of the classes {', '.join(LEUKOCYTES)} is needed", label)
    return tuple(value)


def _read_decisions(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


CAMERA = Kind(_camera)
SIZE = Kind(_size, _read_size)
FPS = number(0.5, 500, "0.5 to 500 pictures a second are needed")
PATH = Kind(_path, path=True)
TARGET = whole(1, 100_000)
PRECISION = number(1, 100, "an interval of 1 to 100 points is needed")
UM_PER_PX = Kind(_scale, lambda text: MEASURED if text == MEASURED else float(text))
THREADS = whole(1, 256)
HOURS = number(0.1, 10_000, "0.1 to 10000 hours are needed")
OVERDUE = Kind(_overdue)
NAME = Kind(_one_line("one line of text is needed", empty=True))
RANGE = Kind(_range, _read_range)
DISPLAY = Kind(_display)
DECISIONS = Kind(_decisions, _read_decisions)
YES_NO = Kind(_yes_no, _read_yes_no)


def reference(text: str) -> tuple[str, tuple[float, float]]:
    """As argparse's `type` for --reference CLASS=LOW-HIGH; whether there is such a class is checked later."""
    label, equals, limits = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} should look like neutrophil=45-79")
    low, high = RANGE(limits)
    return label, (low, high)
