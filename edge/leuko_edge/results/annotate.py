"""Pictures for people: each field with its cells outlined and named."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np

from ..pipeline import Outcome
from ..tally import Differential, Tally
from ..types import EXCLUDED, UNIDENTIFIED, CountedCell, Scale, guessed
from .picture_folder import Names, put
from .wording import class_name, confidence

LEGIBLE_SIDE = 600  # px; smaller pictures are enlarged by a whole number so that names fit into them
FONT = cv2.FONT_HERSHEY_SIMPLEX
WHITE = (255, 255, 255)
FAINT = (150, 150, 150)

# B, G, R; dark enough for white letters, far from the pink and violet of stained smears where that is
# possible.
COLOURS = {
    "neutrophil": (175, 92, 0),
    "lymphocyte": (60, 120, 0),
    "monocyte": (0, 75, 150),
    "eosinophil": (20, 20, 200),
    "basophil": (150, 20, 90),
    "immature_granulocyte": (130, 115, 0),
    "variant_lymphocyte": (0, 90, 110),
    "blast": (0, 0, 120),
    "erythroblast": (110, 0, 170),
    "smudge": (95, 80, 80),
    "unidentified": (60, 60, 60),
}


class Annotations:
    """Sink that writes each counted picture into `folder` as PNG: NAME-cells.png, numbered where names
    meet."""

    def __init__(self, folder: str, classes: Sequence[str] = ()) -> None:
        """`classes` in the model's order: what an unidentified cell was taken for is said by them."""
        self.path = folder
        self._classes, self._names = classes, Names()

    def add(self, outcome: Outcome) -> None:
        """OSError where the picture cannot be written."""
        if outcome.bgr is None:
            return
        drawn = annotate(outcome.bgr, marks(outcome.result.cells, self._classes), outcome.result.scale)
        put(self.path, self._names.of(outcome.result.path), drawn)

    def finish(self, tally: Tally, differential: Differential) -> None:
        """All pictures are written already."""


@dataclass(frozen=True)
class Mark:
    """A cell as it is drawn: `contour` (n, 2) int32 and the `box` (x, y, w, h) around it in pixels of the picture, in
    the colour of the class `label`, with `text` beside it."""

    label: str
    contour: np.ndarray = field(repr=False)
    box: tuple[int, int, int, int]
    text: str


def caption(label: str, sure: float, guess: str = "") -> str:
    """What is written at a cell: its class and the confidence, 0 to 1, in per cent; of an unidentified one the class
    that it was nearest to, `guess`, whose confidence that is."""
    if label != UNIDENTIFIED:
        return f"{class_name(label)} {confidence(sure)}%"
    return f"{class_name(label)}, {class_name(guess, short=True)}? {confidence(sure)}%" if guess else class_name(label)


def marks(cells: Iterable[CountedCell], classes: Sequence[str] = ()) -> list[Mark]:
    """With each cell's number, by which reports, sheets and drawings name it."""
    return [
        Mark(entry.prediction.label, entry.cell.contour, entry.cell.box, f"#{entry.id} {_named(entry, classes)}")
        for entry in cells
    ]


def _named(entry: CountedCell, classes: Sequence[str]) -> str:
    said = entry.prediction
    return caption(said.label, said.confidence, guessed(said.label, said.probabilities, classes))


