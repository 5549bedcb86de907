"""What the parts of live counting hand to one another, and the one snapshot that every display draws from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..decision import Standing
from ..session import Accounts, Advice, End, Focus, Light, Motion, Shown
from ..tally import Differential

if TYPE_CHECKING:
    import numpy as np


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
    advice: Advice | None  # None where there is nothing to do
    light: Light
    focus: Focus
    motion: Motion
    in_view: int  # cells found in the latest frame that was looked at
    waiting: int  # cells seen but not yet counted (cut by the border, not yet sharp)
    um_per_px: float | None
    areas: int
    last: tuple[Shown, ...]  # newest first
    paused: bool
    slide_awaited: bool  # a new session, paused until its slide is put on
    done: End | None  # None while counting
    warning: str  # disk, unfamiliar cells, …; one sentence or ""
    elapsed: float  # seconds
    outlines: tuple[Outline, ...] = ()
    bgr: np.ndarray | None = field(default=None, repr=False)  # the latest frame, for the live picture
    decisions: tuple[Standing, ...] = ()  # what the count is to tell, and how that stands
    truth: Mapping[str, int] | None = None  # of a simulated slide
