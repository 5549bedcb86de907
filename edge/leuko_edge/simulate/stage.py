"""A stage moved by hand: stops laid over the slide, and the way between them, one pose a frame.

    stops = there_and_back(serpentine((20_000, 12_000), (1280, 960)))
    path = driven(stops, Hand(), np.random.default_rng(1))
    path = jumping(path, 10, np.random.default_rng(2))

A stop and a pose are the x, y of the view's upper left corner in pixels of the slide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np


class Pose(NamedTuple):
    """Upper left corner of the view, pixels of the slide."""

    x: float
    y: float


@dataclass(frozen=True)
class Hand:
    """How a person drives the stage. The plain one takes 0.8 s for a field at 15 frames a second."""

    move: int = 6  # frames from a stop to the next
    rest: int = 6  # frames at a stop
    top_px: float = 320.0  # most between two frames: a quarter of a view's width, a third of its height
    aim_px: float = 15.0  # s.d. of where it stops against where it should
    pace: float = 0.2  # s.d. of the frames for a move or a rest, relative
    bow: float = 0.02  # s.d. of how far a move leaves the straight line, of its length
    overshoot: float = 0.2  # share of the arrivals that go too far and come back
    creep_px: float = 0.15  # s.d. of the stage's drift from one resting frame to the next


STEADY = Hand(aim_px=0.0, pace=0.0, bow=0.0, overshoot=0.0, creep_px=0.0)
"""A motor: the same frames for every move and rest, in straight lines from stop to stop."""


def serpentine(size: tuple[int, int], view: tuple[int, int], overlap: float = 0.3) -> list[Pose]:
    """Stops that show all of a slide of `size` px row by row, to and fro; each overlaps the next by `overlap` or more.

    ValueError where the view is larger than the slide, or `overlap` is not from 0 to below 1.
    """
    if not 0 <= overlap < 1:
        raise ValueError(f"views can overlap by 0 to below 1 of their size, got {overlap}")
    if view[0] > size[0] or view[1] > size[1]:
        raise ValueError(f"a view of {view[0]}×{view[1]} is larger than the slide, {size[0]}×{size[1]}")
    columns, rows = (
        np.linspace(0, side - seen, int(np.ceil((side - seen) / (seen * (1 - overlap)))) + 1)
        for side, seen in zip(size, view, strict=True)
    )
    return [
        Pose(float(x), float(y)) for row, y in enumerate(rows) for x in (columns if row % 2 == 0 else columns[::-1])
    ]


def there_and_back(stops: Sequence[Pose]) -> list[Pose]:
    """All stops, then the same way back to the first."""
    return [*stops, *stops[-2::-1]]


def revisiting(stops: Sequence[Pose], rng: np.random.Generator, share: float = 0.1, back: int = 3) -> list[Pose]:
    """All stops, but at a `share` of them the stage first returns to where it was up to `back` stops before."""
    path: list[Pose] = []
    for n, stop in enumerate(stops):
        path.append(stop)
        if n and rng.random() < share:
            path += [stops[max(0, n - int(rng.integers(1, back + 1)))], stop]
    return path


def driven(stops: Sequence[Pose], hand: Hand, rng: np.random.Generator) -> Iterator[Pose]:
    """One pose a frame along `stops`: speeding up, slowing down, resting at each; a rest comes first."""
    at = np.array(stops[0], float)
    for n, stop in enumerate(stops):
        aimed = np.array(stop) + _bounded(rng, hand.aim_px)
        if n:
            for pose in _moved(at, aimed, hand, rng):
                at = pose
                yield Pose(float(at[0]), float(at[1]))
        for _ in range(_frames(hand.rest, hand, rng)):
            at = at + _bounded(rng, hand.creep_px)
            yield Pose(float(at[0]), float(at[1]))


def jumping(poses: Iterator[Pose] | Sequence[Pose], n: int, rng: np.random.Generator) -> list[Pose]:
    """The same poses cut at `n` random moments and the parts shown in another order: `n` jumps between two frames.

    Of some orders tried the one is taken whose shortest jump is longest, so that all lead far away. ValueError where
    the path has too few frames.
    """
    poses = list(poses)
    if len(poses) <= 2 * n:
        raise ValueError(f"a path of {len(poses)} frames is too short for {n} jumps")
    cuts = np.sort(rng.choice(np.arange(1, len(poses)), n, replace=False))
    parts = [poses[a:b] for a, b in zip([0, *cuts], [*cuts, len(poses)], strict=True)]
    orders = [rng.permutation(n + 1) for _ in range(300)]
    best = max(orders, key=lambda order: _shortest_jump([parts[k] for k in order]))
    return [pose for k in best for pose in parts[k]]


def _shortest_jump(parts: list[list[Pose]]) -> float:
    ends = np.array([(*a[-1], *b[0]) for a, b in pairwise(parts)]).reshape(-1, 4)
    return float(np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1]).min(initial=np.inf))


def _moved(start: np.ndarray, goal: np.ndarray, hand: Hand, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Positions (2,) of one move, the last of them on the goal."""
    way = goal - start
    length = float(np.hypot(*way))
    if length < 1.0:
        return
    past = way * abs(rng.normal(0, 0.05)) if rng.random() < hand.overshoot else np.zeros(2)
    aside = np.array([-way[1], way[0]]) * np.clip(rng.normal(0, 1), -2, 2) * hand.bow
    top = np.pi / 2 * length / hand.top_px  # the speed of a raised cosine is π/2 of its mean half-way
    frames = max(_frames(hand.move, hand, rng), int(np.ceil(top)))
    for k in range(1, frames + 1):
        done = (1 - np.cos(np.pi * k / frames)) / 2
        yield start + (way + past) * done + aside * np.sin(np.pi * done)
    if past.any():
        yield goal + past * 0.4
        yield goal


def _frames(usual: int, hand: Hand, rng: np.random.Generator) -> int:
    return max(2, round(usual * (1 + np.clip(rng.normal(0, 1), -2, 2) * hand.pace)))


def _bounded(rng: np.random.Generator, spread: float) -> np.ndarray:
    return np.clip(rng.normal(0, 1, 2), -2, 2) * spread
