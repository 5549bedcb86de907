"""How a trained finder does on pictures it never saw: cells found, false ones, outlines; parted clumps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from leuko_edge.vision.finder_input import stacked
from leuko_edge.vision.map_cells import FINE, Blob, cells_in
from leuko_edge.vision.segment import CellFinder

from ..metrics.detection import Detection
from .pictures import Picture, Place

MAP_PX = 2  # input pixels along a side of one of the maps'


@dataclass
class Score(Detection):
    """`boxed` cells are those with IoU >= 0.5 with their box; `sure` counts without the candidates that are faint, of
    which on the device the classifier must be sure."""

    pictures: int = 0
    boxed: int = 0
    sure: Detection = field(default_factory=lambda: Detection(""))


def score(lab: str, pictures: Sequence[Picture], finder: CellFinder, threshold: float) -> Score:
    """What `finder` shows of the pictures, against what is known of them."""
    found = Score(lab)
    for picture in pictures:
        add(found, picture, cells_in(finder.maps(stacked(picture.rgb, picture.red)), threshold))
    return found


def add(found: Score, picture: Picture, blobs: Sequence[Blob]) -> None:
    """Each true cell takes the nearest free candidate whose box's middle lies in it."""
    found.pictures += 1
    found.boxed += _count(found, picture, blobs)
    _count(found.sure, picture, [blob for blob in blobs if not blob.faint])


def _count(found: Detection, picture: Picture, blobs: Sequence[Blob]) -> int:
    """Adds to `found`; how many hits have IoU >= 0.5."""
    scale, boxed = FINE / MAP_PX, 0
    boxes = [np.array(cv2.boundingRect(blob.outline), float) / scale for blob in blobs]
    free = list(boxes)
    found.true += len(picture.places)
    for place in picture.places:
        inside = [box for box in free if _holds(place, _middle(box))]
        if not inside:
            continue
        best = min(inside, key=lambda box: float(np.hypot(*(_middle(box) - (place.x, place.y)))))
        free = [box for box in free if box is not best]
        found.hits += 1
        boxed += _iou(best, place) >= 0.5
    found.false += sum(not any(_holds(place, _middle(box), 1.5) for place in picture.unknown) for box in free)
    return boxed


def _middle(box: np.ndarray) -> np.ndarray:
    return np.array([box[0] + box[2] / 2 - 0.5, box[1] + box[3] / 2 - 0.5])


def _holds(place: Place, at: np.ndarray, times: float = 1.0) -> bool:
    return abs(at[0] - place.x) <= times * place.radii[0] and abs(at[1] - place.y) <= times * place.radii[1]


def _iou(box: np.ndarray, place: Place) -> float:
    left, top = place.x + 0.5 - place.radii[0], place.y + 0.5 - place.radii[1]
    w, h = 2 * place.radii[0], 2 * place.radii[1]
    across = min(box[0] + box[2], left + w) - max(box[0], left)
    down = min(box[1] + box[3], top + h) - max(box[1], top)
    both = max(0.0, float(across)) * max(0.0, float(down))
    return both / float(box[2] * box[3] + w * h - both)
