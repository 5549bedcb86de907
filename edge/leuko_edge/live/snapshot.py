"""What the parts of live counting hand to one another, and the one snapshot that every display draws from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from ..errors import LeukoError
from ..tally import Differential
from ..types import Frame

SKIPS = ("moving", "defocused", "clipped", "empty", "lost", "paused")
"""Why a captured frame was not counted: exactly one reason each."""


class SourceLost(LeukoError):
    """The camera is missing, busy, unplugged, silent or frozen: the session is kept."""

    exit_code = 4


class LiveSource(Protocol):
    """A camera, a film or the simulated slide: a context manager that is iterated once.

    A live one delivers the newest frame and drops what came while nobody asked; a film waits for its reader.
    Iterating raises SourceLost where no frame comes in time. `Frame.captured_at` is `time.time()` at capture.
    """

    name: str
    live: bool

    @property
    def dropped(self) -> int:
        """Frames captured so far that were never delivered."""
        ...

    def __enter__(self) -> LiveSource: ...

    def __exit__(self, *error: object) -> None: ...

    def __iter__(self) -> Iterator[Frame]: ...

    def describe(self) -> dict[str, Any]:
        """What the session's record keeps of it: JSON values."""
        ...


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
class Outline:
    """A cell as the annotated live picture draws it; `contour` (n, 2) int32 in the frame's pixels."""

    contour: np.ndarray = field(repr=False)
    label: str | None  # None while it waits to be seen whole or named
    confidence: float
    counted: bool


@dataclass(frozen=True)
class Snapshot:
    """Everything a display shows, at one moment."""

    session: int
    sample: str
    operator: str
    source: str
    simulated: bool
    differential: Differential
    target: int | None  # cells to count, None where a precision is the goal
    precision: float | None  # widest 95 % interval that matters, points, to get below
    widest: float  # the widest 95 % interval that matters now, points
    accounts: Accounts
    frames_per_second: float
    advice: str  # what the person should do: "focus", "hold still", "move on", "paused", "" …
    light: str  # "good", "too bright", "too dark"
    focus: str  # "sharp", "out of focus", "measuring"
    motion: str  # "still", "moving", "lost"
    in_view: int  # cells found in the latest frame that was looked at
    waiting: int  # cells seen but not yet counted (cut by the border, not yet sharp)
    um_per_px: float | None
    areas: int
    last: tuple[Shown, ...]  # newest first
    paused: bool
    done: str  # "" while counting; else why it stopped: "target reached", …
    warning: str  # disk, unfamiliar cells, …; one sentence or ""
    elapsed: float  # seconds
    outlines: tuple[Outline, ...] = ()
    bgr: np.ndarray | None = field(default=None, repr=False)  # the latest frame, for the live picture
    truth: Mapping[str, int] | None = None  # of a simulated slide
