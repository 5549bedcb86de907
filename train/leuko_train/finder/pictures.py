"""What the finder learns from: every laboratory's pictures at the finder's scale, with where their white cells lie."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Place:
    """A white cell in pixels of the finder's input. `radii` are half the box's sides."""

    x: float
    y: float
    radii: tuple[float, float]


@dataclass(frozen=True)
class Picture:
    """`rgb` (h, w, 3) uint8 as the device shows it to the network.

    `body` (h, w) uint8: 1 in white cells, 0 outside, `UNKNOWN` where nobody knows. `unknown` are places that may be
    white cells, though nobody said so. `red` and `nucleus` (3,) are densities in R, G, B.
    """

    path: str
    lab: str
    group: str
    part: str
    rgb: np.ndarray = field(repr=False)
    body: np.ndarray = field(repr=False)
    places: tuple[Place, ...]
    unknown: tuple[Place, ...]
    red: np.ndarray
    nucleus: np.ndarray


UNKNOWN = 2
