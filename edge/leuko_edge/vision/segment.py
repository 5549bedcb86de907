"""White cells of a field: what the finder's network shows, cut and outlined, touching ones parted.

All candidates are returned, none for its size. What the network takes for a cell and is none is left to the
classifier's `platelet` and `artefact` classes.
"""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np

from ..types import Cell
from .field import Field
from .finder_input import FINDER_UM, finder_input
from .map_cells import FINE_UM, Blob, cells_in

CUT = (
    0.25  # of an outline along the border: there it goes through the nucleus, which fills two thirds of a cell's width
)


class CellFinder(Protocol):
    """What shows where white cells lie: `maps` of (h, w, 6) uint8 are (h / 2, w / 2, 2) float32, centres and bodies, 0
    to 1; above `threshold` a centre is one."""

    @property
    def threshold(self) -> float: ...

    def maps(self, shown: np.ndarray) -> np.ndarray: ...


def find_cells(field: Field, finder: CellFinder) -> list[Cell]:
    """Every candidate white cell of the field, left to right, boxes in pixels of the file."""
    shown = finder_input(field)
    blobs = cells_in(finder.maps(shown.stacked), finder.threshold)
    if not blobs:
        return []
    inner = _inner(shown.valid)
    step = np.array(shown.factor) * FINE_UM / FINDER_UM  # file pixels along a side of the outlines' grid
    return sorted((_cell(blob, inner, step, field) for blob in blobs), key=lambda cell: cell.box[:2])


def _inner(valid: np.ndarray) -> np.ndarray:
    """(h, w) uint8 at `FINE_UM`: 1 but within 1 µm, a pixel of the maps, of the picture's edge or its black frame."""
    times = round(FINDER_UM / FINE_UM)
    fine = cv2.resize(valid.astype(np.uint8), None, fx=times, fy=times, interpolation=cv2.INTER_NEAREST)
    return cv2.erode(fine, np.ones((9, 9), np.uint8), borderValue=0)


def _cell(blob: Blob, inner: np.ndarray, step: np.ndarray, field: Field) -> Cell:
    height, width = field.bgr.shape[:2]
    rows, columns = (np.minimum(blob.outline[:, n], inner.shape[1 - n] - 1) for n in (1, 0))
    on_edge = float((inner[rows, columns] == 0).mean())
    x, y, w, h = cv2.boundingRect(blob.outline)
    left, top = max(0, int(x * step[0])), max(0, int(y * step[1]))
    right, bottom = min(width, int(np.ceil((x + w) * step[0]))), min(height, int(np.ceil((y + h) * step[1])))
    contour = np.clip((blob.outline + 0.5) * step, 0, (width - 1, height - 1)).round().astype(np.int32)
    return Cell(
        box=(left, top, right - left, bottom - top),
        centre=((left + right) / 2, (top + bottom) / 2),
        contour=cv2.approxPolyDP(contour, 0.5, True)[:, 0],
        at_border=on_edge > 0,
        nucleus_cut=on_edge > CUT,
        clump=blob.clump,
        faint=blob.faint,
    )
