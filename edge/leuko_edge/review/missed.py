"""A cell that counting missed, where a person points: outlined, cropped and named as counting would have done it."""

from __future__ import annotations

import time
from dataclasses import replace

import cv2
import numpy as np

from ..errors import PictureError, UsageError
from ..model.classify import CellClassifier, doubted
from ..model.finder import shipped
from ..sources.picture_decoding import read_picture
from ..store.records import NewCell, Picture
from ..types import Cell
from ..vision.crop import cut
from ..vision.field import Field
from ..vision.segment import find_cells

USUAL_UM = 12.0  # across a white cell whose outline is not found


def named(classifier: CellClassifier, picture: Picture, page: int, x: float, y: float) -> NewCell:
    """The cell of `picture` at (x, y), pixels of its file's `page`, from 0.

    UsageError where the file is no longer what was counted, or the place lies outside of it.
    """
    bgr = _pixels(picture, page)
    if not (0 <= x < bgr.shape[1] and 0 <= y < bgr.shape[0]):
        raise UsageError("that place lies outside of the picture")
    field = Field.from_bgr(bgr, picture.um_per_px)
    cell = _found(field, x, y) or _round(field, x, y)
    card = classifier.card
    crops = cut(field, [cell.centre], card.window_um, card.input_size)
    seen = replace(cell, faint=False)  # a person sees it
    said = doubted(classifier.classify(crops)[0], seen, field.scale.um_per_px, card)
    centre = cell.centre
    return NewCell(
        label=said.label,
        confidence=said.confidence,
        probabilities=said.probabilities,
        views=1,
        area=picture.number,
        key=0,
        dx=centre[0],
        dy=centre[1],
        x=centre[0],
        y=centre[1],
        box=cell.box,
        frame=picture.number,
        crop=crops[0],
        seen_at=time.time(),
        contour=cell.contour,
    )


def _pixels(picture: Picture, page: int) -> np.ndarray:
    if picture.refused is not None:
        raise UsageError("this picture was not counted, so that no cell can be added to it")
    try:
        bgr = read_picture(picture.path, page)
    except (OSError, PictureError):
        raise UsageError(
            f"{picture.path} can no longer be read", "put it where it was counted, or take another class for a cell"
        ) from None
    if (bgr.shape[1], bgr.shape[0]) != (picture.width, picture.height):
        raise UsageError(f"{picture.path} is another picture than the one that was counted")
    return bgr


def _found(field: Field, x: float, y: float) -> Cell | None:
    """The cell whose outline holds the place."""
    for cell in find_cells(field, shipped()):
        if cv2.pointPolygonTest(cell.contour.astype(np.float32), (x, y), False) >= 0:
            return cell
    return None


def _round(field: Field, x: float, y: float) -> Cell:
    radius = USUAL_UM / field.scale.um_per_px / 2
    turn = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    contour = np.rint(np.stack((x + radius * np.cos(turn), y + radius * np.sin(turn)), 1)).astype(np.int32)
    side = round(2 * radius)
    return Cell((round(x - radius), round(y - radius), side, side), (x, y), contour)
