"""Which cells are seen how often, and the stream of their views, kept as features of the frozen trunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from leuko_edge.types import CLASSES

from ..data.augment import STRENGTHS, Window
from ..data.cell_set import CellSet
from ..data.laboratories import GUESSED, GUESSED_FROM
from ..data.view_pool import ViewPool
from ..data.views import seeded_views, seeds_for
from . import style
from .loss import targets
from .settings import Settings

PART = 1024  # views that go through the trunk at once: bounds memory


def probabilities(
    labels: np.ndarray,
    labs: np.ndarray,
    class_power: float = 0.35,
    lab_power: float = 0.3,
    lab_weights: Mapping[str, float] | None = None,
    class_weights: Mapping[str, float] | None = None,
    sources: np.ndarray | None = None,
    source_power: float = 1.0,
) -> np.ndarray:
    """How often each cell is drawn: (n,) summing to 1.

    All cells of one class of one laboratory together get count**class_power times the class's weight, if any. A
    laboratory's sum is then bent by
    **lab_power (1: as its classes give it, 0: every laboratory the same) and multiplied by its weight, if any.
    Within its class a source (smear, patient) has count**source_power: at 1 all cells are drawn alike, at 0 all
    sources.
    """
    result = np.zeros(len(labels))
    for lab in np.unique(labs):
        own = labs == lab
        for label in np.unique(labels[own]):
            group = own & (labels == label)
            weight = (class_weights or {}).get(CLASSES[label], 1.0)
            result[group] = weight * group.sum() ** class_power * _shares(group, sources, source_power)
        if result[own].any():
            result[own] *= result[own].sum() ** (lab_power - 1) * (lab_weights or {}).get(str(lab), 1.0)
    return result / result.sum()


def _shares(group: np.ndarray, sources: np.ndarray | None, power: float) -> np.ndarray:
    """Of one class of a laboratory, (n,) bool: how often each of its cells is drawn, summing to 1."""
    if sources is None or power == 1:
        return np.full(group.sum(), 1 / group.sum())
    _, index, counts = np.unique(sources[group], return_inverse=True, return_counts=True)
    shares = counts[index] ** (power - 1.0)
    return shares / shares.sum()


def members(cells: CellSet, split: str, without: tuple[str, ...]) -> np.ndarray:
    """Indices of the cells of a split, those of laboratories in `without` left out, named or guessed."""
    hidden = (*without, GUESSED) if GUESSED_FROM in without else without
    return np.flatnonzero((cells.splits == split) & ~np.isin(cells.labs, hidden))


def capped(cells: CellSet, indices: np.ndarray, cap: int, seed: int) -> np.ndarray:
    """At most `cap` of `indices` from each class of each laboratory, in order."""
    rng = np.random.default_rng(seed)
    taken: list[int] = []
    seen: dict[tuple[str, int], int] = {}
    for i in rng.permutation(indices):
        group = (str(cells.labs[i]), int(cells.labels[i]))
        seen[group] = seen.get(group, 0) + 1
        if seen[group] <= cap:
            taken.append(int(i))
    return np.sort(np.array(taken, int))


def through_trunk(trunk: keras.Model | None, rgb: np.ndarray, white: float, batch: int) -> np.ndarray:
    """Features, float16, of views (n, size, size, 3) uint8; `white` is the network's input for grey value 255.

    Without a trunk they stay the pictures they are.
    """
    if trunk is None:
        return rgb
    return trunk.predict(rgb.astype(np.float32) * (white / 255), batch_size=batch, verbose=0).astype(np.float16)


def network_input(features: np.ndarray, trunk: keras.Model | None, white: float) -> np.ndarray:
    """float32 for the network after the trunk, of what `through_trunk` gave."""
    given = features.astype(np.float32)
    if trunk is None and white != 255:
        given *= np.float32(white / 255)
    return given


@dataclass
class Drawn:
    """Views to come: the cells, the order of all views then, the generator's state after, pictures part by part.

    Of views that stay together the order has one number.
    """

    chosen: np.ndarray
    order: np.ndarray
    state: Mapping[str, Any]
    views: Iterator[np.ndarray]


def batched_by_laboratory(order: np.ndarray, labs: np.ndarray, batch: int) -> np.ndarray:
    """Indices of views in an order in which each batch of `batch` is of one laboratory; as many as in `order`.

    A laboratory's last batch is filled with views of its own once more, and batches that are then too many are left
    out: which ones, and which come first, follows from `order`. `labs`: (n,) of every view.
    """
    rng = np.random.default_rng(order)  # the same after a resume, and no draw more from the stream's own
    own = [order[labs[order] == lab] for lab in np.unique(labs)]
    whole = [np.resize(rows, -(-len(rows) // batch) * batch).reshape(-1, batch) for rows in own]
    return rng.permutation(np.concatenate(whole))[: max(1, len(order) // batch)].reshape(-1)


class ViewStream(keras.utils.PyDataset):
    """Batches of (trunk features, targets of `loss`) from a ring of `views`, a part of it new every epoch.

    Each view is drawn afresh from a cell and seen in about `reuse` epochs before another takes its place: the
    trunk costs nearly as much as training the rest, so a view's features are worth using more than once. `teachers`:
    what they answer (n, classes) to views (n, size, size, 3) uint8.
    """

    together = 1
    """Views of one cell that are drawn together, and stay together in a batch."""

    def __init__(
        self,
        cells: CellSet,
        members: np.ndarray,
        chances: np.ndarray,
        trunk: keras.Model | None,
        white: float,
        window: Window,
        settings: Settings,
        rng: np.random.Generator,
        pool: ViewPool | None = None,
        teachers: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        super().__init__()
        self.cells, self.members, self.chances = cells, members, chances
        self.trunk, self.white, self.window = trunk, white, window
        self.batch, self.rng, self.strength = settings.batch, rng, STRENGTHS[settings.augment]
        self.fresh = max(1, round(settings.views / settings.reuse))
        pictures = (window.size, window.size, 3)
        shape, kind = (pictures, np.uint8) if trunk is None else (trunk.output_shape[1:], np.float16)
        self.features = np.zeros((settings.views, *shape), kind)
        self.told = targets(cells, settings.absent)
        self.targets = np.zeros((settings.views, self.told.shape[1]), np.float32)
        self.order = np.arange(settings.views)
        self.cell = np.zeros(settings.views, int)  # of each view, the row of the cell set
        self.teachers, self.style, self.batches = teachers, settings.style, settings.batches
        self.partners: style.Partners | None = None
        self.oldest, self.filled = 0, False
        self.pool, self.state = pool, rng.bit_generator.state
        self.ahead: Drawn | None = None

    def refresh(self) -> None:
        """Draw new views over the oldest ones (over all of them the first time) and shuffle."""
        views = len(self.features)
        drawn = self.ahead or self._draw(self.fresh if self.filled else views)
        count = len(drawn.chosen)
        slots = (self.oldest + np.arange(count)) % views
        done = 0
        self.targets[slots], self.cell[slots] = self.told[drawn.chosen], drawn.chosen
        for rgb in drawn.views:
            part = slots[done : done + len(rgb)]
            self.features[part] = through_trunk(self.trunk, rgb, self.white, self.batch)
            if self.teachers:
                answers = self.teachers(rgb)
                self.targets[part, -answers.shape[1] :] = answers
            done += len(rgb)
        self.oldest, self.filled = (self.oldest + count) % views, True
        order, self.state = drawn.order, drawn.state
        if self.batches == "laboratory":
            labs = self.cells.labs[self.cell[:: self.together]]
            order = batched_by_laboratory(order, labs, self.batch // self.together)
        self.order = (order[:, None] * self.together + np.arange(self.together)).reshape(-1)
        if self.style:
            rng = np.random.default_rng(self.order)  # the same after a resume, and no draw more from the stream's own
            self.partners = style.drawn(self.cells.labels[self.cell], self.cells.labs[self.cell], self.style, rng)
        self.ahead = self._draw(self.fresh) if self.pool else None

    def _draw(self, count: int) -> Drawn:
        chosen = np.repeat(self.rng.choice(self.members, count // self.together, p=self.chances), self.together)
        seeds = seeds_for(self.rng, len(chosen))
        order = self.rng.permutation(len(self.features) // self.together)
        state = self.rng.bit_generator.state  # whoever resumes draws again what was drawn ahead
        if self.pool:
            return Drawn(chosen, order, state, self.pool.views(chosen, seeds, self.strength, self.window))
        parts = (slice(start, start + PART) for start in range(0, count, PART))
        crops, outlines = self.cells.crops, self.cells.outlines
        views = (seeded_views(crops, chosen[p], seeds[p], self.strength, self.window, outlines) for p in parts)
        return Drawn(chosen, order, state, views)

    def __len__(self) -> int:
        return max(1, len(self.features) // self.batch)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.order[index * self.batch : (index + 1) * self.batch]
        given = network_input(self.features[rows], self.trunk, self.white)
        if self.partners:
            others = network_input(self.features[self.partners.views[rows]], self.trunk, self.white)
            given = style.mixed(given, others, self.partners.shares[rows])
        return given, self.targets[rows]
