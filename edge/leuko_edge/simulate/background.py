"""What surrounds the leukocytes: red cells, platelets and the film of dried plasma."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .cells import Patch, draw_cell, rendered
from .leukocytes import Drawing, stacked
from .shapes import Grid, inside, noise, outline, ridge
from .stain import DYES, Stain


@dataclass(frozen=True)
class Background:
    """How a field is strewn. Densities are per 1000 µm² of slide, sizes are µm."""

    red_cells: float = 9.5
    red_cell_um: float = 7.4  # mean diameter on a dried smear
    red_cell_cv: float = 0.055  # its coefficient of variation within a slide (RDW is about 13 % of the *volume*)
    pallor: float = 0.75  # 0 = flat discs, 1 = the full biconcave hollow
    platelets: float = 0.7
    pairs: float = 0.16  # share of red cells laid over a neighbour
    rouleaux: float = 0.03  # share that starts a stack like fallen coins

    def varied(self, rng: np.random.Generator) -> Background:
        """Another slide: thicker or thinner, paler or flatter cells."""
        return Background(
            red_cells=float(rng.uniform(5.0, 13.0)),
            red_cell_um=float(rng.normal(7.4, 0.25)),
            red_cell_cv=float(rng.uniform(0.04, 0.09)),
            pallor=float(rng.uniform(0.15, 1.0)),
            platelets=float(rng.uniform(0.2, 1.4)),
            pairs=float(rng.uniform(0.05, 0.3)),
            rouleaux=float(rng.uniform(0.0, 0.06)),
        )


def red_cell(rng: np.random.Generator, diameter_um: float, pallor: float) -> Drawing:
    """A red cell: a plateau of haemoglobin with a paler middle, a thin bright halo just outside its edge.

    The middle of a normal dried cell is pale over about a third of its diameter; `pallor` 0 to 1 says how pale on
    average. The halo is refraction, not dye; it is drawn as a small negative amount.
    """
    radius = diameter_um / 2
    grid = Grid.square(2 * radius + 3)
    d = outline(rng, grid, radius, 0.05, 0.07)
    off = rng.normal(0, 0.05 * radius, 2)  # the hollow is seldom quite central
    wide = radius * np.clip(rng.normal(0.48, 0.07), 0.3, 0.65)
    rho = np.clip(np.hypot(grid.x - off[0], grid.y - off[1]) / wide + 0.6 * (1 + d / radius), 0.0, None)
    depth = float(np.clip(pallor * rng.normal(1.0, 0.25), 0.0, 0.95))
    thickness = 1 - depth * np.exp(-((rho / 1.35) ** 3)) - 0.1 * np.square(1 + np.minimum(d, 0) / radius)
    mottle = 1 + 0.035 * noise(rng, d.shape, 1.6)
    body = inside(d, 0.28)
    amount = body * thickness * mottle * rng.normal(1.0, 0.06) + 0.14 * ridge(d, -0.3, 0.25)
    drawing = stacked(body, np.zeros(d.shape, bool), haemoglobin=amount)
    drawing.amounts[..., DYES.index("haemoglobin")] -= 0.10 * ridge(d, 0.42, 0.25)
    return drawing


def lay_red_cells(
    rng: np.random.Generator,
    extent_um: tuple[float, float],
    keep_clear: np.ndarray,
    look: Background,
) -> np.ndarray:
    """Where red cells lie: (n, 3) of x, y, diameter in µm, also a little beyond the extent (width, height).

    `keep_clear` (m, 3) lists x, y, radius of leukocytes: red cells that would lie on one are pushed out to its rim.
    """
    width, height = extent_um
    margin = look.red_cell_um
    want = round(look.red_cells * (width + 2 * margin) * (height + 2 * margin) / 1000)
    laid = np.empty((0, 3))
    for _ in range(want * 6):
        if len(laid) >= want:
            break
        size = look.red_cell_um * (1 + look.red_cell_cv * rng.normal())
        spots = [rng.uniform((-margin, -margin), (width + margin, height + margin))]
        kind, nearest = rng.random(), 1.0
        if kind < look.rouleaux:
            turn = rng.uniform(0, 2 * np.pi)
            step = size * rng.uniform(0.3, 0.55) * np.array([np.cos(turn), np.sin(turn)])
            spots += [spots[0] + k * step + rng.normal(0, 0.25, 2) for k in range(1, int(rng.integers(3, 6)))]
        elif kind < look.rouleaux + look.pairs:
            nearest = rng.uniform(0.55, 0.95)
        placed = [_pushed_out(spot, size / 2, keep_clear) for spot in spots]
        if all(_is_free(spot, size, laid, nearest) for spot in placed):
            laid = np.vstack([laid, *([[*spot, size]] for spot in placed)])
    return laid


def _pushed_out(spot: np.ndarray, radius: float, keep_clear: np.ndarray) -> np.ndarray:
    for x, y, clear in keep_clear:
        away = spot - (x, y)
        gap = float(np.hypot(*away))
        if gap < clear + radius * 0.96:
            spot = (x, y) + away / max(gap, 1e-6) * (clear + radius * 0.96)
    return spot


def _is_free(spot: np.ndarray, size: float, laid: np.ndarray, nearest: float) -> bool:
    if not len(laid):
        return True
    gaps = np.hypot(laid[:, 0] - spot[0], laid[:, 1] - spot[1])
    return bool((gaps > nearest * (laid[:, 2] + size) / 2).all())


def draw_red_cell(
    rng: np.random.Generator, diameter_um: float, um_per_px: float, stain: Stain, look: Background
) -> Patch:
    """A red cell as a patch of optical density."""
    return rendered("red_cell", red_cell(rng, diameter_um, look.pallor), um_per_px, stain)


def draw_platelet(rng: np.random.Generator, um_per_px: float, stain: Stain) -> Patch:
    """A platelet or a small clump as a patch of optical density."""
    return draw_cell(rng, "platelet", um_per_px, stain)


def plasma(rng: np.random.Generator, shape: tuple[int, int], um_per_px: float) -> np.ndarray:
    """The faint, cloudy film (h, w, 3) of dried plasma: an optical density of about 0.01."""
    small = (int(shape[0] * um_per_px) + 4, int(shape[1] * um_per_px) + 4)  # a point a µm: features of about 12 µm
    cloud = cv2.resize(noise(rng, small, 1.2), (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    film = np.clip(0.008 + 0.004 * cloud, 0.0, None)[..., None]
    return film * np.array([0.8, 1.0, 0.9], np.float32)
