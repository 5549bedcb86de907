"""The nouns of a stored session; `table_rows` brings them in and out of the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..types import LEUKOCYTES, REFERENCES

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class SessionInfo:
    """What is known when a session begins and does not change."""

    sample: str = ""
    operator: str = ""
    notes: str = ""
    source: str = ""
    source_details: Mapping[str, Any] = field(default_factory=dict)  # JSON values
    model_name: str = ""
    model_sha256: str = ""
    target: int | None = None  # cells to count
    precision: float | None = None  # or points that the widest interval should come below
    simulated: bool = False
    leukocytes: tuple[str, ...] = LEUKOCYTES  # classes in the denominator, as the card names them
    program: str = ""  # name and version of what counts
    thresholds: Mapping[str, float] = field(default_factory=dict)  # of the card: confidence, temperature, distance, …
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=lambda: dict(REFERENCES))  # per cent
    window_um: float | None = None  # micrometres along a side of a crop, as the card says
    kind: str = "live"  # or "photographs"
    classes: tuple[str, ...] = ()  # in the order of a cell's probabilities; (): of a session older than this
    decisions: tuple[str, ...] = ()  # what the count is to tell, as `decision.Decision.parse` reads it
    second_signature: bool = False  # whether the signed result needs a second person's signature to stand


@dataclass(frozen=True)
class NewCell:
    """A cell that is to be counted. Lengths are pixels of the camera's full frame.

    `box` and `contour`, (n, 2) int32, lie in frame number `frame`; `x`, `y` is the cell's centre in the coordinates
    of `area`, equal to the position of keyframe `key` plus (`dx`, `dy`). `crop` is (n, n, 3) uint8 RGB.
    """

    label: str
    confidence: float
    probabilities: tuple[float, ...]
    views: int
    area: int
    key: int
    dx: float
    dy: float
    x: float
    y: float
    box: tuple[int, int, int, int]
    frame: int
    crop: np.ndarray | None = field(repr=False)
    seen_at: float
    contour: np.ndarray | None = field(default=None, repr=False)
    first_seen: float | None = None  # None: at `seen_at`


@dataclass(frozen=True)
class Picture:
    """A photograph of a session, number 1, 2, … in the order given; `refused` says why it was not counted."""

    number: int
    path: str
    width: int | None = None
    height: int | None = None
    um_per_px: float | None = None
    scale_origin: str | None = None
    refused: str | None = None


@dataclass(frozen=True)
class Signature:
    """One signed version. `labels`: each standing cell's by number; None of a version older than this record."""

    version: int
    signed_by: str
    signed_at: float
    reason: str
    labels: Mapping[int, str] | None
    second_by: str | None = None  # another person who signed it too
    second_at: float | None = None


@dataclass(frozen=True)
class StoredCell:
    """A cell as it stands in the database, without its pictures; places as in NewCell."""

    id: int
    label: str
    by: str  # "model", or who changed it
    changed: bool
    undone: bool
    counted: bool  # in the differential's denominator
    model_label: str
    confidence: float  # the model's, in model_label
    probabilities: tuple[float, ...]
    views: int
    first_seen: float
    last_seen: float
    area: int
    key: int
    dx: float
    dy: float
    x: float
    y: float
    frame: int
    box: tuple[int, int, int, int]
    looked: bool = False  # at by a person in review


@dataclass(frozen=True)
class Event:
    """Who or what changed something, and when. `cell`, `before` and `after` where it concerns a cell."""

    at: float
    who: str
    kind: str
    cell: int | None
    before: str | None
    after: str | None
    text: str
