"""How a cell set keeps its cells: one row of `cells.csv` and one crop each."""

from __future__ import annotations

from dataclasses import dataclass

STORED_UM, STORED_SIZE = 36.0, 144  # room around the network's 24 µm for turning, shifting and scaling


@dataclass(frozen=True)
class Row:
    lab: str
    label: str
    source: str
    split: str
    path: str
    x: float
    y: float
    um_per_px: float
    scale_origin: str
    found: bool


FIELDS = tuple(Row.__dataclass_fields__)
