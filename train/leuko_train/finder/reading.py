"""From a laboratory's picture to what the finder learns: the device's own input, and where the white cells lie."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from leuko_edge.errors import PictureError
from leuko_edge.model.finder import shipped
from leuko_edge.types import Cell, Scale
from leuko_edge.vision.field import Field
from leuko_edge.vision.finder_input import FinderInput, densities, finder_input
from leuko_edge.vision.segment import find_cells

from ..data import build
from ..data.items import Box
from .pictures import UNKNOWN, Picture, Place
from .sources import NOT_WHITE, Source

SURE_IOU = 0.65  # of an outline with its box: then the outline is the truth, else the ellipse in the box
MIDDLE_UM = 7.0  # the labelled cell lies this near to the middle
USUAL_UM = 6.5  # half a cell's width, where no outline tells it
EDGE_UM = 6.0  # nearer to the border, cells often have no box


def read(source: Source) -> Picture | None:
    """None where the picture is none of a smear."""
    try:
        bgr = build.read(source.path)
        field = _field(bgr, source)
    except PictureError:
        return None
    return learnt(source, field, finder_input(field))


def learnt(source: Source, field: Field, shown: FinderInput) -> Picture | None:
    """What a picture teaches; None where nobody knows where its cell is."""
    cells = find_cells(field, shipped())
    height, width = shown.rgb.shape[:2]
    body = np.zeros((height, width), np.uint8)
    places: list[Place] = []
    unknown: list[Place] = []
    if source.boxes is not None:
        white = [box for box in source.boxes if box.kind == "wbc"]
        for box in white:
            place = _of_box((box.left, box.top, box.right - box.left, box.bottom - box.top), shown)
            places.append(place)
            own = max(cells, key=lambda cell: _iou(cell.box, box), default=None)
            if own is not None and _iou(own.box, box) >= SURE_IOU:
                _outline(body, own, shown)
            else:
                _ellipse(body, place)
        for cell in cells:
            if not any(box.holds(*cell.centre) for box in white) and not source.complete and _near_edge(cell, field):
                unknown.append(_of_box(cell.box, shown))
    else:
        chosen = _labelled(source, cells, field)
        for cell in cells:
            if cell is not chosen and source.label not in NOT_WHITE:
                unknown.append(_of_box(cell.box, shown))
        if source.label not in NOT_WHITE:
            if chosen is not None:
                places.append(_of_box(chosen.box, shown))
                _outline(body, chosen, shown)
            elif source.centred:
                reach = USUAL_UM / field.scale.um_per_px
                middle = (field.bgr.shape[1] / 2 - reach, field.bgr.shape[0] / 2 - reach, 2 * reach, 2 * reach)
                places.append(_of_box(middle, shown))
                body[:] = UNKNOWN
            else:
                return None
    for place in unknown:
        if not any(np.hypot(place.x - p.x, place.y - p.y) < 8 for p in places):
            centre, axes = (round(place.x), round(place.y)), tuple(round(1.3 * r) + 1 for r in place.radii)
            cv2.ellipse(body, centre, axes, 0, 0, 360, UNKNOWN, -1)
    if source.mask is not None:
        body = _masked(body, source, places)
    return Picture(
        str(source.path), source.lab, source.group, source.part, shown.rgb, body, tuple(places), tuple(unknown),
        shown.red, _nucleus(shown, body),
    )  # fmt: skip


def _field(bgr: np.ndarray, source: Source) -> Field:
    usual = source.um_per_px
    if source.boxes is None and source.centred:
        return Field.from_bgr(bgr, usual)
    field = Field.from_bgr(bgr, fallback=Scale(usual, "pooled"), guess=True)
    far = abs(np.log(field.scale.um_per_px / usual)) > np.log(1.5)
    return Field.from_bgr(bgr, usual) if far else field


def _labelled(source: Source, cells: Sequence[Cell], field: Field) -> Cell | None:
    """The cell that the picture's label names."""
    height, width = field.bgr.shape[:2]
    if source.centred:
        away = [float(np.hypot(c.centre[0] - width / 2, c.centre[1] - height / 2)) for c in cells]
        if not away or min(away) * field.scale.um_per_px > MIDDLE_UM:
            return None
        return cells[int(np.argmin(away))]
    inside = [cell for cell in cells if not cell.at_border]
    return max(inside, key=lambda cell: cell.diameter, default=None)


def _of_box(box: Sequence[float], shown: FinderInput) -> Place:
    x, y, w, h = box
    fx, fy = shown.factor
    return Place((x + w / 2) / fx - 0.5, (y + h / 2) / fy - 0.5, (w / 2 / fx, h / 2 / fy))


def _iou(a: Sequence[float], box: Box) -> float:
    x, y, w, h = a
    across = min(x + w, box.right) - max(x, box.left)
    down = min(y + h, box.bottom) - max(y, box.top)
    both = max(0.0, across) * max(0.0, down)
    return both / (w * h + (box.right - box.left) * (box.bottom - box.top) - both)


def _outline(body: np.ndarray, cell: Cell, shown: FinderInput) -> None:
    contour = (cell.contour / shown.factor - 0.5).round().astype(np.int32)
    cv2.drawContours(body, [contour], -1, UNKNOWN, 2)
    inner = np.zeros_like(body)
    cv2.drawContours(inner, [contour], -1, 1, -1)
    body[cv2.erode(inner, np.ones((3, 3), np.uint8)) > 0] = 1


def _ellipse(body: np.ndarray, place: Place) -> None:
    for factor, value in ((1.08, UNKNOWN), (0.85, 1)):
        axes = tuple(max(1, round(factor * r)) for r in place.radii)
        ring = np.zeros_like(body)
        cv2.ellipse(ring, (round(place.x), round(place.y)), axes, 0, 0, 360, 1, -1)
        body[(ring > 0) & (body != 1)] = value


def _near_edge(cell: Cell, field: Field) -> bool:
    margin = EDGE_UM / field.scale.um_per_px
    height, width = field.bgr.shape[:2]
    x, y, w, h = cell.box
    return x < margin or y < margin or x + w > width - margin or y + h > height - margin


def _masked(body: np.ndarray, source: Source, places: list[Place]) -> np.ndarray:
    """The experts' mask: 255 nucleus, 120 cytoplasm; the labelled cell's place is its box."""
    drawn = cv2.imread(str(source.mask), cv2.IMREAD_GRAYSCALE)
    if drawn is None:
        return body
    height, width = body.shape
    mask = cv2.resize(np.asarray(drawn > 60, np.float32), (width, height), interpolation=cv2.INTER_AREA)
    x, y, w, h = cv2.boundingRect((mask > 0.5).astype(np.uint8))
    if w < 4 or h < 4:
        return body
    places[:] = [Place(x + w / 2 - 0.5, y + h / 2 - 0.5, (w / 2, h / 2))]
    body = np.where(body == UNKNOWN, UNKNOWN, 0).astype(np.uint8)
    body[mask > 0.5] = 1
    return body


def _nucleus(shown: FinderInput, body: np.ndarray) -> np.ndarray:
    """(3,) density of the nuclei: of what absorbs red most in the white cells."""
    inside = densities(shown.rgb)[body == 1]
    if len(inside) < 30:
        return np.array([0.45, 0.7, 0.35], np.float32)
    level = np.percentile(inside[:, 0], 70)
    return np.median(inside[inside[:, 0] >= level], axis=0).astype(np.float32)
