"""What a count of a simulated slide was worth: its cells held against those that were drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from leuko_edge.simulate import SlideFilm
from leuko_edge.store import StoredCell
from leuko_edge.types import ERYTHROBLAST, LEUKOCYTES, UNIDENTIFIED

NEAR_UM = 5.0  # a counted cell this near to a drawn one is it
WHITE = (*LEUKOCYTES, ERYTHROBLAST, UNIDENTIFIED)


@dataclass(frozen=True)
class Score:
    """What became of the drawn white cells that the camera ever saw whole."""

    true: int
    counted: int  # stored as white cells, whatever their class
    duplicates: int
    misses: int
    false: int  # stored as white cells where none was drawn
    class_error: float  # largest difference of a class's share, points, to the drawn differential
    own_error: float  # the same with each found cell once: what classification alone makes of it


def score(
    cells: Sequence[StoredCell], places: Mapping[int, tuple[float, float]], film: SlideFilm, um_per_px: float
) -> Score:
    """`places`: the true upper left corner of each delivered frame, by index, px of the slide."""
    seen = [cell for cell in film.seen_whole() if cell.label in (*LEUKOCYTES, ERYTHROBLAST)]
    centres = np.array([cell.centre for cell in seen])
    met: Counter[int] = Counter()
    called: dict[int, str] = {}
    false = 0
    kept = [cell for cell in cells if not cell.undone and cell.label in WHITE]
    for cell in kept:
        x, y, w, h = cell.box
        left, top = places[cell.frame]
        away = np.hypot(*(centres - (left + x + w / 2, top + y + h / 2)).T) * um_per_px
        nearest = int(away.argmin())
        if away[nearest] > NEAR_UM:
            false += 1
            continue
        met[nearest] += 1
        called[nearest] = cell.label
    drawn = _shares([cell.label for cell in seen])
    return Score(
        true=len(seen),
        counted=len(kept),
        duplicates=sum(n - 1 for n in met.values()),
        misses=len(seen) - len(met),
        false=false,
        class_error=_largest(drawn, _shares([cell.label for cell in kept])),
        own_error=_largest(drawn, _shares(list(called.values()))),
    )


def _shares(labels: Sequence[str]) -> dict[str, float]:
    counts = Counter(label for label in labels if label in LEUKOCYTES)
    return {label: 100 * counts[label] / max(1, counts.total()) for label in LEUKOCYTES}


def _largest(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    return max(abs(a[label] - b[label]) for label in LEUKOCYTES)
