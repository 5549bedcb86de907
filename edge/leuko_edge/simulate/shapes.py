"""Shapes and textures in micrometres: grids, signed distances (negative inside), noise, granules.

All is drawn on one lattice of `PITCH` µm, finer than an oil-immersion objective resolves (about 0.25 µm at
NA 1.25), and resampled to the picture's scale at the end, so that a cell looks the same at any scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

PITCH = 0.1
"""Micrometres between the points of the drawing lattice."""


class Grid(NamedTuple):
    """Coordinates (n, n) float32 of a square drawing area, µm from its middle, y downwards."""

    x: np.ndarray
    y: np.ndarray

    @classmethod
    def square(cls, side_um: float) -> Grid:
        half = int(np.ceil(side_um / 2 / PITCH))
        axis = np.arange(-half, half + 1, dtype=np.float32) * np.float32(PITCH)
        return cls(*np.meshgrid(axis, axis))

    def warped(self, rng: np.random.Generator, by_um: float, scale_um: float) -> Grid:
        """The same grid pushed about by smooth noise, so that what is drawn on it looks grown, not constructed."""
        shape = self.x.shape
        return Grid(
            self.x + np.float32(by_um) * noise(rng, shape, scale_um),
            self.y + np.float32(by_um) * noise(rng, shape, scale_um),
        )


def noise(rng: np.random.Generator, shape: tuple[int, int], scale_um: float) -> np.ndarray:
    """Smooth noise (h, w) float32 of mean 0 and s.d. about 1 whose features are about `scale_um` wide."""
    step = max(1, round(scale_um / PITCH / 6))  # large features need no fine lattice
    small = (shape[0] // step + 3, shape[1] // step + 3)
    sigma = scale_um / PITCH / step / 3
    rough = cv2.GaussianBlur(rng.standard_normal(small, np.float32), (0, 0), sigma)
    rough = rough * np.float32(2.0 * np.sqrt(np.pi) * sigma)  # the s.d. of blurred white noise is 1 / (2 √π σ)
    if step == 1:
        return rough[: shape[0], : shape[1]]
    grown = cv2.resize(rough, (small[1] * step, small[0] * step), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(grown[: shape[0], : shape[1]])


def band_noise(rng: np.random.Generator, shape: tuple[int, int], scale_um: float) -> np.ndarray:
    """Noise of features about `scale_um` wide with the slower drifts taken out (h, w), s.d. about 1."""
    return noise(rng, shape, scale_um) - 0.6 * noise(rng, shape, scale_um * 2.5)


def inside(distance: np.ndarray, edge_um: float = 0.2) -> np.ndarray:
    """1 inside, 0 outside, with a soft edge `edge_um` wide around distance 0."""
    t = np.clip(0.5 - distance / np.float32(2 * edge_um), 0.0, 1.0)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def ridge(distance: np.ndarray, at_um: float, width_um: float) -> np.ndarray:
    """A soft line that follows the outline at signed distance `at_um`; 1 on the line."""
    return np.exp(-np.square((distance - at_um) / np.float32(width_um)))


def ellipse(grid: Grid, cx: float, cy: float, rx: float, ry: float | None = None, angle: float = 0.0) -> np.ndarray:
    """Distance in µm (near enough to the outline) of an ellipse turned by `angle` radians."""
    ry = rx if ry is None else ry
    c, s = np.cos(angle), np.sin(angle)
    u = ((grid.x - cx) * c + (grid.y - cy) * s) / rx
    v = ((grid.y - cy) * c - (grid.x - cx) * s) / ry
    return ((np.sqrt(u * u + v * v) - 1) * min(rx, ry)).astype(np.float32)


def capsule(grid: Grid, a: tuple[float, float], b: tuple[float, float], ra: float, rb: float) -> np.ndarray:
    """Distance of a rounded bar from a to b whose radius goes from ra to rb."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    along = ((grid.x - a[0]) * dx + (grid.y - a[1]) * dy) / max(dx * dx + dy * dy, 1e-6)
    along = np.clip(along, 0.0, 1.0)
    gap = np.hypot(grid.x - a[0] - along * dx, grid.y - a[1] - along * dy)
    return (gap - (ra + (rb - ra) * along)).astype(np.float32)


def union(parts: Sequence[np.ndarray], blend_um: float = 0.3) -> np.ndarray:
    """The smooth union of several distances: parts closer than about `blend_um` flow together."""
    stack = np.stack(parts)
    return (-blend_um * np.log(np.exp(np.clip(-stack / blend_um, -60, 60)).sum(0))).astype(np.float32)


def without(distance: np.ndarray, notch: np.ndarray, blend_um: float = 0.5) -> np.ndarray:
    """A distance with another shape cut out of it, the new corner rounded over about `blend_um`."""
    return -union([-distance, notch], blend_um)


def outline(
    rng: np.random.Generator, grid: Grid, radius: float, wobble: float, stretch: float, rough: float = 0.0
) -> np.ndarray:
    """Distance of a round cell: an ellipse of the same area with a few slow undulations of relative height `wobble`.

    `rough` is the height in µm of the fine unevenness of its edge.
    """
    turn = rng.uniform(0, np.pi)
    squeeze = np.sqrt(1 + abs(rng.normal(0, stretch)))
    c, s = np.cos(turn), np.sin(turn)
    u, v = (grid.x * c + grid.y * s) / squeeze, (grid.y * c - grid.x * s) * squeeze
    theta = np.arctan2(v, u)
    reach = np.ones_like(theta)
    for k in range(2, 6):
        reach += np.float32(wobble * 2 * rng.normal() / k**1.6) * np.cos(k * theta + rng.uniform(0, 2 * np.pi))
    d = (np.hypot(u, v) - radius * reach).astype(np.float32)
    return d + rough * noise(rng, d.shape, 1.0) if rough else d


class Grains(NamedTuple):
    """Scattered granules: distance to the nearest one's middle (µm) and that one's random value, 0 to 1."""

    distance: np.ndarray
    value: np.ndarray


def grains(rng: np.random.Generator, region: np.ndarray, spacing_um: float, keep: float = 1.0) -> Grains | None:
    """Scatter granules about `spacing_um` apart where `region` (h, w bool) is true; None where not one falls in."""
    h, w = region.shape
    step = spacing_um / PITCH
    rows, cols = np.mgrid[0 : h + step : step * 0.87, 0 : w + step : step]
    cols[1::2] += step / 2  # hexagonal packing, then disorder
    at = np.stack([rows, cols], -1).reshape(-1, 2)
    at = np.rint(at + rng.normal(0, 0.28 * step, at.shape)).astype(int)
    at = at[rng.random(len(at)) < keep]
    at = at[((at >= 0) & (at < (h, w))).all(1)]
    at = at[region[at[:, 0], at[:, 1]]]
    if not len(at):
        return None
    seeds = np.full((h, w), 255, np.uint8)
    seeds[at[:, 0], at[:, 1]] = 0
    distance, label = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    values = rng.random(int(label.max()) + 1).astype(np.float32)
    return Grains(distance * np.float32(PITCH), values[label])