def annotate(bgr: np.ndarray, cells: Sequence[Mark], scale: Scale | None = None) -> np.ndarray:
    """A copy of (h, w, 3) uint8 `bgr` with every cell's outline, its text and a scale bar.

    Platelets and artefacts are drawn thin and grey. The copy is the picture enlarged by the smallest whole
    number that brings its short side to 600 px.
    """
    factor = max(1, math.ceil(LEGIBLE_SIDE / min(bgr.shape[:2])))
    drawn = cv2.resize(bgr, None, fx=factor, fy=factor, interpolation=cv2.INTER_LINEAR) if factor > 1 else bgr.copy()
    height = _text_height(drawn, cells, factor)
    width = max(1, round(height / 8))
    faint = [mark for mark in cells if mark.label in EXCLUDED]
    named = [mark for mark in cells if mark.label not in EXCLUDED]
    for mark in faint:
        cv2.polylines(drawn, [_outline(mark, factor)], True, FAINT, max(1, width // 2), cv2.LINE_AA)
    for mark in named:
        colour = COLOURS[mark.label]
        cv2.polylines(drawn, [_outline(mark, factor)], True, WHITE, 2 * width + 1, cv2.LINE_AA)
        cv2.polylines(drawn, [_outline(mark, factor)], True, colour, width + 1, cv2.LINE_AA)
    placed: list[tuple[int, int, int, int]] = []
    for mark in named:
        _name_cell(drawn, mark, factor, height, placed)
    for mark in faint:
        _name_cell(drawn, mark, factor, max(9, round(0.75 * height)), placed)
    if scale is not None:
        _scale_bar(drawn, scale, factor, height)
    return drawn


def put_text(bgr: np.ndarray, text: str, x: int, y: int, height: int, colour: tuple[int, int, int]) -> None:
    """Write ASCII `text` with capitals `height` px tall, its baseline starting at (x, y)."""
    size, weight = _font(height)
    cv2.putText(bgr, text, (x, y), FONT, size, colour, weight, cv2.LINE_AA)


def text_width(text: str, height: int) -> int:
    size, weight = _font(height)
    return cv2.getTextSize(text, FONT, size, weight)[0][0]


def _font(height: int) -> tuple[float, int]:
    return height / _capitals(), max(1, round(height / 9))


@lru_cache(maxsize=1)
def _capitals() -> float:
    """Height of a capital at font scale 1, measured from a drawn one: OpenCV 5 draws its Hershey names with an
    outline font of other metrics than OpenCV 4, and its getTextSize gives the line's height."""
    drawn = np.zeros((400, 400), np.uint8)
    cv2.putText(drawn, "H", (20, 380), FONT, 10, 255, 1)
    return float(np.ptp(np.flatnonzero(drawn.any(axis=1))) + 1) / 10


def _text_height(drawn: np.ndarray, cells: Sequence[Mark], factor: int) -> int:
    """Letters are a fiftieth of the picture's short side, but no taller than a third of a typical cell."""
    by_picture = min(drawn.shape[:2]) / 50
    if cells:
        by_cell = factor * float(np.median([max(mark.box[2:]) for mark in cells])) / 3
        by_picture = min(by_picture, by_cell)
    return max(10, round(by_picture))


def _outline(mark: Mark, factor: int) -> np.ndarray:
    return (np.asarray(mark.contour, np.int32) * factor + factor // 2).reshape(-1, 1, 2)


def _name_cell(
    drawn: np.ndarray, mark: Mark, factor: int, height: int, placed: list[tuple[int, int, int, int]]
) -> None:
    """Write the cell's text above, below or beside it, inside the picture and clear of the names in
    `placed`."""
    pad = max(2, height // 4)
    w, h = text_width(mark.text, height) + 2 * pad, height + 3 * pad
    x0, y0, bw, bh = (value * factor for value in mark.box)
    middle = x0 + (bw - w) // 2
    rows, columns = drawn.shape[:2]
    spots = [(middle, y0 - h - pad), (middle, y0 + bh + pad), (x0 + bw + pad, y0 + (bh - h) // 2)]
    spots += [(x0 - w - pad, y0 + (bh - h) // 2), (middle, y0 + pad), (middle, y0 + bh - h - pad)]
    boxes = [(max(0, min(x, columns - w)), max(0, min(y, rows - h)), w, h) for x, y in spots]
    box = min(boxes, key=lambda b: sum(_overlap(b, other) for other in placed))  # the first of the best
    placed.append(box)
    x, y = box[:2]
    if mark.label in EXCLUDED:
        put_text(drawn, mark.text, x + pad, y + pad + height, height, FAINT)
        return
    cv2.rectangle(drawn, (x, y), (x + w, y + h), COLOURS[mark.label], -1)
    put_text(drawn, mark.text, x + pad, y + pad + height, height, WHITE)


def _overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> int:
    wide = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    tall = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(0, wide) * max(0, tall)


def _scale_bar(drawn: np.ndarray, scale: Scale, factor: int, height: int) -> None:
    rows, columns = drawn.shape[:2]
    per_um = factor / scale.um_per_px
    fitting = [um for um in (1, 2, 5, 10, 20, 50, 100) if um * per_um <= columns / 5]
    if not fitting:
        return
    length, text = round(fitting[-1] * per_um), f"{fitting[-1]} um"
    right, bottom, thick = columns - height, rows - height, max(2, height // 4)
    left = right - max(length, text_width(text, height))
    cv2.rectangle(drawn, (left - thick, bottom - 3 * height), (right + thick, bottom + thick), WHITE, -1)
    cv2.rectangle(drawn, (right - length, bottom - thick), (right, bottom), (0, 0, 0), -1)
    put_text(drawn, text, left, bottom - 3 * thick, height, (0, 0, 0))
