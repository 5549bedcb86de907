"""Boxes of the laboratories that were looked at by eye, and are not what they say: `looked_at.csv`.

Only what the finder and the boxes disagreed on was looked at, so figures that take the list into account flatter it a
little; `leuko-train detect` prints those without beside them.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ..data.items import Box

LISTED = Path(__file__).with_name("looked_at.csv")
NEAR_PX = 2.0  # a listed box is rounded


class Kind(Enum):
    NO_CELL = "no_cell"  # a box that holds no white cell of its own
    UNBOXED = "unboxed"  # a white cell that has no box


@dataclass(frozen=True)
class Remark:
    """`box` in pixels of the picture, `what` a person saw there."""

    box: Box
    kind: Kind
    what: str

    @property
    def at(self) -> str:
        return f"{self.box.left:.0f},{self.box.top:.0f} to {self.box.right:.0f},{self.box.bottom:.0f}"


def read(path: Path = LISTED) -> dict[str, list[Remark]]:
    """What was seen in each picture, by its path within the data."""
    found: dict[str, list[Remark]] = defaultdict(list)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            left, top, right, bottom = (float(row[side]) for side in ("left", "top", "right", "bottom"))
            box = Box("wbc", left, top, right, bottom)
            found[row["picture"]].append(Remark(box, Kind(row["kind"]), row["what"]))
    return dict(found)


def true_boxes(boxes: Sequence[Box], remarks: Sequence[Remark]) -> list[Box]:
    """`boxes` without those that hold no white cell."""
    wrong = [remark.box for remark in remarks if remark.kind is Kind.NO_CELL]
    return [box for box in boxes if not any(_same(box, other) for other in wrong)]


def unboxed(remarks: Sequence[Remark]) -> list[Box]:
    """Where a white cell has no box: finding it is neither a hit nor false."""
    return [remark.box for remark in remarks if remark.kind is Kind.UNBOXED]


def _same(one: Box, other: Box) -> bool:
    sides = ("left", "top", "right", "bottom")
    return all(abs(getattr(one, side) - getattr(other, side)) <= NEAR_PX for side in sides)
