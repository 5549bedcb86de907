"""The nouns of a live session that several rooms share: places, frames, cells shown, what a person asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from .types import Skip

if TYPE_CHECKING:
    import numpy as np


FEWEST = 3
"""Cells of a class that a person named; of fewer a laboratory's model is taught nothing."""


class PlaceState(StrEnum):
    TRACKING = "tracking"
    """Joined to the frame before."""
    FOUND = "found"
    """Found again at a known place, after being lost."""
    NEW = "new"
    """First of a new area."""
    LOST = "lost"
    """Nowhere: x and y then mean nothing."""


class Light(StrEnum):
    GOOD = "good"
    BRIGHT = "too bright"
    DARK = "too dark"


class Focus(StrEnum):
    MEASURING = "measuring"
    """Not known yet, or not to be told in such a light."""
    SHARP = "sharp"
    BLURRED = "out of focus"


class Motion(StrEnum):
    STILL = "still"
    MOVING = "moving"
    LOST = "lost"


class Advice(StrEnum):
    """What the person at the microscope should do so that frames can be counted. The values are those of the service's
    status file; `screen.words` has the words for it."""

    HOLD_STILL = "hold still"
    FOCUS = "focus"
    LIGHT = "set the light"
    MOVE_ON = "move to where the cells are"
    GO_BACK = "lost: hold still, or go back a little"
    RESUME = "paused"


ADVICE: Mapping[Skip, Advice] = MappingProxyType(
    {
        Skip.MOVING: Advice.HOLD_STILL,
        Skip.DEFOCUSED: Advice.FOCUS,
        Skip.CLIPPED: Advice.LIGHT,
        Skip.EMPTY: Advice.MOVE_ON,
        Skip.LOST: Advice.GO_BACK,
        Skip.PAUSED: Advice.RESUME,
    }
)


class End(StrEnum):
    """Why counting has stopped."""

    TARGET = "target"
    """So many cells are counted as were wanted."""
    PRECISION = "precision"
    """Every interval is as narrow as was wanted."""
    SOURCE = "source"
    """No more frames come."""
    SIGNED = "signed"
    STOPPED = "stopped"
    """By the operator, without signing."""


@dataclass(frozen=True)
class Place:
    """Where on the slide a frame lies. `x`, `y`: full-frame pixels of its upper left corner in its area.

    `key` is the keyframe the position is
    measured against and (`dx`, `dy`) the offset to it: what is stored with a cell, so that it moves with the map when
    drift is corrected. `confidence` 0 to 1 of the registration; `step` px is how far the view moved since the last
    frame.
    """

    state: PlaceState
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
    guess: str = ""  # of an unidentified cell: the class whose confidence it is
    crop: np.ndarray | None = field(default=None, repr=False)  # (n, n, 3) uint8 RGB


@dataclass(frozen=True)
class Action:
    """What the person wants.

    `kind` is "pause" (and, again, to go on), "undo", "redo" (of the latest undo), "new_area" (of the same slide),
    "reclassify", "identify", "quit" (without signing) or "sign" (and quit). Of "reclassify", `label` is the new class
    and `cell` the number of the cell, None for the last one. Of "identify", `sample` and `operator` are what the
    session is to bear from now on, None what stays; of "sign", `operator` is the name that was asked for. `next_slide`:
    what ends here is followed by a session of another slide. `who` asks for it, as the kernel names the sender of a key
    that came from elsewhere; "": the person at the device.
    """

    kind: Literal["pause", "undo", "redo", "new_area", "reclassify", "identify", "quit", "sign"]
    label: str | None = None
    cell: int | None = None
    who: str = ""
    sample: str | None = None
    operator: str | None = None
    next_slide: bool = False
