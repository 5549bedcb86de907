"""What a network has seen, kept beside it: a test cell whose photograph trained it tests nothing.

The splits should see to that already. This stands behind them: links between copies may be found that were not known
when a network was trained, and a cell set made since then splits otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..data.cell_set import CellSet

NAME = "seen.txt"


def remember(run: Path, cells: CellSet, rows: np.ndarray, before: Sequence[Path] = ()) -> None:
    """Write the pictures of the cells `rows`, which trained or chose the network, to the run's folder.

    `before`: the folders of the runs that it was made of, whose pictures it has seen too.
    """
    every = {*map(str, cells.paths[rows]), *(path for made_of in before for path in pictures(made_of))}
    (run / NAME).write_text("\n".join(sorted(every)) + "\n", encoding="utf-8")


def pictures(run: Path) -> frozenset[str]:
    """Paths, relative to the data, of the pictures that a run has seen; empty where it does not say."""
    path = run / NAME
    return frozenset(path.read_text(encoding="utf-8").split("\n")) - {""} if path.is_file() else frozenset()


def unseen(run: Path, cells: CellSet) -> np.ndarray:
    """(n,) bool: cells of whose photograph the run has seen no copy."""
    shown = pictures(run)
    photographs = {*cells.sources[np.isin(cells.paths, list(shown))], *(cells.groups.get(path, "") for path in shown)}
    return ~np.isin(cells.sources, list(photographs))
