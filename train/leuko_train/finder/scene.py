"""A piece of a picture with its cells: turned, scaled, crowded with others; and what the maps should show of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from leuko_edge.vision.finder_input import WHITE, densities

from .pictures import UNKNOWN, Picture, Place

SIDE = 80  # input pixels
CELL = 2  # input pixels along a side of one of the map's
DISC = 0.45  # of a cell's radius: the disc that the map shows, and nothing around it
RING = 0.85  # within it the map may show what it likes
BORDER = 0.35  # nearly as far from two cells: between them the map shows nothing
ROUND = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
STACKED_PX = (60, 900)  # input pixels that a red cell covers, or a few that touch
NEAR_CELL = 0.8  # of the views
SCALES = 0.14  # in logarithms: as far off as a measured scale may be


@dataclass
class Scene:
    """A piece of a picture, `side` pixels square, with what is known of it."""

    density: np.ndarray
    body: np.ndarray
    places: list[Place]
    unknown: list[Place]

    @classmethod
    def of(cls, rng: np.random.Generator, picture: Picture, side: int = SIDE) -> Scene:
        """A piece turned and scaled at random, mostly about a white cell."""
        height, width = picture.rgb.shape[:2]
        middle = np.array([rng.uniform(0, width), rng.uniform(0, height)])
        if picture.places and rng.random() < NEAR_CELL:
            place = picture.places[int(rng.integers(len(picture.places)))]
            middle = np.array([place.x, place.y]) + rng.uniform(-0.4 * side, 0.4 * side, 2)
        # At most a corner of the view lies outside, where the picture is large enough.
        for axis, length in enumerate((width, height)):
            margin = min(length / 2, 0.4 * side)
            middle[axis] = np.clip(middle[axis], margin, length - margin)
        matrix = _matrix(rng, middle, np.full(2, side / 2 - 0.5))
        return cls(*_warped(picture, matrix, side), _moved(picture.places, matrix), _moved(picture.unknown, matrix))

    def crowd(self, rng: np.random.Generator, others: Sequence[Picture], tries: int) -> None:
        """Put other cells of the laboratory beside those that are there, touching them."""
        side = len(self.body)
        for _ in range(tries):
            other = others[int(rng.integers(len(others)))]
            inside = [p for p in self.places if 0 < p.x < side and 0 < p.y < side]
            if len(other.places) != 1 or not (other.body == 1).any():
                continue
            own = other.places[0]
            radius = sum(own.radii) / 2
            spot = rng.uniform(0.1 * side, 0.9 * side, 2)
            if inside:
                beside = inside[int(rng.integers(len(inside)))]
                away = (radius + sum(beside.radii) / 2) * rng.uniform(0.88, 1.05)
                angle = rng.uniform(0, 2 * np.pi)
                spot = np.array([beside.x + away * np.cos(angle), beside.y + away * np.sin(angle)])
            clash = (np.hypot(p.x - spot[0], p.y - spot[1]) < 0.85 * (radius + sum(p.radii) / 2) for p in self.places)
            if not (0 < spot[0] < side and 0 < spot[1] < side) or any(clash):
                continue
            matrix = _matrix(rng, np.array([own.x, own.y]), spot, spread=0.0)
            density, body = _warped(other, matrix, side)
            cover = cv2.GaussianBlur(cv2.dilate((body == 1).astype(np.float32), np.ones((3, 3))), (0, 0), 0.7)
            self.density = self.density * (1 - cover[:, :, None]) + density * cover[:, :, None]
            self.body[cover > 0.2] = UNKNOWN
            self.body[body == 1] = 1
            self.places += _moved(other.places, matrix)

    def stack(self, rng: np.random.Generator, red: np.ndarray) -> None:
        """Lay some of the red cells on themselves: as dense as a nucleus, and none. `red` (3,) is their density."""
        near = cv2.dilate((self.body != 0).astype(np.uint8), np.ones((5, 5), np.uint8))
        stained = ((self.density[:, :, 1] > 0.5 * red[1]) & (near == 0)).astype(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.morphologyEx(stained, cv2.MORPH_CLOSE, ROUND))
        for n in range(1, count):
            if STACKED_PX[0] < stats[n, cv2.CC_STAT_AREA] < STACKED_PX[1] and rng.random() < 0.5:
                own = cv2.dilate((labels == n).astype(np.float32), ROUND)[:, :, None] * self.density
                move = np.array([[1, 0, rng.uniform(-5, 5)], [0, 1, rng.uniform(-5, 5)]], np.float32)
                for _ in range(int(rng.integers(1, 3))):
                    self.density = self.density + cv2.warpAffine(own, move, own.shape[1::-1])

    def cut_round(self, rng: np.random.Generator) -> np.ndarray | None:
        """(side, side) bool: the picture ends close round one of the cells; None where there is none."""
        side = len(self.body)
        inside = [p for p in self.places if 0.2 * side < p.x < 0.8 * side and 0.2 * side < p.y < 0.8 * side]
        if not inside:
            return None
        place = inside[int(rng.integers(len(inside)))]
        left, right, top, bottom = sum(place.radii) / 2 * rng.uniform(0.95, 1.6, 4)
        y, x = np.mgrid[:side, :side]
        shown = (x > place.x - left) & (x < place.x + right) & (y > place.y - top) & (y < place.y + bottom)
        self.body[~shown] = 0
        self.places = [p for p in self.places if shown[int(np.clip(p.y, 0, side - 1)), int(np.clip(p.x, 0, side - 1))]]
        return shown

    def centre(self) -> np.ndarray:
        """(side / CELL)² target of the map of centres."""
        at = np.arange(len(self.body) // CELL) * CELL + (CELL - 1) / 2
        x, y = np.meshgrid(at, at)
        target = np.zeros(x.shape, np.uint8)
        for place in self.unknown:
            target[_away(x, y, place) < 1.2] = UNKNOWN
        if not self.places:
            return target
        away = np.sort(np.stack([_away(x, y, place) for place in self.places]), axis=0)
        target[away[0] < RING] = UNKNOWN
        if len(away) > 1:
            target[(away[1] < 1.3) & (away[1] - away[0] < BORDER)] = 0
        for place in self.places:
            target[_away(x, y, place) < max(DISC, 2.0 / (sum(place.radii) / 2))] = 1
        return target

    def body_map(self) -> np.ndarray:
        """(side / CELL)²: where a cell's edge crosses a map pixel, nobody knows."""
        count = len(self.body) // CELL
        pieces = self.body.reshape(count, CELL, count, CELL).swapaxes(1, 2).reshape(count, count, CELL * CELL)
        low, high = pieces.min(axis=2), pieces.max(axis=2)
        return np.where(low == high, low, UNKNOWN).astype(np.uint8)


