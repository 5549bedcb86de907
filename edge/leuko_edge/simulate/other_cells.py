"""Erythroblasts, platelets, smudge cells and artefacts, drawn as the leukocytes are: (rng) -> Drawing."""

from __future__ import annotations

import numpy as np

from .leukocytes import Drawing, discs, stacked
from .nuclei import Chromatin, rounded
from .shapes import Grid, band_noise, capsule, ellipse, grains, inside, noise, outline, ridge, union


def erythroblast(rng: np.random.Generator) -> Drawing:
    """A nucleated red cell, anywhere from polychromatic (blue-grey) to orthochromatic (pink, an ink-drop nucleus)."""
    ripe = rng.random()
    radius = rng.uniform(4.9, 5.6) - 0.8 * ripe
    grid = Grid.square(2 * radius + 4)
    d = outline(rng, grid, radius, 0.06, 0.06)
    share = 0.68 - 0.16 * ripe
    offset = radius * (1 - share) * rng.uniform(0.35, 0.75)
    dn = np.maximum(rounded(rng, grid, radius * share, offset, rng.uniform(1.0, 1.12)), d + 0.25)
    nucleus = Chromatin(1.15 + 0.2 * ripe, 0.12 + 0.3 * (1 - ripe), 1.0, rim=0.1, edge_um=0.2).fill(rng, dn)
    body = inside(d, 0.18)
    free = body * (1 - inside(dn))
    cloud = 1 + 0.1 * band_noise(rng, d.shape, 0.6)
    return stacked(
        body,
        inside(dn) > 0.5,
        chromatin=nucleus,
        haemoglobin=free * (0.55 + 0.4 * ripe) * cloud,
        blue=free * (0.30 * (1 - ripe) + 0.05) * cloud * (1 + 0.15 * ridge(d, -0.3, 0.4)),
    )


def platelet(rng: np.random.Generator) -> Drawing:
    """A platelet of 1.8 to 3.2 µm, now and then a clump: pale blue hyalomere with purple granules in its middle."""
    count = int(rng.integers(2, 6)) if rng.random() < 0.1 else 1
    grid = Grid.square(11.0)
    warped = grid.warped(rng, 0.18, 1.0)
    bodies, x, y = [], 0.0, 0.0
    for _ in range(count):
        radius = rng.uniform(1.05, 1.75) * (1.3 if rng.random() < 0.08 else 1.0)
        bodies.append(ellipse(warped, x, y, radius, radius * rng.uniform(0.75, 1.0), rng.uniform(0, np.pi)))
        turn = rng.uniform(0, 2 * np.pi)
        x, y = np.clip((x + 2.0 * np.cos(turn), y + 2.0 * np.sin(turn)), -3.2, 3.2)
    d = union(bodies, 0.15)
    body = inside(d, 0.22)
    granule = discs(grains(rng, d < -0.25, 0.42, 0.85), 0.2, d)
    strength = rng.uniform(0.7, 1.15)
    middle = inside(d + 0.45, 0.4)
    return stacked(
        body * 0.9,
        np.zeros(d.shape, bool),
        blue=body * 0.12,
        azure=strength * (body * 0.14 + middle * 0.22 + granule * 0.5),
        chromatin=strength * granule * middle * 0.22,
    )


def artefact(rng: np.random.Generator) -> Drawing:
    """What is dark and no cell: stain precipitate or, in a third of the draws, a pale cloud of it that has run."""
    return cloud(rng) if rng.random() < 0.33 else precipitate(rng)


def smudge(rng: np.random.Generator) -> Drawing:
    """A burst cell: bare chromatin, smeared and frayed in one direction, paler than a living nucleus."""
    radius = rng.uniform(4.5, 6.5)
    grid = Grid.square(3.6 * radius + 10)
    turn = rng.uniform(0, 2 * np.pi)
    core = ellipse(grid.warped(rng, 0.8, 4.5).warped(rng, 0.3, 1.5), 0, 0, radius * 1.2, radius * 0.85, turn)
    parts = [core]
    for _ in range(int(rng.integers(4, 9))):  # strands pulled out along the smear
        side = rng.normal(0, 0.45 * radius)
        foot = (-side * np.sin(turn), side * np.cos(turn))
        reach = radius * rng.uniform(1.2, 1.7)
        way = turn + rng.normal(0, 0.25)
        tip = (foot[0] + reach * np.cos(way), foot[1] + reach * np.sin(way))
        parts.append(capsule(grid.warped(rng, 0.5, 2.5), foot, tip, rng.uniform(0.7, 1.3), 0.1))
    d = np.maximum(union(parts, 0.4), ellipse(grid, 0, 0, 1.8 * radius + 3.5))  # stays within the patch
    mesh = 0.52 + 0.12 * band_noise(rng, d.shape, 1.3) - 0.12 * np.abs(noise(rng, d.shape, 3.5))
    veil = inside(d, 0.9)
    amount = veil * np.clip(mesh, 0.12, 0.8)
    return stacked(veil * 0.85, veil > 0.5, chromatin=amount * 0.8, azure=amount * 0.45)


def cloud(rng: np.random.Generator) -> Drawing:
    """Stain that dried in a drop: a ragged patch 6 to 11 µm across, without structure, darkest along its edge."""
    radius = rng.uniform(3.0, 5.5)
    grid = Grid.square(2 * radius + 8)
    d = ellipse(grid.warped(rng, 0.9, 3.0).warped(rng, 0.25, 0.9), 0, 0, radius, radius * rng.uniform(0.6, 1.0))
    body = inside(d, 0.35)
    amount = body * (0.42 + 0.3 * ridge(d, -0.5, 0.5) + 0.06 * noise(rng, d.shape, 2.0))
    return stacked(body * 0.8, body > 0.5, chromatin=amount * rng.uniform(0.7, 1.0), azure=amount * 0.5)


def precipitate(rng: np.random.Generator) -> Drawing:
    """Grains of undissolved stain, 0.3 to 1 µm and nearly black, in a loose heap 3 to 8 µm across."""
    grid = Grid.square(13.0)
    heap = ellipse(grid.warped(rng, 0.8, 2.5), 0, 0, rng.uniform(1.6, 3.8), rng.uniform(1.4, 3.0), rng.uniform(0, 3))
    near = np.hypot(grid.x, grid.y) < 5.3
    loose = grains(rng, near & (heap < noise(rng, heap.shape, 1.5) * 0.8), 0.55, rng.uniform(0.35, 0.7))
    dots = discs(loose, 0.28, heap, 0.9)
    return stacked(dots, dots > 0.5, chromatin=dots * 1.2, azure=dots * 0.5)
