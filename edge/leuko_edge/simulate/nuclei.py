"""Nuclei: their outlines class by class, and the chromatin that fills them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .shapes import Grid, band_noise, capsule, ellipse, inside, ridge, union, without


@dataclass(frozen=True)
class Chromatin:
    """How a nucleus takes the stain. `density` is the amount of dye; `contrast` its relative swing between clumps."""

    density: float
    contrast: float
    clump_um: float  # width of the clumps
    rim: float = 0.15  # extra dye along the membrane
    edge_um: float = 0.22
    lacy: bool = False  # strands around pale gaps, as in monocytes, instead of clumps

    def fill(self, rng: np.random.Generator, distance: np.ndarray) -> np.ndarray:
        """Amount of dye (h, w) for a nucleus whose signed distance in µm is given."""
        n = band_noise(rng, distance.shape, self.clump_um)
        fine = band_noise(rng, distance.shape, max(0.35, self.clump_um * 0.42))
        if self.lacy:
            swing = np.tanh(0.7 * n + 0.9 * fine) - 0.35 * np.clip(n, 0, 1.5)  # strands of all sizes, pale meshes
        else:
            swing = np.clip(np.tanh(1.1 * (0.7 * n + 0.9 * fine)) + 0.15, -1.0, 0.6)  # mostly dark, pale flecks between
        amount = self.density * (1 + self.contrast * swing) + self.rim * ridge(distance, -0.2, 0.25)
        return (np.clip(amount, 0.0, None) * inside(distance, self.edge_um)).astype(np.float32)


def _on_arc(angle: float, radius: float, turn: float, shift: float) -> tuple[float, float]:
    """A point of an arc around a centre that is pushed back by `shift`, so that the arc's middle lies outwards."""
    x, y = radius * np.cos(angle) - shift, radius * np.sin(angle)
    return float(x * np.cos(turn) - y * np.sin(turn)), float(x * np.sin(turn) + y * np.cos(turn))


def segmented(rng: np.random.Generator, grid: Grid, cell_radius: float, lobes: int) -> np.ndarray:
    """Lobes strung along an arc on thin filaments: the polymorph's nucleus."""
    turn = rng.uniform(0, 2 * np.pi)
    radius = cell_radius * rng.uniform(0.44, 0.52)
    span = np.radians({2: 130, 3: 205, 4: 240, 5: 270}[lobes]) * rng.uniform(0.85, 1.08)
    angles = np.linspace(-span / 2, span / 2, lobes) + rng.normal(0, 0.09, lobes)
    size = cell_radius * {2: 0.37, 3: 0.31, 4: 0.275, 5: 0.245}[lobes]
    shift = radius * rng.uniform(0.0, 0.25)
    warped = grid.warped(rng, 0.2, 3.0)
    parts, joints = [], []
    for angle in angles:
        spot = _on_arc(angle, radius * rng.uniform(0.72, 1.2), turn, shift)
        joints.append(spot)
        tangent = turn + angle + np.pi / 2 + rng.normal(0, 0.45)
        long = size * rng.uniform(1.05, 1.4)
        parts.append(ellipse(warped, *spot, long, size * rng.uniform(0.78, 1.0), tangent))
    for a, b in pairwise(joints):
        thickness = rng.uniform(0.22, 0.5)
        parts.append(capsule(warped, a, b, thickness, thickness))
    return union(parts, 0.18)


def arc(
    rng: np.random.Generator, grid: Grid, cell_radius: float, width: float, span_deg: float, reach: float = 0.45
) -> np.ndarray:
    """A bent sausage of half-width `width` µm: bands, kidneys, horseshoes. `reach` is in cell radii."""
    turn = rng.uniform(0, 2 * np.pi)
    span = np.radians(span_deg)
    radius = cell_radius * reach
    shift = radius * (0.55 if span_deg < 200 else 0.1)
    warped = grid.warped(rng, 0.28, 3.4)
    steps = np.linspace(-span / 2, span / 2, 7)
    widths = width * (1 + 0.13 * np.array([0.6, 0.5, -0.3, -0.7, -0.3, 0.5, 0.6])) * rng.uniform(0.92, 1.08, 7)
    spots = [_on_arc(a, radius, turn, shift) for a in steps]
    bars = [
        capsule(warped, spots[i], spots[i + 1], float(widths[i]), float(widths[i + 1])) for i in range(len(spots) - 1)
    ]
    return union(bars, 0.25)


def rounded(
    rng: np.random.Generator, grid: Grid, radius: float, offset: float, stretch: float = 1.1, dent: float = 0.0
) -> np.ndarray:
    """A round or oval nucleus `offset` µm off the middle; `dent` (µm) presses its inner side in."""
    turn = rng.uniform(0, 2 * np.pi)
    cx, cy = offset * np.cos(turn), offset * np.sin(turn)
    warped = grid.warped(rng, 0.04 * radius, 4.5)
    d = ellipse(warped, cx, cy, radius / np.sqrt(stretch), radius * np.sqrt(stretch), turn)
    if dent <= 0:
        return d
    away = radius * 1.35 - dent
    notch = ellipse(warped, cx - away * np.cos(turn), cy - away * np.sin(turn), radius * 0.62, radius * 0.75, turn)
    return without(d, notch)
