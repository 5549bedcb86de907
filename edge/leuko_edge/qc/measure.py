"""A control put through the program: what its pictures show, and what became of its known cells."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..pipeline import Pipeline, Source
from ..types import LEUKOCYTES, CountedCell, PictureResult
from ..types import UNIDENTIFIED as UNNAMED
from ..vision.signs import medians
from .control import Control, KnownCell
from .watched import AGREED, FOUND, LEAST_CELLS, UNIDENTIFIED

NEAR_UM = 6.0
"""A cell found within it of a known one's middle, or around it, is that cell: less than a white cell's width."""


@dataclass(frozen=True)
class Measurement:
    """`signs` are medians over the pictures, with the shares of `watched`. `named` counts (known, called) pairs."""

    signs: Mapping[str, float]
    counts: Mapping[str, int]  # by class
    known: int = 0
    named: Mapping[tuple[str, str], int] = field(default_factory=dict)
    pictures: int = 0
    lost: tuple[tuple[str, str], ...] = ()  # pictures that could not be counted, and why

    @property
    def found(self) -> int:
        return sum(self.named.values())

    @property
    def white(self) -> int:
        """Cells that are counted or unidentified."""
        return sum(n for label, n in self.counts.items() if label in (*LEUKOCYTES, UNNAMED))


def measure(pipeline: Pipeline, source: Source, cells: Sequence[KnownCell]) -> Measurement:
    """All pictures of `source`, measured by `pipeline`, which counts them as it would a patient's."""
    known: dict[str, list[KnownCell]] = defaultdict(list)
    for cell in cells:
        known[cell.picture].append(cell)
    signs, counts, named = [], Counter[str](), Counter[tuple[str, str]]()
    pictures, lost = 0, []
    for outcome in replace(pipeline, measured=2**31).run(source):
        pictures += 1
        result, name = outcome.result, os.path.basename(outcome.result.path)
        if outcome.refused is not None:
            lost.append((name, outcome.refused))
            continue
        signs.append(outcome.signs or {})
        counts.update(one.prediction.label for one in result.cells if _stands(one))
        named.update(found_again(known[name], result))
    return Measurement(
        {**medians(signs), **shares(counts, len(cells), named)}, counts, len(cells), named, pictures, tuple(lost)
    )


def shares(
    counts: Mapping[str, int], known: int = 0, named: Mapping[tuple[str, str], int] | None = None
) -> dict[str, float]:
    """The shares of `watched` that rest on enough cells."""
    found: dict[str, float] = {}
    white = sum(n for label, n in counts.items() if label in (*LEUKOCYTES, UNNAMED))
    if white >= LEAST_CELLS:
        found[UNIDENTIFIED] = counts.get(UNNAMED, 0) / white
    pairs = named or {}
    if known:
        found[FOUND] = sum(pairs.values()) / known
    identified = sum(n for (_, called), n in pairs.items() if called != UNNAMED)
    if identified >= LEAST_CELLS:
        found[AGREED] = sum(n for (label, called), n in pairs.items() if label == called) / identified
    return {name: round(value, 5) for name, value in found.items()}


def found_again(known: Sequence[KnownCell], result: PictureResult) -> list[tuple[str, str]]:
    """(known, called) of each known cell of a picture where a cell was found: the nearest first, each once."""
    if result.scale is None:
        return []
    near = NEAR_UM / result.scale.um_per_px
    pairs = []
    for n, cell in enumerate(known):
        for m, entry in enumerate(result.cells):
            x, y, width, height = entry.cell.box
            away = float(np.hypot(entry.cell.centre[0] - cell.x, entry.cell.centre[1] - cell.y))
            if away <= near or (x <= cell.x <= x + width and y <= cell.y <= y + height):
                pairs.append((away, n, m))
    taken: dict[int, int] = {}
    for _, n, m in sorted(pairs):
        if n not in taken and m not in taken.values():
            taken[n] = m
    return [(known[n].label, result.cells[m].prediction.label) for n, m in taken.items()]


def _stands(entry: CountedCell) -> bool:
    """As in the tally: a leukocyte beyond the picture's edge, and a cell seen twice, is in no count."""
    return entry.counted or (not entry.repeated and entry.prediction.label not in LEUKOCYTES)


def learnt(control: Control, measurement: Measurement) -> Control:
    """The control with what it showed this time as what is known of it."""
    return replace(control, signs=dict(measurement.signs))
