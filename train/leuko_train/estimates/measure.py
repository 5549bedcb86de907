"""The device's estimates against the laboratories' boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from rich.progress import track

from leuko_edge.errors import PictureError
from leuko_edge.model.finder import shipped
from leuko_edge.types import Scale
from leuko_edge.vision.field import Field
from leuko_edge.vision.platelets import platelets
from leuko_edge.vision.red_cells import red_cells
from leuko_edge.vision.segment import find_cells

from ..data import build
from ..data.items import Box, Item
from ..finder.sources import RED_CELL_PX, RED_CELL_UM
from .fields import of_kind
from .fit import NEAR_UM

MARGIN_PX = 4  # a box nearer to the picture's edge is of a cell that is cut


@dataclass
class Found:
    """Of one kind in one laboratory's fields. `counts` (true, found) of each field; `widths` µm (box, measured) of
    cells that lie alone."""

    lab: str
    kind: str
    hits: int = 0
    counts: list[tuple[int, int]] = field(default_factory=list)
    widths: list[tuple[float, float]] = field(default_factory=list)

    @property
    def true(self) -> int:
        return sum(true for true, _ in self.counts)

    @property
    def found(self) -> int:
        return sum(found for _, found in self.counts)

    @property
    def bias(self) -> float | None:
        """Share by which more are found than there are boxes."""
        return self.found / self.true - 1 if self.true else None

    @property
    def error(self) -> float:
        """Mean of the absolute difference of a field's count."""
        return float(np.mean([abs(true - found) for true, found in self.counts]))

    @property
    def r(self) -> float | None:
        return correlation(self.counts)


def correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Pearson's; None where one side does not vary."""
    if len(pairs) < 3 or any(len({pair[side] for pair in pairs}) < 2 for side in (0, 1)):
        return None
    return float(np.corrcoef(np.array(pairs).T)[0, 1])


def measure(lab: str, items: Sequence[Item]) -> tuple[Found, Found]:
    """Platelets and red cells of the fields."""
    small, red = Found(lab, "platelet"), Found(lab, "rbc")
    usual = Scale(RED_CELL_UM / RED_CELL_PX[lab], "pooled")
    cv2.setNumThreads(1)
    for item in track(items, description=lab, transient=True):
        try:
            seen = Field.from_bgr(build.read(item.path), fallback=usual)
        except PictureError:
            for found in (small, red):
                found.counts.append((len(of_kind(item, found.kind)), 0))
            continue
        scale = seen.scale.um_per_px
        some = platelets(seen, find_cells(seen, shipped()))
        _matched(small, of_kind(item, "platelet"), some.centres, NEAR_UM / scale)
        cells = red_cells(seen)
        height, width = seen.bgr.shape[:2]
        for box, n in _matched(red, of_kind(item, "rbc"), cells.centres, 0.0):
            cut = min(box.left, box.top, width - box.right, height - box.bottom) <= MARGIN_PX
            if cells.alone[n] and not cut:
                across = ((box.right - box.left) * (box.bottom - box.top)) ** 0.5
                red.widths.append((across * scale, float(cells.diameters[n]) * scale))
    return small, red


def _matched(found: Found, boxes: Sequence[Box], centres: np.ndarray, pad: float) -> list[tuple[Box, int]]:
    """Each box takes the nearest free one whose centre lies in it."""
    free, pairs = list(range(len(centres))), []
    for box in boxes:
        wide = Box(box.kind, box.left - pad, box.top - pad, box.right + pad, box.bottom + pad)
        inside = [n for n in free if wide.holds(*centres[n])]
        if inside:
            best = min(inside, key=lambda n: float(np.hypot(*(centres[n] - box.centre))))
            free.remove(best)
            pairs.append((box, best))
    found.hits += len(pairs)
    found.counts.append((len(boxes), len(centres)))
    return pairs
