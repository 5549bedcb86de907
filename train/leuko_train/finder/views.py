"""One training view: a turned and scaled piece of a picture, in another stain, through another camera."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leuko_edge.vision.finder_input import WHITE, stacked

from .camera import photographed
from .pictures import Picture
from .recolour import recoloured
from .scene import Scene

MOSAICS = 0.3  # of the views
STACKS = 0.25  # red cells that lie on one another
TIGHT = 0.08  # pictures cut round one cell
LABS = {
    "bccd": 1.5, "deepbionet": 2.0, "raabin": 1.0, "rv_pbs": 2.0, "lisc": 1.3, "pbc": 1.0, "deepapl": 1.3,
    "raabin_cells": 1.2, "simulated": 1.2,
}  # fmt: skip


@dataclass(frozen=True)
class View:
    """`shown` (side, side, 6) uint8; `centre` and `body` half as large, uint8: 0, 1, or `pictures.UNKNOWN`."""

    shown: np.ndarray
    centre: np.ndarray
    body: np.ndarray


class Views:
    """Draws views of `pictures`, laboratories as `LABS` weighs them."""

    def __init__(self, pictures: Sequence[Picture], seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._by_lab: dict[str, list[Picture]] = defaultdict(list)
        for picture in pictures:
            self._by_lab[picture.lab].append(picture)
        self._labs = sorted(self._by_lab)
        weights = np.array([LABS[lab] for lab in self._labs])
        self._weights = weights / weights.sum()

    def draw(self) -> View:
        rng = self._rng
        lab = str(rng.choice(self._labs, p=self._weights))
        pictures = self._by_lab[lab]
        picture = pictures[int(rng.integers(len(pictures)))]
        scene = Scene.of(rng, picture)
        if rng.random() < MOSAICS:
            scene.crowd(rng, pictures, int(rng.integers(1, 12)))
        if rng.random() < STACKS:
            scene.stack(rng, picture.red)
        density, red = recoloured(rng, scene.density, picture.red, picture.nucleus)
        rgb, red = photographed(rng, density, red)
        if rng.random() < TIGHT and (inside := scene.cut_round(rng)) is not None:
            rgb[~inside] = WHITE
            red = red + rng.uniform(0, 0.5) * np.maximum(picture.nucleus - red, 0)  # few red cells
        return View(stacked(rgb, red), scene.centre(), scene.body_map())
