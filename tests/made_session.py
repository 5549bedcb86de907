"""Sessions made up for tests: cells of any class at any place, without camera or network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from leuko_edge.session import Accounts
from leuko_edge.store import NewCell, SessionInfo
from leuko_edge.types import CLASSES

START = 1_700_000_000.0
INFO = SessionInfo(
    sample="S-17",
    operator="A. B.",
    notes="second slide",
    source="/dev/video0",
    source_details={"size": [1280, 960]},
    model_name="leuko",
    model_sha256="abc",
    target=100,
    program="leuko-edge 0.1.0",
    thresholds={"confidence": 0.5},
    window_um=24.0,
)
ACCOUNTS = Accounts(7, {"moving": 2, "defocused": 1}, 3)


def new_cell(label: str = "neutrophil", number: int = 1, **changes: object) -> NewCell:
    """A cell 200 px from the one before, on a dark violet crop."""
    rgb = np.full((64, 64, 3), (110, 60, 140), np.uint8)
    rgb[0, 0] = (number, 0, 0)
    contour = np.array([[400, 300], [500, 300], [500, 400], [400, 400]], np.int32)
    shares = tuple(0.75 if name == label else 0.03125 for name in CLASSES)
    cell = NewCell(
        *(label, 0.75, shares, 4),
        area=1,
        key=2,
        dx=10.5,
        dy=20.5,
        x=200.0 * number,
        y=150.0 * (number % 3),
        box=(400, 300, 100, 100),
        frame=40 + number,
        crop=rgb,
        seen_at=START + number,
        contour=contour,
    )
    return replace(cell, **changes)
