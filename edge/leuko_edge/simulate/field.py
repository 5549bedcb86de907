"""A whole field of a simulated smear, with the truth of what was drawn: `draw_field`.

Simulated pictures are for demonstrations, tests and light training; they never stand in an accuracy figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .background import Background, draw_platelet, draw_red_cell, lay_red_cells, plasma
from .camera import Camera
from .cells import Patch, draw_cell
from .stain import Stain, transmit

NORMAL = {
    "neutrophil": 0.57,
    "lymphocyte": 0.32,
    "monocyte": 0.07,
    "eosinophil": 0.03,
    "basophil": 0.01,
}
"""A healthy adult's differential, as shares of 1, within the seed paper's normal proportions."""

APART_UM = 3.0
"""Least gap between the bodies that are asked for, and between them and the picture's border."""


@dataclass(frozen=True)
class DrawnCell:
    """The truth of one cell: its class, its box x, y, w, h and the box's middle, in pixels of the picture."""

    label: str
    box: tuple[int, int, int, int]
    centre: tuple[float, float]


@dataclass(frozen=True)
class Drawn:
    """A simulated picture, bgr (h, w, 3) uint8.

    `truth` lists the cells asked for; the red cells and platelets strewn around them are not in it.
    """

    bgr: np.ndarray = field(repr=False)
    truth: tuple[DrawnCell, ...]
    um_per_px: float


class Slide:
    """Optical density of a piece of slide that bodies are laid onto, (h, w, 3) float32, starting empty."""

    def __init__(self, width: int, height: int) -> None:
        self.density = np.zeros((height, width, 3), np.float32)

    def add(self, patch: Patch, x: int, y: int, displaces: bool = False) -> None:
        """Lay a patch with its upper left corner at x, y; what falls outside is cut off.

        Densities add. A patch that `displaces` first takes away what lies under its body, as a leukocyte pushes red
        cells aside.
        """
        h, w = patch.cover.shape
        height, width = self.density.shape[:2]
        x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, width), min(y + h, height)
        if x0 >= x1 or y0 >= y1:
            return
        piece = self.density[y0:y1, x0:x1]
        source = np.s_[y0 - y : y1 - y, x0 - x : x1 - x]
        if displaces:
            piece *= 1 - patch.cover[source][..., None]
        piece += patch.density[source]


def draw_field(
    rng: np.random.Generator,
    *,
    width: int = 1280,
    height: int = 960,
    um_per_px: float = 0.1,
    cells: Sequence[str] | None = None,
    stain: Stain | None = None,
    camera: Camera | None = None,
    background: Background | None = None,
) -> Drawn:
    """Draw a field that shows `cells`, whole and well apart, among red cells and platelets.

    `cells` are labels of `leuko_edge.types.CLASSES`; None draws one to four leukocytes at random from `NORMAL`.
    The same generator state gives the same picture. ValueError where so many cells do not fit the field, or a
    label is unknown.
    """
    stain, camera, background = stain or Stain(), camera or Camera(), background or Background()
    if cells is None:
        cells = [str(label) for label in rng.choice(list(NORMAL), int(rng.integers(1, 5)), p=list(NORMAL.values()))]
    patches = [draw_cell(rng, label, um_per_px, stain) for label in cells]
    corners = _spread(rng, patches, width, height, APART_UM / um_per_px)
    truth = tuple(_truth(patch, corner) for patch, corner in zip(patches, corners, strict=True))

    slide = Slide(width, height)
    clear = np.array([(*c.centre, (c.box[2] + c.box[3]) / 4) for c in truth]).reshape(-1, 3) * um_per_px
    extent = (width * um_per_px, height * um_per_px)
    for x, y, diameter in lay_red_cells(rng, extent, clear, background):
        _add_at(slide, draw_red_cell(rng, diameter, um_per_px, stain, background), x, y)
    for _ in range(rng.poisson(background.platelets * extent[0] * extent[1] / 1000)):
        x, y = rng.uniform((0, 0), extent)
        platelet = draw_platelet(rng, um_per_px, stain)
        if all(np.hypot(x - cx, y - cy) > r + 2.5 for cx, cy, r in clear):
            _add_at(slide, platelet, x, y)
    for patch, (x, y) in zip(patches, corners, strict=True):
        slide.add(patch, x, y, displaces=True)

    light = transmit(slide.density + plasma(rng, (height, width), um_per_px))
    return Drawn(camera.expose(rng, light, um_per_px), truth, um_per_px)


def _add_at(slide: Slide, patch: Patch, x_um: float, y_um: float) -> None:
    h, w = patch.cover.shape
    slide.add(patch, round(x_um / patch.um_per_px - w / 2), round(y_um / patch.um_per_px - h / 2))


def _truth(patch: Patch, corner: tuple[int, int]) -> DrawnCell:
    x, y, w, h = patch.box
    box = (x + corner[0], y + corner[1], w, h)
    return DrawnCell(patch.label, box, (box[0] + w / 2, box[1] + h / 2))


def _spread(
    rng: np.random.Generator, patches: Sequence[Patch], width: int, height: int, gap: float
) -> list[tuple[int, int]]:
    """Upper left corners that keep every body whole, inside the picture and `gap` pixels from any other."""
    for _ in range(30):
        corners: list[tuple[int, int]] = []
        boxes: list[tuple[float, float, float]] = []
        for patch in patches:
            spot = _free_spot(rng, patch, boxes, width, height, gap)
            if spot is None:
                break
            x, y, w, h = patch.box
            corners.append(spot)
            boxes.append((spot[0] + x + w / 2, spot[1] + y + h / 2, max(w, h) / 2))
        else:
            return corners
    raise ValueError(f"{len(patches)} cells do not fit a field of {width}×{height} pixels at this scale")


def _free_spot(
    rng: np.random.Generator,
    patch: Patch,
    taken: Sequence[tuple[float, float, float]],
    width: int,
    height: int,
    gap: float,
) -> tuple[int, int] | None:
    x, y, w, h = patch.box
    room = width - w - 2 * gap, height - h - 2 * gap
    if min(room) < 0:
        return None
    for _ in range(60):
        left, top = rng.uniform((gap, gap), (gap + room[0], gap + room[1]))
        cx, cy, r = left + w / 2, top + h / 2, max(w, h) / 2
        if all(np.hypot(cx - tx, cy - ty) > r + tr + gap for tx, ty, tr in taken):
            return round(left - x), round(top - y)
    return None
