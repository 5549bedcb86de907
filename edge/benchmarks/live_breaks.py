"""A trial's film in stints, as a camera gives it that is unplugged again and again while the stage goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from leuko_edge.simulate import Pose, SlideFilm
from leuko_edge.types import Frame

AWAY = 12, 60  # poses that nobody sees: one to five fields
FAR = 0.5  # of a view's width: farther than that the stage never moves between two frames that are seen


def interrupted(path: Sequence[Pose], breaks: int, rng: np.random.Generator) -> list[Pose]:
    """`path` less a piece in each of so many equal parts. ValueError where the path is too short for that."""
    part = len(path) // breaks
    if part < 2 * AWAY[1]:
        raise ValueError(f"a path of {len(path)} frames is too short for {breaks} breaks")
    gone: set[int] = set()
    for begin in range(0, part * breaks, part):
        away = int(rng.integers(*AWAY))
        begin += int(rng.integers(1, part - away))
        gone.update(range(begin, begin + away))
    return [pose for n, pose in enumerate(path) if n not in gone]


class Stints:
    """Sources, one after the other, whose frames together are those of `film`: it is parted where it leaps `leap` px.

    `number` is that of the newest frame among the film's poses.
    """

    def __init__(self, film: SlideFilm, leap: float) -> None:
        self._film, self._leap = film, leap
        self._frames = iter(film)
        self._next: Frame | None = next(self._frames, None)
        self.number = -1

    def __iter__(self) -> Iterator[Stint]:
        while self._next is not None:
            yield Stint(self._film, self._until_it_leaps())

    def _until_it_leaps(self) -> Iterator[Frame]:
        poses, leapt = self._film.poses, False
        while self._next is not None and not leapt:
            frame, (_, *here) = self._next, poses[-1]
            self._next = next(self._frames, None)
            leapt = self._next is not None and float(np.hypot(*np.subtract(poses[-1][1:], here))) > self._leap
            self.number += 1
            yield frame


class Stint:
    """A `LiveSource`, open already."""

    warning, hangs = "", False

    def __init__(self, film: SlideFilm, frames: Iterator[Frame]) -> None:
        self.name, self.live = film.name, film.live
        self._film, self._frames, self._before = film, frames, film.dropped

    @property
    def dropped(self) -> int:
        return self._film.dropped - self._before

    def __iter__(self) -> Iterator[Frame]:
        return self._frames

    def __enter__(self) -> Stint:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing stays open."""

    def describe(self) -> dict[str, Any]:
        return self._film.describe()
