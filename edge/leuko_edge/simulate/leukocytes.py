"""The six leukocyte classes, each a function (rng) -> Drawing of dye amounts on the lattice.

Sizes are diameters on a dried smear, µm, after the usual atlases: neutrophil 12-14, lymphocyte 8-11 (large ones to 14),
monocyte 15-18, eosinophil 13-15, basophil 11-13, immature granulocytes 14-18.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .nuclei import Chromatin, arc, rounded, segmented
from .shapes import Grains, Grid, band_noise, ellipse, grains, inside, noise, outline, ridge
from .stain import DYES


class Drawing(NamedTuple):
    """Dye amounts (h, w, 5), how far the body hides or displaces what lies below (h, w, 0 to 1), and its nucleus."""

    amounts: np.ndarray
    cover: np.ndarray
    nucleus: np.ndarray


def stacked(cover: np.ndarray, nucleus: np.ndarray, **dyes: np.ndarray) -> Drawing:
    """A Drawing from named planes of dye; dyes that are not named are absent."""
    amounts = np.zeros((*cover.shape, len(DYES)), np.float32)
    for dye, plane in dyes.items():
        amounts[..., DYES.index(dye)] = np.clip(plane, 0.0, None)
    return Drawing(amounts, cover, nucleus)


def discs(grain: Grains | None, radius_um: float, like: np.ndarray, spread: float = 0.35) -> np.ndarray:
    """Granules as soft discs (h, w, 0 to 1) whose radii differ by `spread`, relative."""
    if grain is None:
        return np.zeros_like(like)
    radius = radius_um * (1 + spread * (grain.value - 0.5) * 2)
    return inside(grain.distance - radius, 0.12) * (0.65 + 0.35 * grain.value)


def neutrophil(rng: np.random.Generator) -> Drawing:
    radius = rng.uniform(6.0, 7.0)
    grid = Grid.square(2 * radius + 4)
    d = outline(rng, grid, radius, 0.05, 0.06, 0.04)
    if rng.random() < 0.08:  # a band, not yet segmented
        dn = arc(rng, grid, radius, rng.uniform(1.3, 1.6), rng.uniform(170, 235), 0.5)
    else:
        dn = segmented(rng, grid, radius, int(rng.choice([2, 3, 4, 5], p=[0.2, 0.45, 0.28, 0.07])))
    dn = np.maximum(dn, d + 0.35)
    nucleus = Chromatin(0.88, 0.42, 0.95, rim=0.24).fill(rng, dn)
    body = inside(d, 0.18)
    free = body * (1 - 0.85 * inside(dn))
    dust = discs(grains(rng, d < -0.25, 0.5, 0.75), 0.13, d)
    coarse = discs(grains(rng, d < -0.4, 1.1, 0.3), 0.2, d)
    cloud = 1 + 0.2 * band_noise(rng, d.shape, 1.5) + 0.2 * band_noise(rng, d.shape, 0.5)
    return stacked(
        body,
        inside(dn) > 0.5,
        chromatin=nucleus,
        eosin=free * 0.07 * cloud,
        azure=free * (0.09 * cloud + 0.16 * dust + 0.2 * coarse + 0.07 * ridge(d, -0.15, 0.2)),
        blue=free * 0.045,
    )


def lymphocyte(rng: np.random.Generator) -> Drawing:
    large = rng.random() < 0.2
    radius = rng.uniform(5.6, 6.7) if large else rng.uniform(4.1, 5.3)
    grid = Grid.square(2 * radius + 4)
    d = outline(rng, grid, radius, 0.07 if large else 0.04, 0.08, 0.08)
    share = rng.uniform(0.66, 0.74) if large else rng.uniform(0.8, 0.9)
    offset = (1 - share) * radius * rng.uniform(0.35, 0.8)
    dent = rng.uniform(0.6, 1.0) if rng.random() < 0.2 else 0.0
    dn = np.maximum(rounded(rng, grid, share * radius, offset, rng.uniform(1.0, 1.12), dent), d + 0.2)
    density = 0.72 if large else 0.9
    nucleus = Chromatin(density, 0.38, 1.15, rim=0.16, edge_um=0.25).fill(rng, dn)
    body = inside(d, 0.2)
    free = body * (1 - inside(dn))
    cloud = 1 + 0.16 * band_noise(rng, d.shape, 1.0) + 0.14 * band_noise(rng, d.shape, 0.45)
    azure = np.zeros_like(d)
    if large:  # a few azurophilic granules in the wider cytoplasm
        azure = free * 0.5 * discs(grains(rng, (d < -0.5) & (dn > 0.3), 1.4, 0.25), 0.22, d)
    tint = rng.uniform(0.17, 0.26) if large else rng.uniform(0.22, 0.34)
    halo = 1 - 0.2 * ridge(dn, 0.35, 0.3)  # paler next to the nucleus
    return stacked(
        body,
        inside(dn) > 0.5,
        chromatin=nucleus,
        blue=free * tint * cloud * halo * (1 + 0.12 * ridge(d, -0.2, 0.35)),
        azure=azure + free * 0.09 * cloud,
    )


def monocyte(rng: np.random.Generator) -> Drawing:
    radius = rng.uniform(7.5, 9.0)
    grid = Grid.square(2 * radius + 4)
    d = outline(rng, grid, radius, 0.07, 0.1, 0.07)
    kind = rng.random()
    if kind < 0.5:  # kidney to horseshoe
        dn = arc(rng, grid, radius, radius * rng.uniform(0.34, 0.41), rng.uniform(120, 205), 0.44)
    elif kind < 0.8:
        dn = rounded(rng, grid, radius * 0.68, radius * 0.15, 1.25, dent=rng.uniform(2.0, 3.2))
    else:  # folded and lobulated
        dn = rounded(rng, grid.warped(rng, 0.6, 4.5), radius * 0.68, radius * 0.15, 1.3)
    dn = np.maximum(dn, d + 0.6)
    fold = inside(dn + 0.5) * ridge(noise(rng, d.shape, 5.0), 0.0, 0.12)
    nucleus = Chromatin(0.66, 0.3, 0.8, rim=0.16, edge_um=0.25, lacy=True).fill(rng, dn) + 0.14 * fold
    holes = np.ones_like(d)
    vacuoles = grains(rng, (d < -1.0) & (dn > 0.5), 2.0, rng.uniform(0.1, 0.45))
    if vacuoles is not None:
        holes -= 0.6 * inside(vacuoles.distance - 0.3 - 0.35 * vacuoles.value, 0.15)
    body = inside(d, 0.25)
    free = body * (1 - inside(dn)) * holes
    cloud = 1 + 0.13 * band_noise(rng, d.shape, 0.6) + 0.1 * noise(rng, d.shape, 3.0)
    dust = discs(grains(rng, d < -0.4, 0.45, 0.6), 0.11, d)
    return stacked(
        body,
        inside(dn) > 0.5,
        chromatin=nucleus,
        blue=free * rng.uniform(0.13, 0.2) * cloud,
        azure=free * (0.085 * cloud + 0.12 * dust + 0.06 * ridge(d, -0.15, 0.25)),
        eosin=free * 0.07,
    )


def eosinophil(rng: np.random.Generator) -> Drawing:
    radius = rng.uniform(6.5, 7.4)
    grid = Grid.square(2 * radius + 4)
    d = outline(rng, grid, radius, 0.05, 0.07, 0.04)
    dn = np.maximum(segmented(rng, grid, radius, 3 if rng.random() < 0.15 else 2), d + 0.3)
    nucleus = Chromatin(0.83, 0.42, 1.0, rim=0.22).fill(rng, dn)
    body = inside(d, 0.2)
    packed = grains(rng, d < -0.3, 0.6)
    granule = discs(packed, 0.32, d, 0.3)
    if packed is not None:  # refractile: each bends light to a bright middle
        granule = granule * (1 - 0.35 * inside(packed.distance - 0.08, 0.14)) * (0.7 + 0.45 * packed.value)
    free = body * (1 - 0.88 * inside(dn))
    strength = rng.uniform(0.85, 1.1)
    return stacked(
        body,
        inside(dn) > 0.5,
        chromatin=nucleus,
        eosin=free * strength * (0.36 + 0.68 * granule),
        azure=free * (0.06 + 0.06 * granule),
        blue=free * 0.03,
    )


def basophil(rng: np.random.Generator) -> Drawing:
    radius = rng.uniform(5.5, 6.5)
    grid = Grid.square(2 * radius + 4)
    d = outline(rng, grid, radius, 0.08, 0.06)
    lobes = rng.choice([2, 3])
    dn = np.maximum(segmented(rng, grid, radius * 1.05, int(lobes)) - 0.5, d + 0.3)
    nucleus = Chromatin(0.5, 0.2, 1.6, rim=0.0, edge_um=0.5).fill(rng, dn)
    body = inside(d, 0.25)
    packed = grains(rng, d < -0.15, 0.8, rng.uniform(0.72, 0.95))  # some have dissolved in the stain
    if packed is not None:  # the coarse granules are no neat balls
        packed = packed._replace(distance=packed.distance + 0.09 * noise(rng, d.shape, 0.5))
    granule = discs(packed, 0.4, d, 0.5) * np.clip(0.85 + 0.25 * noise(rng, d.shape, 1.2), 0.3, 1.2)
    free = body * (1 - 0.6 * inside(dn, 0.5))
    return stacked(
        np.maximum(body, granule),
        inside(dn) > 0.5,
        chromatin=nucleus + granule * rng.uniform(0.62, 0.8),
        azure=free * 0.3 * (1 + 0.3 * band_noise(rng, d.shape, 0.8)) + granule * 0.16,
        blue=free * 0.04,
    )


def immature_granulocyte(rng: np.random.Generator) -> Drawing:
    """Promyelocyte (a third), myelocyte or metamyelocyte: ever less blue, ever finer granules, ever more indented."""
    stage = int(rng.choice([0, 1, 2], p=[0.3, 0.35, 0.35]))
    radius = rng.uniform(*((7.9, 9.0), (7.2, 8.6), (7.0, 8.0))[stage])
    grid = Grid.square(2 * radius + 4)
    d = outline(rng, grid, radius, 0.06, 0.09, 0.05)
    share = (0.76, 0.68, 0.66)[stage]
    dent = (0.0, rng.uniform(0.0, 0.7), rng.uniform(1.5, 2.6))[stage]
    offset = radius * (1 - share) * rng.uniform(0.7, 0.95)
    dn = np.maximum(rounded(rng, grid, radius * share, offset, rng.uniform(1.05, 1.3), dent), d + 0.35)
    nucleus = Chromatin((0.68, 0.78, 0.86)[stage], 0.28, (0.6, 0.8, 0.95)[stage], rim=0.06).fill(rng, dn)
    if stage == 0:  # one or two pale nucleoli
        for _ in range(int(rng.integers(1, 3))):
            spot = ellipse(grid, *_within(rng, grid, dn), rng.uniform(0.6, 0.9))
            nucleus *= 1 - 0.35 * inside(spot, 0.3)
    body = inside(d, 0.22)
    free = body * (1 - inside(dn))
    hof = inside(ellipse(grid, *_beside(grid, dn, d), radius * 0.3), 0.9)  # the pale Golgi zone by the nucleus
    cloud = 1 + 0.2 * band_noise(rng, d.shape, 1.0) - 0.3 * hof
    primary = discs(grains(rng, d < -0.35, 0.85, (0.75, 0.55, 0.15)[stage]), 0.24, d)
    fine = discs(grains(rng, d < -0.3, 0.5, 0.7), 0.13, d)
    over = 1 - 0.55 * inside(dn)  # the granules lie over the nucleus too
    return stacked(
        body,
        inside(dn) > 0.5,
        chromatin=nucleus,
        blue=free * (0.30, 0.15, 0.06)[stage] * cloud,
        azure=body * over * ((0.62, 0.46, 0.25)[stage] * primary + 0.16 * fine) + free * 0.12 * cloud,
        eosin=free * (0.03, 0.08, 0.12)[stage],
    )


def _within(rng: np.random.Generator, grid: Grid, dn: np.ndarray) -> tuple[float, float]:
    """A random place well inside a nucleus, µm."""
    deep = np.flatnonzero(dn < 0.55 * float(dn.min()))
    pick = int(rng.choice(deep))
    return float(grid.x.flat[pick]), float(grid.y.flat[pick])


def _beside(grid: Grid, dn: np.ndarray, d: np.ndarray) -> tuple[float, float]:
    """The place in the cytoplasm that is farthest from both membranes, µm: where the Golgi zone lies."""
    roomy = int(np.argmin(np.maximum(d, -dn)))
    return float(grid.x.flat[roomy]), float(grid.y.flat[roomy])
