"""The map itself: keyframes, the measured shifts between them, and the positions that suit all shifts best."""

from __future__ import annotations

from array import array

import numpy as np

from .view import View

SETTLED = 0.01  # view px; the largest step of a position that is no longer worth taking
ITERATIONS = 30  # of conjugate gradients at a time, so that one frame is never held up; the next goes on


class Keyframes:
    """Views with a place. Positions are view px of a view's upper left corner in its area; a key is an index.

    `most` bounds how many keep their picture (about 80 kB each): beyond it the oldest lose theirs, and can no
    longer be recognised, but keep their place.
    """

    def __init__(self, size: tuple[int, int], most: int) -> None:
        self.size = size  # width, height of a view
        self.count = 0
        self.views: dict[int, View] = {}  # of those that can be recognised, oldest first
        self._most = most
        self._place = np.zeros((64, 2))
        self._area = np.zeros(64, np.int64)
        self._links: set[tuple[int, int]] = set()
        self._from, self._to, self._shift = array("q"), array("q"), array("d")
        self._weight = array("d")
        self._settled = True

    @property
    def places(self) -> np.ndarray:
        """(count, 2) float64, x and y."""
        return self._place[: self.count]

    @property
    def areas(self) -> np.ndarray:
        """(count,) the area that each lies in."""
        return self._area[: self.count]

    def add(self, view: View, place: np.ndarray, area: int) -> int:
        if self.count == len(self._place):
            self._place = np.concatenate([self._place, np.zeros_like(self._place)])
            self._area = np.concatenate([self._area, np.zeros_like(self._area)])
        key = self.count
        self._place[key], self._area[key] = place, area
        self.views[key] = view
        self.count += 1
        if len(self.views) > self._most:
            del self.views[next(iter(self.views))]
        return key

    def forget_from(self, key: int) -> None:
        """Take back `key` and every later one, with their links."""
        for gone in range(key, self.count):
            self.views.pop(gone, None)
        self.count = key
        keep = [n for n, (a, b) in enumerate(zip(self._from, self._to, strict=True)) if a < key and b < key]
        self._from, self._to = array("q", [self._from[n] for n in keep]), array("q", [self._to[n] for n in keep])
        self._shift = array("d", [self._shift[2 * n + axis] for n in keep for axis in (0, 1)])
        self._weight = array("d", [self._weight[n] for n in keep])
        self._links = {pair for pair in self._links if pair[1] < key}

    def overlaps(self, place: np.ndarray, area: int) -> np.ndarray:
        """(count,) the share, 0 to 1, that a view at `place` of `area` covers of each; 0 for those without picture."""
        sides = np.maximum(0, 1 - np.abs(self.places - place) / self.size)
        share: np.ndarray = sides[:, 0] * sides[:, 1] * (self.areas == area)
        if len(self.views) < self.count:
            seen = np.zeros(self.count, bool)
            seen[list(self.views)] = True
            share[~seen] = 0
        return share

    def linked(self, a: int, b: int) -> bool:
        return (min(a, b), max(a, b)) in self._links

    def link(self, a: int, b: int, shift: np.ndarray, weight: float) -> None:
        """b's corner was measured to lie at `shift` from a's."""
        self._links.add((min(a, b), max(a, b)))
        self._from.append(a)
        self._to.append(b)
        self._shift.extend((float(shift[0]), float(shift[1])))
        self._weight.append(weight)
        self._settled = False

    def join(self, a: int, b: int, shift: np.ndarray, weight: float) -> None:
        """b's whole area becomes part of a's, moved so that b lies at `shift` from a."""
        moving = self.areas == self.areas[b]
        self.places[moving] += self.places[a] + shift - self.places[b]
        self.areas[moving] = self.areas[a]
        self.link(a, b, shift, weight)

    def settle(self) -> None:
        """Move the positions towards the least squares of all links: some conjugate gradient steps, where needed.

        The areas' means stay where they are: a link pulls both its ends equally.
        """
        if self._settled or not len(self._from):
            return
        start, end = np.array(self._from), np.array(self._to)
        weight = np.array(self._weight)[:, None]
        measured = np.array(self._shift).reshape(-1, 2)
        degree = np.bincount(np.concatenate([start, end]), np.tile(weight[:, 0], 2), self.count)[:, None]
        degree[degree == 0] = 1

        def spread(pull: np.ndarray) -> np.ndarray:
            parts = [np.bincount(end, p, self.count) - np.bincount(start, p, self.count) for p in pull.T]
            return np.stack(parts, axis=1)

        place = self.places
        left = spread(weight * (measured - (place[end] - place[start])))
        scaled = left / degree
        direction, size = scaled.copy(), np.sum(left * scaled, axis=0)
        for _ in range(ITERATIONS):
            curved = spread(weight * (direction[end] - direction[start]))
            length = size / np.maximum(np.sum(direction * curved, axis=0), 1e-12)
            place += length * direction
            left -= length * curved
            if np.abs(length * direction).max() < SETTLED:
                self._settled = True
                return
            scaled = left / degree
            before, size = size, np.sum(left * scaled, axis=0)
            direction = scaled + size / np.maximum(before, 1e-12) * direction
