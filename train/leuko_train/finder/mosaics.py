"""Clumps of touching cells, pasted from held-out pictures: is each of their cells found?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from leuko_edge.vision.finder_input import WHITE, stacked
from leuko_edge.vision.map_cells import cells_in
from leuko_edge.vision.segment import CellFinder

from . import judge
from .judge import Score
from .pictures import Picture
from .scene import Scene

SIDE = 160  # input pixels: 80 µm
COUNT = 150
TRIES = 24  # cells pasted, of which many find no room
LEAST, MOST = 2, 12  # cells in a mosaic


def score(pictures: Sequence[Picture], finder: CellFinder, threshold: float, seed: int = 0) -> Score:
    """Of `COUNT` mosaics, each of one laboratory's cells in their own stain; `true` are those in it."""
    rng = np.random.default_rng(seed)
    by_lab: dict[str, list[Picture]] = defaultdict(list)
    for picture in pictures:
        if len(picture.places) == 1 and (picture.body == 1).any():
            by_lab[picture.lab].append(picture)
    labs = sorted(by_lab)
    found = Score("mosaics of touching cells")
    while found.pictures < COUNT:
        others = by_lab[labs[int(rng.integers(len(labs)))]]
        first = others[int(rng.integers(len(others)))]
        scene = Scene.of(rng, first, SIDE)
        scene.crowd(rng, others, int(rng.integers(2, TRIES)))
        inside = tuple(p for p in scene.places if 0 < p.x < SIDE and 0 < p.y < SIDE)
        if not LEAST <= len(inside) <= MOST:
            continue
        rgb = np.clip(WHITE * 10.0**-scene.density, 0, 255).round().astype(np.uint8)
        made = Picture("", "", "", "test", rgb, scene.body, inside, tuple(scene.unknown), first.red, first.nucleus)
        judge.add(found, made, cells_in(finder.maps(stacked(rgb, first.red)), threshold))
    return found
