"""What one picture teaches: which of the cells found in it has which class, and where a labelled one was not found."""

from __future__ import annotations

import random
from typing import NamedTuple

import cv2
import numpy as np

from leuko_edge.types import Cell
from leuko_edge.vision.field import Field

from .items import Box, Item

CROP_UM = 42.0  # pictures of one cell measure 36 in PBC, DeepAPL and Raabin, the smallest whole fields 47 (BCCD)
CENTRED_UM = 7.0  # the labelled cell of a centred crop lies this near to the middle
RED_CELLS = 2  # taken of each boxed field as artefacts


class Chosen(NamedTuple):
    """A place that teaches something: its class, and the segmenter's cell there, None where it found none."""

    centre: tuple[float, float]
    label: str
    sub_type: str = ""
    cell: Cell | None = None

    @classmethod
    def at(cls, cell: Cell, label: str, sub_type: str = "") -> Chosen:
        return cls(cell.centre, label, sub_type, cell)


def choose(item: Item, cells: list[Cell], field: Field) -> list[Chosen]:
    """What one picture teaches: its labelled cell or cells, its artefacts."""
    if item.boxes is not None:
        return _from_boxes(item, cells)
    if item.label is None:
        return []
    height, width = field.bgr.shape[:2]
    width_um = max(height, width) * field.scale.um_per_px
    if item.centred or (item.centred is None and width_um < CROP_UM):
        middle = (width / 2, height / 2)
        best = _nearest(cells, middle)
        if best is not None and _away(best, middle) < CENTRED_UM / field.scale.um_per_px:
            return [Chosen.at(best, item.label, item.sub_type)]
        return [Chosen(middle, item.label, item.sub_type)]
    # The label is the field's: with one clear leukocyte it is that cell's, with two of a size nobody can tell.
    large = sorted((cv2.contourArea(c.contour), i) for i, c in enumerate(cells))[::-1]
    if not large or (len(large) > 1 and large[1][0] > 0.5 * large[0][0]):
        return []
    return [Chosen.at(cells[large[0][1]], item.label, item.sub_type)]


def _away(cell: Cell, place: tuple[float, float]) -> float:
    return float(np.hypot(cell.centre[0] - place[0], cell.centre[1] - place[1]))


def _nearest(cells: list[Cell], place: tuple[float, float]) -> Cell | None:
    return min(cells, key=lambda cell: _away(cell, place), default=None)


def _from_boxes(item: Item, cells: list[Cell]) -> list[Chosen]:
    """One cell of each leukocyte's box that has a class; what else was found, where all that there is has a box."""
    boxes = item.boxes or ()
    leukocytes = [box for box in boxes if box.kind == "wbc"]
    chosen = []
    for box in leukocytes:
        label, sub_type = (box.label, box.sub_type) if box.label else (item.label or "", item.sub_type)
        if label:
            best = _nearest([cell for cell in cells if box.holds(*cell.centre)], box.centre)
            chosen.append(Chosen.at(best, label, sub_type) if best else Chosen(box.centre, label, sub_type))
    if item.all_boxed:
        chosen += _beside(item, [cell for cell in cells if not any(box.holds(*cell.centre) for box in leukocytes)])
    return chosen


def _beside(item: Item, cells: list[Cell]) -> list[Chosen]:
    """What is no leukocyte: `cells` that were found in none's box, some red cells, platelets that were not found."""
    boxes = item.boxes or ()
    platelets = [box for box in boxes if box.kind == "platelet"]
    chosen = []
    for cell in cells:
        within = any(box.holds(*cell.centre) for box in platelets)
        chosen.append(Chosen.at(cell, "platelet" if within else "artefact"))
    dice = random.Random(str(item.path.name))

    def clear(box: Box) -> bool:
        return not any(other.kind == "wbc" and other.holds(*box.centre) for other in boxes)

    red = [box.centre for box in boxes if box.kind == "rbc" and clear(box)]
    chosen += [Chosen(xy, "artefact") for xy in dice.sample(red, min(RED_CELLS, len(red)))]
    missed = [box for box in platelets if clear(box) and not any(box.holds(*cell.centre) for cell in cells)]
    chosen += [Chosen(box.centre, "platelet") for box in missed[:3]]
    return chosen
