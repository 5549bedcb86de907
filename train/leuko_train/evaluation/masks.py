"""How well outlines fit where a laboratory has drawn its cells: of `leuko-train detect` what needs no boxes."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from rich.progress import track
from rich.table import Table

from leuko_edge.model.classify import CellClassifier
from leuko_edge.pipeline import Pipeline
from leuko_edge.sources.pictures import Pictures

from ..data.items import Item

CELL = 60  # of a mask's grey values: Raabin's cytoplasm is 120, TECOM's 128, nuclei 255
GOOD = (0.5, 0.75)  # IoU


@dataclass
class Outlines:
    """`overlaps`: of each drawn cell, intersection over union with the outline that fits it best, 0 where none does."""

    lab: str
    overlaps: list[float] = field(default_factory=list)

    def share(self, least: float) -> float:
        return sum(value >= least for value in self.overlaps) / max(1, len(self.overlaps))

    @property
    def median(self) -> float:
        return statistics.median(self.overlaps) if self.overlaps else 0.0


def measure(lab: str, items: Sequence[Item], classifier: CellClassifier) -> Outlines:
    """Of `items`, all pictures of one run as on the device, those that have a mask of their cell."""
    found = Outlines(lab)
    masks = {str(item.path): item.mask for item in items if item.mask is not None}
    source = Pictures(list(masks))
    for outcome in track(Pipeline(classifier).run(source), description=lab, total=len(source), transient=True):
        drawn = cv2.imread(str(masks[outcome.result.path]), cv2.IMREAD_GRAYSCALE)
        if drawn is None or not (drawn > CELL).any():
            continue
        contours = [entry.cell.contour for entry in outcome.result.cells]
        found.overlaps.append(max((overlap(drawn > CELL, contour) for contour in contours), default=0.0))
    return found


def overlap(mask: np.ndarray, contour: np.ndarray) -> float:
    """Intersection over union of a mask (h, w) bool with an outline (n, 2) int32 in its pixels."""
    inside = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(inside, [contour.astype(np.int32)], -1, 1, -1)
    return float((mask & (inside > 0)).sum() / (mask | (inside > 0)).sum())


def table(outlines: Sequence[Outlines]) -> Table:
    """A row for each laboratory."""
    shown = Table(title="Outlines against the masks that laboratories drew")
    for name in ("laboratory", "cells", "median IoU", *(f"IoU ≥ {least:g}" for least in GOOD)):
        shown.add_column(name, justify="left" if name == "laboratory" else "right")
    for one in outlines:
        shares = (f"{one.share(least):.3f}" for least in GOOD)
        shown.add_row(one.lab, str(len(one.overlaps)), f"{one.median:.3f}", *shares)
    return shown
