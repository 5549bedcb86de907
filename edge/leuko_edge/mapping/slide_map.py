"""Where on the slide every frame lies: followed from frame to frame, declared lost, found again, or a new area."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..session import MapPiece, Place, PlaceState
from .follow import Follower
from .keyframes import Keyframes
from .registration import Demand
from .relocalise import BACKLOG, Relocaliser
from .view import View, reduced

KNOW = Demand(ncc=0.65, agree=0.85, blocks=14, overlap=0.25)
"""Asked of a place that is recognised out of the whole map."""
SHARPER = 1.15  # times as sharp as a new area's first view: a view worth starting again with


class SlideMap:
    """Registers every frame of one camera, all of one size, in the order they were taken.

    know: what a place must show to be recognised. textured: share of a frame's parts that must show something, or
    it is lost. settle: frames that must follow one another at a place not recognised before it becomes a new area
    (the first area waits for none). keyframes: how many keep their picture, about 100 kB each. patience: fields of
    map that are searched with each frame while lost, half of them while not.
    """

    def __init__(
        self,
        *,
        know: Demand = KNOW,
        textured: float = 0.12,
        settle: int = 3,
        keyframes: int = 1400,
        patience: float = 100,
    ) -> None:
        self._know, self._textured, self._settle, self._patience = know, textured, settle, patience
        self._most = keyframes
        self._shape: tuple[int, ...] | None = None
        self._scale = np.ones(2)  # full-frame px of a view px, x and y
        self._frames = Keyframes((1, 1), keyframes)
        self._follower = Follower(self._frames)
        self._relocaliser = Relocaliser(self._frames, know)
        self._trial: int | None = None  # good frames of an area that may be known; None in one that was given out
        self._trial_from = 0  # its first keyframe
        self._noticed = 0  # keyframes below this one were given to the recogniser, where that has a use
        self._areas: set[int] = set()
        self._given = 0  # areas given out so far, joined ones too
        self._last: int | None = None  # keyframe of the last place that was known

    @property
    def areas(self) -> int:
        """Areas so far, of this slide and those before, that are not known to be joined."""
        return len(self._areas)

    def position(self, key: int, dx: float, dy: float) -> tuple[int, float, float]:
        """Area, x and y now, in full-frame px, of what was stored at `dx`, `dy` from keyframe `key`."""
        if not 0 <= key < self._frames.count:
            raise KeyError(f"no keyframe {key}")
        x, y = self._frames.places[key] * self._scale + (dx, dy)
        return int(self._frames.areas[key]), float(x), float(y)

    def new_slide(self) -> None:
        """Start a fresh area; no place of before is recognised any more, but `position` still knows them."""
        self._cut()
        self._relocaliser.forget_from(0)
        self._frames.views.clear()
        self._last = None

    def number_from(self, area: int) -> None:
        """Number the areas from `area` on, before the first frame: earlier ones are of a map that is not kept."""
        self._given = area

    def pieces(self, since: int) -> list[MapPiece]:
        """Keyframes from number `since` on, but those of an area on trial, which may yet be withdrawn."""
        end = self._frames.count if self._trial is None else self._trial_from
        shape = self._shape or ()
        pieces = []
        for key in range(since, end):
            view, (x, y) = self._frames.views.get(key), self._frames.places[key]
            if view is not None:
                pieces.append(MapPiece(key, int(self._frames.areas[key]), float(x), float(y), shape, view.fine))
        return pieces

    def places(self) -> dict[int, tuple[int, float, float]]:
        """Area, x and y, as corrected by now, of every keyframe that `pieces` may have given out before."""
        end = self._frames.count if self._trial is None else self._trial_from
        areas, places = self._frames.areas.tolist(), self._frames.places.tolist()
        return {key: (areas[key], *places[key]) for key in range(end)}

    def restore(self, pieces: Sequence[MapPiece]) -> None:
        """Know the places of an earlier run, whose `pieces` these are: before the first frame, of the same shape.

        ValueError where numbers are missing between them.
        """
        if [piece.key for piece in pieces] != list(range(len(pieces))):
            raise ValueError("the pieces of a map must be all of them, in order")
        self._fit(pieces[0].shape)
        for n, piece in enumerate(pieces):
            place = np.array([piece.x, piece.y])
            key = self._frames.add(View.of_fine(piece.fine), place, piece.area)
            if n and pieces[n - 1].area == piece.area:  # where they lie stands: new shifts move them together
                self._frames.link(key - 1, key, place - self._frames.places[key - 1], 1.0)
        self._areas = {piece.area for piece in pieces}
        self._given = max(self._areas) + 1
        # What was still sought when that run ended is sought again, where there is an area to find it in.
        sought = BACKLOG if len(self._areas) > 1 else 0
        self._noticed, self._last = max(0, len(pieces) - sought), len(pieces) - 1

    def locate(self, bgr: np.ndarray, still: bool | None = None) -> Place:
        """Where the frame bgr (h, w, 3) uint8 lies.

        `still` False: the frame moves, and does not help to prove a new area. `step` is infinite where the frame
        could not be joined to the one before. ValueError where its size is not that of the frames before.
        """
        self._fit(bgr.shape)
        band = reduced(bgr)
        view = View.of(self._follower.dirt.removed(band))
        if view.texture < self._textured:
            self._cut()
            return _nowhere()
        followed = self._follower.step(view, band)
        if not followed or self._outdone(view):
            self._cut()
            self._begin(view, band)
        self._follower.anchor(learn=self._trial is None)
        here = self._follower.here
        assert here is not None
        step = float(np.hypot(*(here.moved * self._scale))) if followed else float("inf")
        joined = self._joined()
        self._follower.close_loop()
        if self._trial is None:
            return self._place(PlaceState.FOUND if joined else PlaceState.TRACKING, step)
        self._trial += still is not False
        settle = self._settle if self._areas else 1
        if self._trial < settle or self._relocaliser.seeks_from(self._trial_from):
            return _nowhere(step, here.confidence)
        self._areas.add(self._given)
        self._given += 1
        self._trial = None
        self._follower.dirt.learn(here.band)
        return self._place(PlaceState.NEW, step)

    def _fit(self, shape: tuple[int, ...]) -> None:
        if self._shape is None:
            height, width = reduced(np.zeros(shape, np.uint8)).shape
            self._scale = np.array([shape[1] / width, shape[0] / height])
            self._frames = Keyframes((width, height), self._most)
            self._follower = Follower(self._frames)
            self._relocaliser = Relocaliser(self._frames, self._know)
            self._shape = shape
        elif shape != self._shape:
            raise ValueError(f"the map is of frames of {self._shape}, got {shape}")

    def _outdone(self, view: View) -> bool:
        """Whether an area on trial began with a view so blurred that it hides whether the place is known."""
        if self._trial is None:
            return False
        first = self._frames.views.get(self._trial_from)
        return first is not None and view.sharp > SHARPER * first.sharp

    def _cut(self) -> None:
        """Break the chain; an area on trial, not given out yet, leaves nothing behind."""
        self._follower.here = None
        if self._trial is not None:
            self._relocaliser.forget_from(self._trial_from)
            self._follower.forget_from(self._trial_from)
            self._noticed = min(self._noticed, self._frames.count)
            self._trial = None

    def _begin(self, view: View, band: np.ndarray) -> None:
        self._trial_from = self._follower.begin(view, band, self._given)
        self._trial = 0

    def _joined(self) -> bool:
        """Go on seeking newer keyframes in the other areas; whether the area we are in proved part of an older one."""
        frames, here = self._frames, self._follower.here
        assert here is not None
        if self._trial is not None or len(self._areas) > 1:
            for key in range(self._noticed, frames.count):
                self._relocaliser.notice(key, self._last)
        self._noticed = frames.count
        area = frames.areas[here.key]
        find = self._relocaliser.go_on(self._patience if self._trial is not None else self._patience / 2)
        if find is None:
            return False
        older, newer = sorted((find.known, find.key), key=lambda key: int(frames.areas[key]))
        gone = int(frames.areas[newer])
        shift = find.shift.vector if older == find.known else -find.shift.vector
        frames.join(older, newer, shift, find.shift.ncc)
        self._areas.discard(gone)
        if gone == self._given:
            self._trial = None
        if len(self._areas) > 1:  # it may show a part of a third one: in a well-known place no newer keyframe tells
            self._relocaliser.notice(find.key, find.known)
        return bool(frames.areas[here.key] != area)

    def _place(self, state: PlaceState, step: float) -> Place:
        here = self._follower.here
        assert here is not None
        self._last = here.key
        dx, dy = (float(d) for d in here.offset * self._scale)
        area, x, y = self.position(here.key, dx, dy)
        return Place(state, area, here.key, dx, dy, x, y, here.confidence, step)


def _nowhere(step: float = float("inf"), confidence: float = 0.0) -> Place:
    return Place(PlaceState.LOST, -1, -1, 0.0, 0.0, 0.0, 0.0, confidence, step)
