"""Contact sheets: for each class one picture of all its cells, to be looked through by a person."""

from __future__ import annotations

import math
import os
from collections import Counter, defaultdict
from collections.abc import Sequence

import cv2
import numpy as np

from ..pipeline import Outcome
from ..tally import Differential, Tally
from ..types import guessed
from .annotate import put_text, text_width
from .picture_folder import put
from .wording import class_name, confidence

TILE = 128  # px along a cell's side on the sheet
GAP = 8
STRIP = 36  # px below the cell for two lines of text
LETTERS = 10  # px, height of capitals
COLUMNS = 8
SHEET = 240  # cells; a class with more gets further numbered sheets, so that memory stays bounded
INK = (40, 40, 40)
PALE = (140, 140, 140)

Thumbnail = tuple[np.ndarray, str, str, bool]  # rgb (n, n, 3), two lines of text, whether it was counted


class Gallery:
    """Sink that writes LABEL.png (LABEL-2.png, …) into `folder`: the very crops that the network saw.

    Under each stand the cell's number within its picture with the confidence, as in the reports and on the drawing of
    the picture, and the picture's name; in grey where the cell is not in the denominator.
    """

    def __init__(self, folder: str, classes: Sequence[str] = ()) -> None:
        """`classes` as for `Annotations`."""
        self.path, self._classes = folder, classes
        self._waiting: dict[str, list[Thumbnail]] = defaultdict(list)
        self._sheets: Counter[str] = Counter()

    def add(self, outcome: Outcome) -> None:
        """OSError where a full sheet cannot be written."""
        if outcome.crops is None:
            return
        for entry, rgb in zip(outcome.result.cells, outcome.crops, strict=True):
            said, label = entry.prediction, entry.prediction.label
            number = numbered(entry.id, said.confidence, guessed(label, said.probabilities, self._classes))
            name = file_name(outcome.result.path, outcome.result.page)
            self._waiting[label].append((rgb.copy(), number, name, entry.counted))
            if len(self._waiting[label]) == SHEET:
                self._write(label)

    def finish(self, tally: Tally, differential: Differential) -> None:
        """Write what is left; OSError where that fails."""
        for label in list(self._waiting):
            self._write(label)

    def _write(self, label: str) -> None:
        thumbnails = self._waiting.pop(label)
        self._sheets[label] += 1
        number = self._sheets[label]
        name = f"{label}.png" if number == 1 else f"{label}-{number}.png"
        put(self.path, name, sheet(label, thumbnails))


def numbered(number: int, sure: float, guess: str = "") -> str:
    """The first line below a cell: "#12 98%", and of an unidentified one what it was nearest to."""
    taken = f"{class_name(guess, short=True)}? " if guess else ""
    return f"#{number} {taken}{confidence(sure)}%"


def file_name(path: str, page: int | None = None) -> str:
    """The second line: the picture with its folder, in letters that OpenCV has."""
    folder, name = os.path.split(path)
    shown = os.path.join(os.path.basename(folder), name) + ("" if page is None else f" p.{page}")
    return os.fsencode(shown).decode("utf-8", "replace").encode("ascii", "replace").decode()


def sheet(label: str, thumbnails: Sequence[Thumbnail]) -> np.ndarray:
    """(h, w, 3) uint8 BGR: a title, then up to 8 cells in a row, each 128 px wide with its two lines of
    text."""
    columns = min(COLUMNS, max(2, len(thumbnails)))
    rows = math.ceil(len(thumbnails) / columns)
    step_x, step_y = TILE + GAP, TILE + STRIP + GAP
    title = 3 * GAP + LETTERS
    drawn = np.full((title + rows * step_y, GAP + columns * step_x, 3), 255, np.uint8)
    put_text(drawn, f"{class_name(label)} ({len(thumbnails)})", GAP, GAP + 2 + LETTERS, LETTERS + 2, INK)
    for number, (rgb, first, second, counted) in enumerate(thumbnails):
        x, y = GAP + number % columns * step_x, title + number // columns * step_y
        bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        drawn[y : y + TILE, x : x + TILE] = cv2.resize(bgr, (TILE, TILE), interpolation=cv2.INTER_CUBIC)
        ink = INK if counted else PALE
        put_text(drawn, _fitted(first), x, y + TILE + 4 + LETTERS, LETTERS, ink)
        put_text(drawn, _fitted(second), x, y + TILE + 10 + 2 * LETTERS, LETTERS, ink)
    return drawn


def _fitted(text: str) -> str:
    """As much of its end as a tile is wide: names of pictures differ there."""
    if text_width(text, LETTERS) <= TILE:
        return text
    while text and text_width(f"..{text}", LETTERS) > TILE:
        text = text[1:]
    return f"..{text}"
