"""Leukocytes that a person must look at: variant lymphocytes and blasts, drawn as the others are: (rng) -> Drawing.

After the usual atlases: a variant (reactive) lymphocyte measures 12 to 18 µm and has abundant blue cytoplasm that other
cells dent; a blast measures 12 to 20 µm and is mostly nucleus, its chromatin fine, with nucleoli.
"""

from __future__ import annotations

import numpy as np

from .leukocytes import Drawing, discs, stacked
from .nuclei import Chromatin, rounded
from .shapes import Grid, band_noise, ellipse, grains, inside, outline, ridge, without


def variant_lymphocyte(rng: np.random.Generator) -> Drawing:
    radius = rng.uniform(6.4, 8.6)
    grid = Grid.square(2 * radius + 5)
    d = outline(rng, grid, radius, 0.12, 0.12, 0.06)
    for _ in range(int(rng.integers(1, 4))):  # red cells press into its skirt
        turn = rng.uniform(0, 2 * np.pi)
        away = radius + rng.uniform(1.6, 2.6)
        d = without(d, ellipse(grid, away * np.cos(turn), away * np.sin(turn), 3.4))
    share = rng.uniform(0.54, 0.66)
    dent = rng.uniform(0.5, 1.6) if rng.random() < 0.5 else 0.0
    dn = rounded(rng, grid, share * radius, (1 - share) * radius * rng.uniform(0.3, 0.7), rng.uniform(1.1, 1.35), dent)
    dn = np.maximum(dn, d + 0.3)
    nucleus = Chromatin(0.74, 0.32, 1.0, rim=0.12, edge_um=0.25).fill(rng, dn)
    body = inside(d, 0.2)
    free = body * (1 - inside(dn))
    cloud = 1 + 0.16 * band_noise(rng, d.shape, 1.0)
    skirt = 1 + 0.9 * ridge(d, -0.3, 0.7)  # bluest along the edge
    pale = 1 - 0.25 * ridge(dn, 0.5, 0.5)
    return stacked(
        body,
        inside(dn) > 0.5,
        chromatin=nucleus,
        blue=free * rng.uniform(0.2, 0.34) * cloud * skirt * pale,
        azure=free * 0.08 * cloud,
    )


def blast(rng: np.random.Generator) -> Drawing:
    radius = rng.uniform(6.2, 9.2)
    grid = Grid.square(2 * radius + 4)
    d = outline(rng, grid, radius, 0.06, 0.09, 0.06)
    share = rng.uniform(0.78, 0.88)
    dent = rng.uniform(0.5, 1.2) if rng.random() < 0.3 else 0.0
    dn = rounded(rng, grid, share * radius, (1 - share) * radius * rng.uniform(0.3, 0.8), rng.uniform(1.0, 1.18), dent)
    dn = np.maximum(dn, d + 0.25)
    nucleus = Chromatin(0.62, 0.2, 0.5, rim=0.1, edge_um=0.22).fill(rng, dn)
    middle = np.argwhere(dn < 0.45 * float(dn.min()))
    for _ in range(int(rng.integers(1, 4))):
        row, column = middle[int(rng.integers(len(middle)))]
        spot = ellipse(grid, float(grid.x[row, column]), float(grid.y[row, column]), rng.uniform(0.6, 1.1))
        nucleus *= 1 - 0.4 * inside(spot, 0.25)
    body = inside(d, 0.2)
    free = body * (1 - inside(dn))
    cloud = 1 + 0.14 * band_noise(rng, d.shape, 0.8)
    few = discs(grains(rng, (d < -0.4) & (dn > 0.2), 1.2, 0.3), 0.18, d) if rng.random() < 0.3 else np.zeros_like(d)
    return stacked(
        body,
        inside(dn) > 0.5,
        chromatin=nucleus,
        blue=free * rng.uniform(0.26, 0.4) * cloud,
        azure=free * (0.06 * cloud + 0.4 * few),
    )
