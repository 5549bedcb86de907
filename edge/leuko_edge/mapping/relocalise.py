"""Whether a view shows a place that the map knows already: the whole map is searched, some fields at a time.

Thumbnails of the keyframes are laid together into patches of map, the view's thumbnail is sought there, and what
stands out is refined against the keyframe under it. A false find would merge two places of a slide, the worst of
errors, so that only agreement all over a good part of the view is believed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from .keyframes import Keyframes
from .registration import Demand, Shift, refine, summit
from .view import COARSE, FAINT

FIELDS = 4  # of map searched at once, each way
MARGIN = 0.7  # of a field around them: a view need not lie within
STANDS_OUT = 0.3  # correlation of thumbnails; chance reaches about this, a quarter of overlap about 0.45
PEAKS = 3
BACKLOG = 12  # keyframes sought at a time; the oldest of more are given up


@dataclass(frozen=True)
class Find:
    """Keyframe `key` shows a part of what keyframe `known` of another area shows, at `shift` from it."""

    known: int
    key: int
    shift: Shift


class Relocaliser:
    """Seeks keyframes in the areas that are not theirs, a patch of map at a time, the newest keyframe first."""

    def __init__(self, frames: Keyframes, demand: Demand) -> None:
        self._frames, self._demand = frames, demand
        self._searches: deque[tuple[int, Iterator[tuple[float, Find | None]]]] = deque(maxlen=BACKLOG)

    def notice(self, key: int, near: int | None = None) -> None:
        """Seek keyframe `key` from now on, in the map around keyframe `near` first."""
        self._searches.append((key, self._search(key, near)))

    def go_on(self, fields: float) -> Find | None:
        """Search on until a find, or until about so many `fields` of map were searched."""
        while self._searches and fields > 0:
            try:
                searched, find = next(self._searches[-1][1])
            except StopIteration:
                self._searches.pop()
                continue
            fields -= searched
            if find is not None:
                self._searches.pop()
                return find
        return None

    def seeks_from(self, key: int) -> bool:
        """Whether `key` or a later keyframe is still sought."""
        return any(sought >= key for sought, _ in self._searches)

    def forget_from(self, key: int) -> None:
        kept = [search for search in self._searches if search[0] < key]
        self._searches = deque(kept, maxlen=BACKLOG)

    def _search(self, key: int, near: int | None) -> Iterator[tuple[float, Find | None]]:
        # Positions and areas are read at every patch: the map may change between two of them.
        frames = self._frames
        for patch in _patches(frames, key, near):
            view = frames.views.get(key)
            known = [k for k in patch if k in frames.views and frames.areas[k] != frames.areas[key]]
            if known and view is not None:
                yield _found(frames, known, view.thumb, key, self._demand)


def _patches(frames: Keyframes, key: int, near: int | None) -> list[list[int]]:
    patches: dict[tuple[int, int, int], list[int]] = {}
    width, height = frames.size
    for k in frames.views:
        if frames.areas[k] != frames.areas[key]:
            x, y = frames.places[k]
            name = int(frames.areas[k]), int(x // (FIELDS * width)), int(y // (FIELDS * height))
            patches.setdefault(name, []).append(k)
    if near is None or near not in frames.views:
        return list(patches.values())[::-1]

    def far(patch: list[int]) -> tuple[bool, float]:
        away = np.abs(frames.places[patch] - frames.places[near]).sum(axis=1).min()
        return bool(frames.areas[patch[0]] != frames.areas[near]), float(away)

    return sorted(patches.values(), key=far)


def _found(
    frames: Keyframes, known: list[int], thumb: np.ndarray, key: int, demand: Demand
) -> tuple[float, Find | None]:
    """How many fields of map were searched, and what was found there."""
    rows, columns = thumb.shape
    corner = np.rint(frames.places[known] / COARSE).astype(int)
    margin = np.array([round(MARGIN * columns), round(MARGIN * rows)])
    corner = corner - corner.min(axis=0) + margin
    extent = corner.max(axis=0) + np.array([columns, rows]) + margin
    patch = np.zeros((extent[1], extent[0]), np.float32)
    for k, (x, y) in zip(known, corner, strict=True):
        patch[y : y + rows, x : x + columns] = frames.views[k].thumb
    scores = cv2.matchTemplate(patch, thumb, cv2.TM_CCORR)
    energy = cv2.boxFilter(patch * patch, -1, (columns, rows), anchor=(0, 0), normalize=False)
    faint = FAINT**2 * rows * columns / 4
    energy = energy[: scores.shape[0], : scores.shape[1]]
    scores = scores / np.sqrt((energy + faint) * (float(np.vdot(thumb, thumb)) + faint))
    fields = patch.size / thumb.size
    for _ in range(PEAKS):
        _, top, _, (column, row) = cv2.minMaxLoc(scores)
        if top < STANDS_OUT:
            break
        peak = np.array(summit(scores, column, row))
        sides = np.maximum(0, 1 - np.abs(corner - peak) / (columns, rows))
        best = int(np.argmax(sides[:, 0] * sides[:, 1]))
        guess = (peak - corner[best]) * COARSE
        shift = refine(frames.views[known[best]], frames.views[key], (float(guess[0]), float(guess[1])))
        if shift is not None and shift.meets(demand):
            return fields, Find(known[best], key, shift)
        scores[max(0, row - 3) : row + 4, max(0, column - 3) : column + 4] = 0
    return fields, None
