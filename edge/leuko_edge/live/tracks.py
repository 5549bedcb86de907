"""Which cells have been met before: each is one track, however often it is seen, and keeps its best views.

A track is tied to a keyframe of the map, not to a coordinate: when the map corrects its drift, tracks move along.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ..session import Place

VIEWS = 4  # best views that are combined: more did not change a class, and each costs a run of the network
SAME_UM = 5.0  # centres nearer than this are one cell: two leukocytes that touch lie 7 µm apart
BETTER = 1.15  # a view this much sharper than the worst one kept takes its place

Position = Callable[[int, float, float], tuple[int, float, float]]


class Look(NamedTuple):
    """One view of a cell, as the network saw it."""

    quality: float
    probabilities: np.ndarray  # (classes,)
    distance: float | None = None  # to the nearest known class, where the model measures one


@dataclass
class Track:
    """One object on the slide. `id` is its number in the session."""

    key: int
    dx: float
    dy: float
    id: int = 0
    label: str = ""
    confidence: float = 0.0
    by: str = "model"
    undone: bool = False
    views: list[Look] = field(default_factory=list)

    def wants(self, quality: float) -> bool:
        """Whether another view of this quality would tell more."""
        return len(self.views) < VIEWS or quality > BETTER * min(view.quality for view in self.views)

    def see(self, quality: float, probabilities: np.ndarray, distance: float | None = None) -> np.ndarray:
        """Keep a view and return all kept ones combined: (classes,) summing to 1.

        The geometric mean, each view weighed by its quality: views of one cell err together, so that multiplying them
        as if they were independent would make the network far too sure.
        """
        self.views.append(Look(quality, probabilities, distance))
        self.views = sorted(self.views, key=lambda view: -view.quality)[:VIEWS]
        weights = np.array([view.quality for view in self.views])
        logs = np.log(np.maximum(np.stack([view.probabilities for view in self.views]), 1e-6))
        combined = np.exp((weights / weights.sum()) @ logs)
        return combined / combined.sum()

    @property
    def distance(self) -> float | None:
        """Mean of the kept views', each weighed by its quality; None where none has one, as after a resume."""
        known = [(view.quality, view.distance) for view in self.views if view.distance is not None]
        return sum(q * d for q, d in known) / sum(q for q, _ in known) if known else None


class Tracks:
    """All tracks of a session; `position` is the map's (key, dx, dy) -> (area, x, y)."""

    def __init__(self, position: Position) -> None:
        self._position = position
        self._tracks: list[Track] = []

    def __iter__(self):
        return iter(self._tracks)

    def __len__(self) -> int:
        return len(self._tracks)

    def add(self, track: Track) -> Track:
        self._tracks.append(track)
        return track

    def match(self, place: Place, centres: Sequence[tuple[float, float]], um_per_px: float) -> list[Track | None]:
        """The known track of each centre (x, y in pixels of the frame), None where it is new; no track twice."""
        found: list[Track | None] = [None] * len(centres)
        if not self._tracks or not centres:
            return found
        placed = np.array([self._position(t.key, t.dx, t.dy) for t in self._tracks])
        here = np.flatnonzero(placed[:, 0] == place.area)
        if not len(here):
            return found
        offsets = np.asarray(centres)[:, None] + (place.x, place.y) - placed[None, here, 1:]
        distance = np.hypot(offsets[..., 0], offsets[..., 1]) * um_per_px
        while (distance < SAME_UM).any():  # the nearest pair first
            cell, track = np.unravel_index(int(distance.argmin()), distance.shape)
            found[cell] = self._tracks[here[track]]
            distance[cell, :] = np.inf
            distance[:, track] = np.inf
        return found

    def near(self, area: int, x: float, y: float, um_per_px: float) -> bool:
        """Whether a known track lies at this place of the slide (px of its area)."""
        placed = (self._position(t.key, t.dx, t.dy) for t in self._tracks)
        return any(a == area and np.hypot(tx - x, ty - y) * um_per_px < SAME_UM for a, tx, ty in placed)

    def doubled(self, um_per_px: float) -> list[tuple[Track, Track]]:
        """(older, newer) pairs that the map, once corrected, puts at one place: one cell counted in two areas."""
        if len(self._tracks) < 2:
            return []
        placed = np.array([self._position(t.key, t.dx, t.dy) for t in self._tracks])
        live = [i for i, t in enumerate(self._tracks) if not t.undone]
        pairs = []
        gone: set[int] = set()
        for n, i in enumerate(live):
            later = np.array([j for j in live[n + 1 :] if j not in gone], int)
            if i in gone or not len(later):
                continue
            near = np.hypot(*(placed[later, 1:] - placed[i, 1:]).T) * um_per_px < SAME_UM
            for j in later[near & (placed[later, 0] == placed[i, 0])]:
                pairs.append((self._tracks[i], self._tracks[int(j)]))
                gone.add(int(j))
        return pairs
