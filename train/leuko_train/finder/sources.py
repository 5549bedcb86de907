"""Which pictures teach the finder and which judge it: those of the cell set, split as that is."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from ..data import build, linked, split
from ..data.items import Box

RED_CELL_UM = 7.5
RED_CELL_PX = {
    "pbc": 34,
    "deepapl": 29,
    "raabin_cells": 45,
    "rv_pbs": 55,
    "lisc": 41,
    "bccd": 102,
    "deepbionet": 58,
    "raabin": 137,
}
"""Median width of a red cell in each folder's pictures, from the data's README."""
CENTRED = 1300  # pictures of one folder around a single cell, at most
NOT_WHITE = {"platelet", "artefact"}


@dataclass(frozen=True)
class Source:
    """A picture and what is known of it. `boxes` None: the cell named `label` lies in the middle (or anywhere, where
    `centred` is false)."""

    path: Path
    lab: str
    group: str
    part: str
    boxes: tuple[Box, ...] | None = None
    label: str = ""
    centred: bool = True
    mask: Path | None = None
    complete: bool = True  # every white cell has its box, also at the picture's edge

    @property
    def um_per_px(self) -> float:
        return RED_CELL_UM / RED_CELL_PX[self.lab]


def every(data: Path) -> list[Source]:
    """All pictures, in fixed order: whole fields, and so many of each folder's pictures around a cell."""
    names = linked.groups(data)
    items = build.select(data, names)
    by_folder: dict[str, list[Source]] = defaultdict(list)
    for item, (group, part) in zip(items, split.assign(items, names), strict=True):
        folder = item.path.relative_to(data).parts[0]
        copy_or_unplaced = not item.original or (folder == "deepbionet" and item.boxes is None)
        if folder in RED_CELL_PX and not copy_or_unplaced:
            by_folder[folder].append(
                Source(
                    item.path,
                    folder,
                    group,
                    part,
                    item.boxes,
                    item.label or "",
                    bool(item.centred),
                    item.mask,
                    item.all_boxed,
                )
            )
    chosen = []
    for folder in sorted(by_folder):
        own = by_folder[folder]
        chosen += random.Random(0).sample(own, CENTRED) if own[0].centred and len(own) > CENTRED else own
    return chosen
