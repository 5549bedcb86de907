"""Where cells lie on a large smear, known before a pixel is drawn: leukocytes at once, red cells tile by tile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, hypot, pi, sin
from random import Random
from typing import NamedTuple

import numpy as np

from .background import Background

REACH_UM = {
    "neutrophil": 8.0,
    "lymphocyte": 8.0,
    "monocyte": 11.0,
    "eosinophil": 9.0,
    "basophil": 8.0,
    "immature_granulocyte": 11.0,
    "erythroblast": 7.0,
    "artefact": 14.0,
}
"""How far a drawn body reaches from its place at most, µm: rounded up from 150 drawings of each class."""

APART_UM = 3.0  # least gap between two such bodies
PUSHED = 0.8  # share of its reach within which a body pushes red cells aside: the usual cell is smaller
NEAR_UM = 6.0  # from its reach on, a cell is no matter to red cells and platelets
TRIES = 6  # red cells tried for each one wanted; where the film is that crowded, fewer are laid


@dataclass(frozen=True)
class Placed:
    """The truth of one cell of a smear, known without drawing it. `centre` x, y: its middle in pixels of the slide.

    A drawn cell's box has its middle within 0.6 µm of it (an artefact's within 4), and none of it lies further than
    `reach` px away in x or in y.
    """

    id: int  # 0, 1, …: its number in `Smear.truth`
    label: str
    centre: tuple[float, float]
    reach: float


class Laid(NamedTuple):
    """A red cell or platelet: its middle and diameter in µm of the slide, and which of the drawn ones it shows."""

    x: float
    y: float
    size: float
    look: int


def place_cells(
    rng: np.random.Generator, counts: Mapping[str, int], size: tuple[int, int], um_per_px: float, margin_um: float
) -> tuple[Placed, ...]:
    """`counts` cells of each label spread at random over a slide of `size` px, none touching another.

    All of a cell lies at least `margin_um` inside the slide. ValueError where they do not fit, or a label is unknown.
    """
    unknown = sorted(set(counts) - set(REACH_UM))
    if unknown:
        raise ValueError(f"no cells of {', '.join(unknown)} on a smear; one of {', '.join(REACH_UM)}")
    labels = [label for label, count in counts.items() for _ in range(count)]
    rng.shuffle(labels)
    extent = np.array(size) * um_per_px
    taken = np.empty((len(labels), 3))
    for n, label in enumerate(labels):
        reach = REACH_UM[label]
        inset = margin_um + reach
        for _ in range(200):
            x, y = rng.uniform((inset, inset), np.maximum(extent - inset, inset))
            before = taken[:n]
            gaps = np.hypot(before[:, 0] - x, before[:, 1] - y)
            if inset < extent.min() / 2 and (gaps > before[:, 2] + reach + APART_UM).all():
                break
        else:
            raise ValueError(f"{len(labels)} cells do not fit a smear of {size[0]}×{size[1]} pixels at this scale")
        taken[n] = x, y, reach
    at = (taken / um_per_px).tolist()
    return tuple(
        Placed(n, label, (x, y), reach) for n, (label, (x, y, reach)) in enumerate(zip(labels, at, strict=True))
    )


class Strewn:
    """Red cells and platelets of an endless smear, laid a square tile at a time, the same whatever tile is asked first.

    A tile's red cells must leave room for those of its neighbours. So tiles come in four ranks, like the fields of a
    board coloured with four colours: a tile is laid into what its neighbours of lower rank left free, and no two of
    one rank touch.
    """

    def __init__(
        self,
        seed: int,
        tile_um: float,
        look: Background,
        diameters: np.ndarray,
        platelets: int,
        cells: np.ndarray,
    ) -> None:
        """`diameters` (n,) µm of the red cells that may be laid; `platelets` how many drawn ones there are to choose
        from; `cells` (m, 3) x, y, reach in µm of what neither may lie on."""
        self._seed, self._side, self._look = seed, tile_um, look
        self._diameters, self._platelets, self._cells = diameters.tolist(), platelets, cells
        self._wide = max(self._diameters)  # of a bin: what overlaps lies in the same or the next one
        self._bins: defaultdict[tuple[int, int], list[Laid]] = defaultdict(list)
        self._red: dict[tuple[int, int], list[Laid]] = {}

    def red_cells(self, column: int, row: int) -> list[Laid]:
        """Those whose middle lies in the tile; they may reach a red cell's width beyond it."""
        if (column, row) not in self._red:
            for c in (column - 1, column, column + 1):
                for r in (row - 1, row, row + 1):
                    if _rank(c, r) < _rank(column, row):
                        self.red_cells(c, r)
            self._red[column, row] = self._lay(column, row)
        return self._red[column, row]

    def platelets(self, column: int, row: int) -> list[Laid]:
        """Those whose middle lies in the tile."""
        rng = self._rng("platelets", column, row)
        near = self._near(column, row)
        mean = self._look.platelets * self._side**2 / 1000
        want = int(2 * mean * rng.random() + rng.random())  # here more, there fewer: platelets cluster
        spots = []
        for _ in range(want):
            x, y = (column + rng.random()) * self._side, (row + rng.random()) * self._side
            look = rng.randrange(self._platelets)
            if all(hypot(x - cx, y - cy) > reach + 2.5 for cx, cy, reach in near):
                spots.append(Laid(x, y, 0.0, look))
        return spots

    def _rng(self, kind: str, column: int, row: int) -> Random:
        return Random(f"{self._seed} {kind} {column} {row}")

    def _near(self, column: int, row: int) -> list[tuple[float, float, float]]:
        """x, y, reach of the cells that matter to a tile."""
        middle = (np.array((column, row)) + 0.5) * self._side
        away = np.abs(self._cells[:, :2] - middle).max(1)
        return [
            (x, y, reach) for x, y, reach in self._cells[away < self._side / 2 + self._cells[:, 2] + NEAR_UM].tolist()
        ]

    def _lay(self, column: int, row: int) -> list[Laid]:
        rng, look, side = self._rng("red cells", column, row), self._look, self._side
        near = self._near(column, row)
        want = round(look.red_cells * side**2 / 1000)
        laid: list[Laid] = []
        for _ in range(want * TRIES):
            if len(laid) >= want:
                break
            which = rng.randrange(len(self._diameters))
            size = self._diameters[which]
            x, y = (column + rng.random()) * side, (row + rng.random()) * side
            spots, nearest, kind = [(x, y)], 1.0, rng.random()
            if kind < look.rouleaux:
                turn, step = rng.uniform(0, 2 * pi), size * rng.uniform(0.3, 0.55)
                spots += [(x + k * step * cos(turn), y + k * step * sin(turn)) for k in range(1, rng.randint(3, 5))]
            elif kind < look.rouleaux + look.pairs:
                nearest = rng.uniform(0.55, 0.95)
            stack = [Laid(*_pushed_out(spot, size / 2, near), size, which) for spot in spots]
            within = all((cell.x // side, cell.y // side) == (column, row) for cell in stack)
            if within and all(self._is_free(cell, nearest) for cell in stack):
                laid += stack
                for cell in stack:
                    self._bins[self._bin(cell)].append(cell)
        return laid

    def _bin(self, cell: Laid) -> tuple[int, int]:
        return int(cell.x // self._wide), int(cell.y // self._wide)

    def _is_free(self, cell: Laid, nearest: float) -> bool:
        """Whether a red cell keeps `nearest` of a diameter from all that are laid.

        Those are its own tile's and its lower neighbours': a higher one is never laid before it.
        """
        column, row = self._bin(cell)
        return all(
            hypot(cell.x - other.x, cell.y - other.y) > nearest * (cell.size + other.size) / 2
            for c in (column - 1, column, column + 1)
            for r in (row - 1, row, row + 1)
            for other in self._bins.get((c, r), ())
        )


def _pushed_out(
    spot: tuple[float, float], radius: float, near: list[tuple[float, float, float]]
) -> tuple[float, float]:
    """A spot moved to the rim of the cell on which a red cell of that radius would lie."""
    x, y = spot
    for cx, cy, reach in near:
        gap, clear = hypot(x - cx, y - cy), PUSHED * reach + radius * 0.96
        if gap < clear:
            out = clear / max(gap, 1e-6)
            x, y = cx + (x - cx) * out, cy + (y - cy) * out
    return x, y


def _rank(column: int, row: int) -> int:
    return column % 2 + 2 * (row % 2)