def _away(x: np.ndarray, y: np.ndarray, place: Place) -> np.ndarray:
    return np.hypot(x - place.x, y - place.y) / max(sum(place.radii) / 2, 2.0)


def _matrix(rng: np.random.Generator, source: np.ndarray, target: np.ndarray, spread: float = SCALES) -> np.ndarray:
    """(2, 3) from pixels of the picture to those of the view: turned, mirrored, scaled about `source`."""
    angle = rng.uniform(0, 2 * np.pi)
    scale = float(np.exp(np.clip(rng.normal(0, spread), -0.35, 0.35))) if spread else float(np.exp(rng.normal(0, 0.05)))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if rng.random() < 0.5:
        turn[:, 0] *= -1
    return np.column_stack([turn, target - turn @ source])


def _warped(picture: Picture, matrix: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    rgb = cv2.warpAffine(picture.rgb, matrix, (side, side), flags=cv2.INTER_LINEAR, borderValue=(WHITE,) * 3)
    body = cv2.warpAffine(picture.body, matrix, (side, side), flags=cv2.INTER_NEAREST)
    return densities(rgb), body


def _moved(places: Sequence[Place], matrix: np.ndarray) -> list[Place]:
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    moved = []
    for place in places:
        x, y = matrix @ (place.x, place.y, 1.0)
        moved.append(Place(float(x), float(y), (place.radii[0] * scale, place.radii[1] * scale)))
    return moved
