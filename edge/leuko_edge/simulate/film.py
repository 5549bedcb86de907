"""The simulated slide under a hand-moved stage, as a live camera sees it: `SlideFilm`.

    smear = Smear(1, {"neutrophil": 57, "lymphocyte": 30})
    path = driven(serpentine((smear.width, smear.height), (1280, 960)), Hand(), np.random.default_rng(1))
    with SlideFilm(smear, path) as film:
        for frame in film:
            ...

Afterwards `film.poses` says where the frames lay and `film.seen_whole()` which cells have to be counted.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ..types import Frame
from .camera import Camera
from .camera_faults import Drift, Faults, Focus
from .exposure import Exposure
from .layout import Placed
from .smear import Smear
from .stage import Pose

REST_PX = 1.0  # a stage that moves less between two frames is at rest
SHARP_UM = 0.25  # s.d. of defocus up to which a cell can still be read; the lens's own is 0.11


class SlideFilm:
    """Frames of `smear` along `path`, one a pose, as a `leuko_edge.live` source; iterated once.

    While focus is lost and the stage rests, it stays where it is until the picture is sharp again, as a person's hand
    would; the film is then so many frames longer. Without `live` a frame waits for its reader and the same seed gives
    the same pixels. With it the frames come `fps` a second, and those the reader is too late for are dropped; its clock
    stands still while new parts of the smear are drawn.

    `poses` lists (index, x, y) of each delivered frame: where its upper left corner lay on the slide, mid-exposure.
    `truth` lists the smear's cells and `counts` how many there are of each label. `Frame.index` counts what was
    captured, so it skips the dropped.
    """

    def __init__(
        self,
        smear: Smear,
        path: Iterable[Pose],
        *,
        view: tuple[int, int] = (1280, 960),
        fps: float = 15.0,
        camera: Camera | None = None,
        faults: Faults | None = None,
        live: bool = False,
        seed: int = 0,
    ) -> None:
        self.name, self.live = f"simulated smear, seed {smear.seed}", live
        self.truth: tuple[Placed, ...] = smear.truth
        self.counts = smear.counts
        self._smear, self._path, self._view, self._fps = smear, iter(path), view, fps
        self._faults = faults = faults or Faults()
        self._exposure = Exposure(camera or Camera(), view, smear.um_per_px, faults.noise)
        self._rng = np.random.default_rng((seed, 0))
        self._focus = Focus(faults, np.random.default_rng((seed, 2)))
        self._lamp = Drift(np.random.default_rng((seed, 3)))
        self._clock: float | None = None  # time.monotonic() at which frame 0 was due
        self._captured = self._dropped = 0
        self.poses = Poses()
        self._whole = np.zeros((2, len(smear.truth)), bool)  # seen whole at all; and at rest and sharp

    warning, hangs = "", False

    @property
    def dropped(self) -> int:
        """Frames captured so far that were never delivered."""
        return self._dropped

    def seen_whole(self, readable: bool = False) -> list[Placed]:
        """The cells that lay wholly inside a delivered frame; with `readable`, one that stood still and was sharp."""
        return [self.truth[id] for id in np.flatnonzero(self._whole[int(readable)])]

    def describe(self) -> dict[str, Any]:
        """What the session's record keeps of it."""
        slide = [self._smear.width, self._smear.height]
        return {"kind": "simulated", "seed": self._smear.seed, "slide": slide, "size": list(self._view)}

    def __enter__(self) -> SlideFilm:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing stays open."""

    def __iter__(self) -> Iterator[Frame]:
        for pose, speed in _with_speed(self._path, self._view):
            yield from self._capture(pose, speed)
            while self._focus.lost and np.hypot(*speed) < REST_PX:
                yield from self._capture(pose, (0.0, 0.0), waiting=True)

    def _capture(self, pose: Pose, speed: tuple[float, float], waiting: bool = False) -> Iterator[Frame]:
        """The frame at a pose, unless it is dropped; `speed` in px a frame; `waiting` for the focus to come back."""
        index, defocus_um = self._captured, self._focus.next(waiting)
        lamp = 1 + self._faults.lamp * self._lamp.next()
        self._captured += 1
        if self._late(index) or self._rng.random() < self._faults.dropped:
            self._dropped += 1
            return
        open_for = self._faults.shutter_s * self._fps
        motion = speed[0] * open_for, speed[1] * open_for
        blur_px = defocus_um / self._smear.um_per_px
        margin = self._exposure.margin(motion, blur_px)
        left, top = int(np.floor(pose.x)) - margin, int(np.floor(pose.y)) - margin
        asked = time.monotonic()
        piece = self._smear.piece(left, top, self._view[0] + 2 * margin, self._view[1] + 2 * margin)
        self._clock = asked - index / self._fps if self._clock is None else self._clock
        self._clock += time.monotonic() - asked
        bgr = self._exposure.take(piece, (pose.x - left, pose.y - top), motion, blur_px, lamp, self._rng)
        self.poses.append(index, pose)
        self._note(pose, readable=bool(np.hypot(*speed) < REST_PX and defocus_um <= SHARP_UM))
        yield Frame(index, time.time(), bgr, self.name)

    def _late(self, index: int) -> bool:
        """Waits until frame `index` is due; true where the reader has come so late that the next one is due too."""
        if not self.live or self._clock is None:
            return False
        ahead = self._clock + index / self._fps - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        return -ahead >= 1 / self._fps

    def _note(self, pose: Pose, readable: bool) -> None:
        width, height = self._view
        for id in self._smear.near(pose.x, pose.y, width, height).tolist():
            x, y, w, h = self._smear.box(id)
            if x >= pose.x and y >= pose.y and x + w <= pose.x + width and y + h <= pose.y + height:
                self._whole[0, id] = True
                self._whole[1, id] |= readable


class Poses:
    """(index, x, y) of frame after frame, packed: hours of them stay small."""

    def __init__(self) -> None:
        self._packed = array("d")

    def append(self, index: int, pose: Pose) -> None:
        self._packed.extend((index, *pose))

    def __len__(self) -> int:
        return len(self._packed) // 3

    def __getitem__(self, n: int) -> tuple[int, float, float]:
        at = 3 * range(len(self))[n]
        return int(self._packed[at]), self._packed[at + 1], self._packed[at + 2]

    def __iter__(self) -> Iterator[tuple[int, float, float]]:
        return (self[n] for n in range(len(self)))


def _with_speed(path: Iterator[Pose], view: tuple[int, int]) -> Iterator[tuple[Pose, tuple[float, float]]]:
    """Each pose with the stage's speed there, px a frame: the mean of the steps to it and from it.

    A stage that rests before or after a pose is at rest there. A step of more than half a view is a jump between two
    frames, in which nothing is exposed.
    """
    before: Pose | None = None
    here = next(path, None)
    while here is not None:
        after = next(path, None)
        steps = [step for step in (_step(before, here, view), _step(here, after, view)) if step is not None]
        resting = not steps or min(np.hypot(*step) for step in steps) < REST_PX
        x, y = (0.0, 0.0) if resting else np.mean(steps, axis=0).tolist()
        yield here, (x, y)
        before, here = here, after


def _step(a: Pose | None, b: Pose | None, view: tuple[int, int]) -> tuple[float, float] | None:
    if a is None or b is None or abs(b.x - a.x) > view[0] / 2 or abs(b.y - a.y) > view[1] / 2:
        return None
    return b.x - a.x, b.y - a.y
