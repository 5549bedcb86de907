"""The nouns of a live session that several rooms share: places, frames, cells shown, what a person asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

SKIPS = ("moving", "defocused", "clipped", "empty", "lost", "paused")
"""Why a captured frame was not counted: exactly one reason each."""


@dataclass(frozen=True)
class Place:
    """Where on the slide a frame lies. `x`, `y`: full-frame pixels of its upper left corner in its area.

    state: "tracking" (joined to the frame before), "found" (re-found at a known place after being lost), "new"
    (first of a new area), "lost" (nowhere; x and y then mean nothing). `key` is the keyframe the position is
    measured against and (`dx`, `dy`) the offset to it: what is stored with a cell, so that it moves with the map when
    drift is corrected. `confidence` 0 to 1 of the registration; `step` px is how far the view moved since the last
    frame.
    """

    state: str
    area: int
    key: int
    dx: float
    dy: float
    x: float
    y: float
    confidence: float
    step: float


@dataclass(frozen=True)
class MapPiece:
    """A keyframe of the map as a session keeps it, so that a resumed one knows the places of before.

    `x`, `y` and `fine` (h, w) int8 are in the map's own reduced pixels; `shape` is that of the camera's frames.
    """

    key: int
    area: int
    x: float
    y: float
    shape: tuple[int, ...]
    fine: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class Accounts:
    """Frames by what became of them. `captured` = `counted` + `skipped` + `dropped`, always."""

    counted: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    dropped: int = 0

    @property
    def captured(self) -> int:
        return self.counted + sum(self.skipped.values()) + self.dropped


@dataclass(frozen=True)
class Shown:
    """One cell for the display's list of the last ones."""

    id: int  # the session's number of it, 1, 2, …
    label: str
    confidence: float
    by: str  # "model" or the operator who changed it
    crop: np.ndarray | None = field(default=None, repr=False)  # (n, n, 3) uint8 RGB


@dataclass(frozen=True)
class Action:
    """What the person wants.

    `kind` is "pause" (and, again, to go on), "undo", "redo" (of the latest undo), "new_slide", "reclassify", "quit"
    (without signing) or "sign" (and quit). Of "reclassify", `label` is the new class and `cell` the number of the cell,
    None for the last one.
    """

    kind: str
    label: str | None = None
    cell: int | None = None
