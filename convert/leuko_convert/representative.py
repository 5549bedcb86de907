"""The crops that int8 ranges are measured on: from the training split, every class of every laboratory alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leuko_edge.errors import UsageError

if TYPE_CHECKING:
    from leuko_train.data.cell_set import CellSet

COUNT = 400  # within the 100–500 that TFLite's guide advises
SEED = 20261122


def choose(cells: CellSet, count: int = COUNT, split: str = "train") -> np.ndarray:
    """Indices of `count` cells of `split`, or of all there are, sorted.

    Class and laboratory are taken in turn, so that a rare class at a small laboratory is there as often as the
    largest group, as long as it has cells. The same cell set gives the same cells. UsageError for an empty split.
    """
    rng = np.random.default_rng(SEED)
    members = rng.permutation(np.flatnonzero(np.asarray(cells.splits) == split))
    if not len(members):
        raise UsageError(f"The cell set has no cells in its split {split!r}.")
    seen: dict[tuple[str, int], int] = {}
    turns = np.empty(len(members), int)
    for i, member in enumerate(members):
        group = str(cells.labs[member]), int(cells.labels[member])
        turns[i] = seen[group] = seen.get(group, -1) + 1
    return np.sort(members[np.argsort(turns, kind="stable")[:count]])


def crops(cells: CellSet, input_size: int, window_um: float, count: int = COUNT) -> np.ndarray:
    """(n, input_size, input_size, 3) uint8 RGB of the chosen cells, the plain view that the device cuts."""
    from leuko_train.data.augment import Window
    from leuko_train.data.views import identity_view

    return identity_view(cells.crops, Window(window_um, input_size), choose(cells, count))
