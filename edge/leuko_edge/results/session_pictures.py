"""A session's cells as pictures: a map of each area of the slide, and a contact sheet for each class.

Frames are not stored, crops are: a map shows every cell's crop at its place, outlined and named, on an empty ground.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import cv2
import numpy as np

from ..store.archive import Archive, Record
from ..store.records import StoredCell
from ..types import Scale, guessed
from .annotate import Mark, annotate, caption
from .contact_sheet import SHEET, Thumbnail, file_name, numbered, sheet
from .picture_folder import Names, put
from .wording import class_name

MAP_SIDE = 4000  # px; the long side of a map, whatever part of the slide it covers
MAP_CELLS = 400  # on one map; an area with more is cut into bands
TILE_SIDE = 48  # px; a crop on a map is no smaller than this, for the cell to be known by
GROUND = (236, 236, 236)


def write_sheets(archive: Archive, record: Record, folder: str) -> None:
    """LABEL.png (LABEL-2.png, …) in `folder`: cells by what they are taken for now; OSError where that fails.

    Under each stand the cell's number with the model's confidence, or who changed it, and the photograph or frame.
    """
    by_label: dict[str, list[StoredCell]] = defaultdict(list)
    for cell in record.standing:
        by_label[cell.label].append(cell)
    for label, cells in by_label.items():
        for number, start in enumerate(range(0, len(cells), SHEET), start=1):
            thumbnails = [_thumbnail(archive, record, cell) for cell in cells[start : start + SHEET]]
            name = f"{label}.png" if number == 1 else f"{label}-{number}.png"
            put(folder, name, sheet(label, thumbnails))


def _thumbnail(archive: Archive, record: Record, cell: StoredCell) -> Thumbnail:
    rgb = archive.crop(record.summary.id, cell.id)
    if rgb is None:
        rgb = np.full((TILE_SIDE, TILE_SIDE, 3), GROUND, np.uint8)
    said = numbered(cell.id, cell.confidence, _guess(record, cell))
    if cell.changed:
        said = f"#{cell.id} by {_ascii(cell.by)}"
    paths = {picture.number: picture.path for picture in record.pictures}
    return rgb, said, file_name(paths[cell.frame]) if cell.frame in paths else f"frame {cell.frame}", cell.counted


def _guess(record: Record, cell: StoredCell) -> str:
    return guessed(cell.label, cell.probabilities, record.info.classes)


def _ascii(text: str) -> str:
    """OpenCV's letters have no others."""
    return text.encode("ascii", "replace").decode()


def write_maps(archive: Archive, record: Record, folder: str) -> None:
    """AREA.png (area-1.png, area-1-2.png, …) in `folder`, of photographs NAME-cells.png; OSError where one cannot be
    written."""
    paths, names = {picture.number: picture.path for picture in record.pictures}, Names()
    by_area: dict[int, list[StoredCell]] = defaultdict(list)
    for cell in record.standing:
        by_area[cell.area].append(cell)
    for area, cells in by_area.items():
        bands = sorted(cells, key=lambda cell: cell.y)
        for number, start in enumerate(range(0, len(bands), MAP_CELLS), start=1):
            name = f"area-{area}.png" if number == 1 else f"area-{area}-{number}.png"
            name = names.of(paths[area]) if area in paths else name
            put(folder, name, draw_map(archive, record, bands[start : start + MAP_CELLS]))


def draw_map(archive: Archive, record: Record, cells: Sequence[StoredCell]) -> np.ndarray:
    """(h, w, 3) uint8 BGR, at most about MAP_SIDE px: `cells` of one area, each crop where it was found."""
    window = _window(archive, record, cells)
    corner = np.min([(cell.x, cell.y) for cell in cells], axis=0) - 1.5 * window
    extent = np.max([(cell.x, cell.y) for cell in cells], axis=0) + 1.5 * window - corner
    shrink = min(1.0, MAP_SIDE / float(extent.max()))
    side = max(TILE_SIDE, round(window * shrink))
    width, height = (math.ceil(length * shrink) + side for length in extent)
    bgr = np.full((height, width, 3), GROUND, np.uint8)
    drawn = []
    for cell in cells:
        x, y = (np.array((cell.x, cell.y)) - corner) * shrink + side / 2
        _paste(bgr, archive.crop(record.summary.id, cell.id), x, y, side)
        drawn.append(_mark(archive, record, cell, x, y, side / window))
    scale = None if record.um_per_px is None else Scale(record.um_per_px / shrink, "given")
    return annotate(bgr, drawn, scale)


def _window(archive: Archive, record: Record, cells: Sequence[StoredCell]) -> float:
    """Full-frame pixels along a crop's side: by the scale, or without one twice the usual cell."""
    if record.info.window_um and record.um_per_px:
        return record.info.window_um / record.um_per_px
    return 2 * float(np.median([max(cell.box[2:]) for cell in cells]))


def _paste(bgr: np.ndarray, rgb: np.ndarray | None, x: float, y: float, side: int) -> None:
    """Put a crop into `bgr` with its middle at (x, y), `side` px wide; nothing where there is no crop."""
    if rgb is None:
        return
    left, top = round(x - side / 2), round(y - side / 2)
    step = rgb.shape[0] / side
    tile = cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA if step > 1 else cv2.INTER_LINEAR)
    bgr[top : top + side, left : left + side] = tile[:, :, ::-1]


def _mark(archive: Archive, record: Record, cell: StoredCell, x: float, y: float, zoom: float) -> Mark:
    """The cell as `annotate` takes it, its outline (or box) around (x, y) of the map."""
    left, top, width, height = cell.box
    contour = archive.contour(record.summary.id, cell.id)
    if contour is None:
        contour = np.array([(left, top), (left + width, top), (left + width, top + height), (left, top + height)])
    middle = np.array((left + width / 2, top + height / 2))
    outline = np.rint((contour - middle) * zoom + (x, y)).astype(np.int32)
    box = (round(x - width * zoom / 2), round(y - height * zoom / 2), round(width * zoom), round(height * zoom))
    said = caption(cell.label, cell.confidence, _guess(record, cell))
    if cell.changed:
        said = _ascii(f"{class_name(cell.label)}, by {cell.by}")[:40]
    return Mark(cell.label, outline, box, f"#{cell.id} {said}")
