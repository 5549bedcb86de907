"""The annotated live picture in a window of its own: needs OpenCV's desktop build."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import cv2
import numpy as np
from rich.text import Text

from ..errors import EnvironmentBroken
from ..live.snapshot import Outline, Snapshot
from ..results.annotate import FAINT, WHITE, Mark, annotate, caption, put_text, text_width
from ..types import Scale
from . import words
from .keys import Key

NAME = "leuko-edge"
SIZE = (960, 768)  # px at first; the person may make it any other
PICTURES = 10  # a second at most
STARTING = 30  # seconds that a desktop may take to open the first window
NO_BUILD = (
    "--window needs OpenCV's desktop build, and the one installed shows no windows: "
    "run pip install 'leuko-edge[window]', or leave out --window"
)
NO_DESKTOP = (
    "--window needs a graphical desktop, and there is none here: start leuko-edge on one, or leave out --window"
)

_TRY = "import cv2; cv2.namedWindow('leuko-edge', 0); cv2.waitKey(1); cv2.destroyAllWindows()"
_KEYPAD = {0xFFB0 + digit: str(digit) for digit in range(10)}  # X11's keysyms of the number block
_NAMED = {10: "enter", 13: "enter", 0xFF8D: "enter", 8: "back", 127: "back", 0xFF08: "back"}


def check() -> None:
    """EnvironmentBroken, with what to do, where no window can be opened.

    Qt ends the whole program where it cannot reach the desktop that the environment names, so another Python tries
    it first.
    """
    if not cv2.currentUIFramework():
        raise EnvironmentBroken(NO_BUILD)
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise EnvironmentBroken(NO_DESKTOP)
    try:
        tried = subprocess.run([sys.executable, "-c", _TRY], capture_output=True, timeout=STARTING)
    except subprocess.TimeoutExpired:
        raise EnvironmentBroken(NO_DESKTOP) from None
    if tried.returncode:
        raise EnvironmentBroken(NO_DESKTOP)


class Window:
    """A context manager; `show` draws at most `PICTURES` a second. Closing the window ends no count."""

    def __init__(self) -> None:
        self._open = False
        self._drawn = 0.0

    def __enter__(self) -> Window:
        """EnvironmentBroken where no window can be opened; see `check`."""
        check()
        cv2.namedWindow(NAME, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        cv2.resizeWindow(NAME, *SIZE)
        self._open = True
        return self

    def __exit__(self, *error: object) -> None:
        if self._open:
            cv2.destroyAllWindows()
        self._open = False

    def show(self, snapshot: Snapshot, question: str = "") -> None:
        now = time.monotonic()
        if not self._open or snapshot.bgr is None or now - self._drawn < 1 / PICTURES:
            return
        self._drawn = now
        cv2.imshow(NAME, picture(snapshot, question))

    def poll(self) -> list[Key]:
        """Keys pressed in the window since the last call. It also keeps the window alive, so call it for each frame."""
        if not self._open:
            return []
        keys = []
        while (code := cv2.waitKeyEx(1)) != -1:
            keys += _key(code)
        if not _visible():
            self._open = False  # closed by the person
        return keys


def _visible() -> bool:
    try:
        return cv2.getWindowProperty(NAME, cv2.WND_PROP_VISIBLE) >= 1
    except cv2.error:  # some desktops forget a closed window altogether
        return False


def _key(code: int) -> list[Key]:
    """`waitKeyEx`'s code as a key: its low 16 bits are an X11 keysym or a letter, those above say which modifiers."""
    code &= 0xFFFF
    if code == 27:
        return ["esc"]
    if code in _KEYPAD:
        return [_KEYPAD[code]]
    if code in _NAMED:
        return [_NAMED[code]]
    return [chr(code)] if 32 <= code < 127 else []


def picture(snapshot: Snapshot, question: str = "") -> np.ndarray:
    """(h, w, 3) uint8 BGR: the latest frame with its cells outlined and named, those that wait faintly, and the
    advice above it. ValueError without a frame."""
    if snapshot.bgr is None:
        raise ValueError("the snapshot has no frame to draw")
    waiting = [outline.contour for outline in snapshot.outlines if outline.label is None]
    bgr = snapshot.bgr.copy()
    cv2.polylines(bgr, waiting, True, FAINT, 1, cv2.LINE_AA)
    cells = [mark for outline in snapshot.outlines if (mark := _mark(outline)) is not None]
    scale = None if snapshot.um_per_px is None else Scale(snapshot.um_per_px, "red cells")
    drawn = annotate(bgr, cells, scale)
    return np.vstack([_headline(drawn.shape, snapshot, question), drawn])


def _mark(outline: Outline) -> Mark | None:
    """None where it is not named yet."""
    if outline.label is None:
        return None
    x, y, w, h = cv2.boundingRect(outline.contour)
    return Mark(outline.label, outline.contour, (x, y, w, h), caption(outline.label, outline.confidence))


def _headline(shape: tuple[int, ...], snapshot: Snapshot, question: str) -> np.ndarray:
    """A strip as wide as the picture, above it, so that it hides no cell."""
    said = words.banner(snapshot, question)
    parts = [*(["SIMULATED"] if snapshot.simulated else []), words.goal(snapshot)[0], said.word]
    text = words.to_ascii(Text(" | ".join(parts))).plain
    height = max(12, shape[0] // 45)
    while height > 6 and text_width(text, height) > shape[1] - 2 * height:
        height -= 1
    strip = np.zeros((3 * height, shape[1], 3), np.uint8)
    put_text(strip, text, height, 2 * height, height, WHITE)
    return strip
