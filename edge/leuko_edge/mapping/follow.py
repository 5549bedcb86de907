"""Following the view from frame to frame within one area, always measured against the keyframe it shares most with."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np

from .keyframes import Keyframes
from .registration import Demand, Shift, refine, search
from .view import Dirt, View

FOLLOW = Demand(ncc=0.5, agree=0.6, blocks=4, overlap=0.12)
"""Asked of a step that leads where it was expected."""
LEAP = Demand(ncc=0.5, agree=0.7, blocks=12, overlap=0.2)
"""Asked of a step that may lead anywhere. Unrelated fields of the simulated slide reach an ncc of 0.40, and one nucleus
with its halo covers up to nine blocks."""
CLOSE = Demand(ncc=0.55, agree=0.75, blocks=12, overlap=0.15)
"""Asked of two keyframes that overlap where the map says they should."""

SPACING = 0.6  # overlap with its keyframe below which a view becomes another
BLURRED = 0.85  # of the keyframe's sharpness: such a view waits, while SPARE of overlap is left
SPARE = 0.35
BETTER = 0.08  # more overlap that another keyframe must offer to be measured against
DRIFT = 0.15  # of a view's long side: how far off the map may be where a loop closes
WAITING = 12  # pairs of keyframes to be measured, at most, before a costly frame has to measure one too
PAIRS = 6  # keyframes that a new one is measured against, at most


@dataclass(frozen=True)
class Here:
    """The newest frame: its view and band, its offset (2,) from keyframe `key` and how far it moved, in view px."""

    view: View = field(repr=False)
    band: np.ndarray = field(repr=False)
    key: int
    offset: np.ndarray
    moved: np.ndarray
    confidence: float = 1.0


class Follower:
    """One unbroken chain of frames after another; `here` is None while the chain is broken."""

    def __init__(self, frames: Keyframes) -> None:
        self.frames = frames
        self.dirt = Dirt()
        self.here: Here | None = None
        self._pairs: deque[tuple[int, int]] = deque()  # keyframes that should overlap, not yet measured
        self._failed: set[tuple[int, int]] = set()
        self._searched = False  # this frame was costly already

    def begin(self, view: View, band: np.ndarray, area: int) -> int:
        """Start a chain in a fresh area with this view as its first keyframe, which is given back."""
        key = self.frames.add(view, np.zeros(2), area)
        self.here = Here(view, band, key, np.zeros(2), np.zeros(2))
        return key

    def step(self, view: View, band: np.ndarray) -> bool:
        """Join the next frame to the chain. False, and the chain as it was, where that cannot be believed."""
        here, self._searched = self.here, False
        if here is None:
            return False
        # Against the keyframe, where the last velocity or rest leads: no error adds up while that holds.
        guesses = [here.offset + here.moved, here.offset] if np.abs(here.moved).max() > 0.5 else [here.offset]
        for guess in guesses:
            shift = _met(self._against(here.key, view, guess), FOLLOW)
            if shift is not None:
                return self._moved(view, band, here.key, shift)
        # A large move: sought over all shifts, from the frame before.
        self._searched = True
        shift = _met(search(here.view, view), LEAP)
        if shift is None:
            return False
        direct = _met(self._against(here.key, view, here.offset + shift.vector), FOLLOW)
        if direct is not None:
            return self._moved(view, band, here.key, direct)
        # The keyframe is out of sight: the frame before becomes one.
        key = self._plant(here) if np.abs(here.offset).max() > 0 else here.key
        self.here = replace(here, key=key, offset=here.offset * 0)
        return self._moved(view, band, key, shift)

    def anchor(self, learn: bool) -> None:
        """Measure the newest frame against the keyframe it shares most with, or make it one where none shares enough.

        `learn`: the place is new, so that what stands still in it may be taken for dirt.
        """
        here = self.here
        assert here is not None
        place = self.frames.places[here.key] + here.offset
        shares = self.frames.overlaps(place, int(self.frames.areas[here.key]))
        best = int(np.argmax(shares))
        own = shares[here.key]
        if shares[best] > own + BETTER and self._handed_over(here, best, place):
            return
        if max(own, 0) < SPACING and (own < SPARE or here.view.sharp >= BLURRED * self._sharp(here.key)):
            key = self._plant(here)
            self.here = replace(here, key=key, offset=np.zeros(2))
            if learn:
                self.dirt.learn(here.band)

    def close_loop(self) -> None:
        """Measure one pair of keyframes that should overlap by the map, and let the positions settle.

        After a costly frame the pair waits, unless many do.
        """
        frames = self.frames
        while self._pairs and (not self._searched or len(self._pairs) > WAITING):
            a, b = self._pairs.popleft()
            if a in frames.views and b in frames.views and not frames.linked(a, b):
                shift = self._measured(a, frames.views[b], frames.places[b] - frames.places[a])
                if shift is None:
                    self._failed.add((a, b))
                else:
                    frames.link(a, b, shift.vector, shift.ncc * shift.overlap)
                break
        frames.settle()

    def forget_from(self, key: int) -> None:
        """Take back keyframe `key` and all after it."""
        self.frames.forget_from(key)
        self._pairs = deque(pair for pair in self._pairs if max(pair) < key)
        self._failed = {pair for pair in self._failed if max(pair) < key}

    def _handed_over(self, here: Here, best: int, place: np.ndarray) -> bool:
        frames = self.frames
        pair = min(here.key, best), max(here.key, best)
        if pair in self._failed:
            return False
        shift = self._measured(best, here.view, place - frames.places[best])
        if shift is None:
            self._failed.add(pair)
            return False
        offset = shift.vector
        if not frames.linked(*pair):
            frames.link(here.key, best, here.offset - offset, here.confidence * shift.ncc * shift.overlap)
        self.here = replace(here, key=best, offset=offset)
        return True

    def _measured(self, key: int, view: View, guess: np.ndarray) -> Shift | None:
        """The view's shift from keyframe `key` near where the map says, if it can be believed."""
        reach = DRIFT * max(self.frames.size)
        shift = _met(self._against(key, view, guess), CLOSE)
        if shift is None:
            self._searched = True
            near = float(guess[0]), float(guess[1])
            shift = _met(search(self.frames.views[key], view, near, reach), CLOSE)
        return shift

    def _plant(self, here: Here) -> int:
        frames = self.frames
        place, area = frames.places[here.key] + here.offset, int(frames.areas[here.key])
        shares = frames.overlaps(place, area)
        weight = here.confidence * shares[here.key]
        key = frames.add(here.view, place, area)
        frames.link(here.key, key, here.offset, max(float(weight), 0.01))
        near = [int(k) for k in np.argsort(-shares)[: PAIRS + 1] if shares[k] > CLOSE.overlap and k != here.key]
        self._pairs.extend((k, key) for k in near[:PAIRS])
        return key

    def _moved(self, view: View, band: np.ndarray, key: int, shift: Shift) -> bool:
        assert self.here is not None
        offset = shift.vector
        self.here = Here(view, band, key, offset, offset - self.here.offset, shift.confidence)
        return True

    def _against(self, key: int, view: View, guess: np.ndarray) -> Shift | None:
        known = self.frames.views.get(key)
        return None if known is None else refine(known, view, (float(guess[0]), float(guess[1])))

    def _sharp(self, key: int) -> float:
        known = self.frames.views.get(key)
        return 0.0 if known is None else known.sharp


def _met(shift: Shift | None, demand: Demand) -> Shift | None:
    return shift if shift is not None and shift.meets(demand) else None
