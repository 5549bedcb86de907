"""Contact sheets: for each class one picture of all its cells, to be looked through by a person."""

from __future__ import annotations

import math
import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ..pipeline import Outcome
from ..tally import Differential, Tally
from .annotate import put_text, write_png
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

    Under each stands the confidence and, as "3#12", the picture's number in the order given and the cell's
    id; in grey where the cell is not in the denominator.
    """

    def __init__(self, folder: str) -> None:
        self.path = folder
        self._waiting: dict[str, list[Thumbnail]] = defaultdict(list)
        self._sheets: Counter[str] = Counter()

    def add(self, outcome: Outcome) -> None:
        """OSError where a full sheet cannot be written."""
        if outcome.crops is None:
            return
        for entry, rgb in zip(outcome.result.cells, outcome.crops, strict=True):
            label = entry.prediction.label
            sure = f"{confidence(entry.prediction.confidence)}%"
            self._waiting[label].append((rgb.copy(), sure, f"{outcome.index + 1}#{entry.id}", entry.counted))
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
        os.makedirs(self.path, exist_ok=True)
        name = f"{label}.png" if number == 1 else f"{label}-{number}.png"
        write_png(Path(self.path) / name, sheet(label, thumbnails))


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
        put_text(drawn, first, x, y + TILE + 4 + LETTERS, LETTERS, ink)
        put_text(drawn, second, x, y + TILE + 10 + 2 * LETTERS, LETTERS, ink)
    return drawn
