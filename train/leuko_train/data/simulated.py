"""Drawn cells as one more, light laboratory: they only ever train, and stand in no accuracy figure.

They keep the demo's cells within what the network knows, and bring classes together under one stain and camera that no
real laboratory here has together.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from leuko_edge.errors import PictureError
from leuko_edge.model.finder import shipped
from leuko_edge.simulate import Background, Camera, Stain, draw_field
from leuko_edge.types import CLASSES
from leuko_edge.vision.crop import cut
from leuko_edge.vision.field import Field
from leuko_edge.vision.segment import find_cells

from .cell_set import STORED_SIZE, STORED_UM, Cut, Row
from .outlines import outlined

LAB = "simulated"
FIELDS_DRAWN = 120
CELLS_A_FIELD = 5
UM_PER_PX = 0.125


def rows(fields: int = FIELDS_DRAWN, seed: int = 1) -> Iterator[Cut]:
    """Each drawn cell that the device's own code finds.

    Classes are drawn evenly, stain, camera and red cells anew for every field.
    """
    rng = np.random.default_rng(seed)
    for number in range(fields):
        labels = [str(label) for label in rng.choice(CLASSES, CELLS_A_FIELD)]
        drawn = draw_field(
            rng,
            width=800,
            height=600,
            um_per_px=UM_PER_PX,
            cells=labels,
            stain=Stain().varied(rng),
            camera=Camera().varied(rng),
            background=Background().varied(rng),
        )
        try:
            field = Field.from_bgr(drawn.bgr, guess=True)
        except PictureError:
            continue
        for cell in find_cells(field, shipped()):
            label = next((t.label for t in drawn.truth if _holds(t.box, cell.centre)), None)
            if label is not None:
                rgb = cut(field, [cell.centre], STORED_UM, STORED_SIZE)[0]
                scale = field.scale
                where = f"{LAB}/{number}"
                row = Row(LAB, label, where, "train", where, *cell.centre, scale.um_per_px, scale.origin, True)
                yield Cut(row, rgb, outlined(cell, cell.centre, scale.um_per_px))


def _holds(box: tuple[int, int, int, int], centre: tuple[float, float]) -> bool:
    x, y, w, h = box
    return x <= centre[0] <= x + w and y <= centre[1] <= y + h
