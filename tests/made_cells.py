"""A cell set of coloured squares on noise, for tests of training: two laboratories, nine of the classes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from leuko_edge.types import CLASSES


@dataclass
class MadeCells:
    """The fields of `leuko_train.data.cell_set.CellSet`."""

    crops: np.ndarray
    labels: np.ndarray
    labs: np.ndarray
    sources: np.ndarray
    splits: np.ndarray
    paths: np.ndarray
    sha256: str = "ab" * 32
    groups: dict[str, str] = field(default_factory=dict)
    laboratories: dict[str, object] = field(default_factory=dict)
    outlines: np.ndarray | None = None

    def named(self) -> np.ndarray:
        return np.ones((len(self.labels), len(CLASSES)), bool)


def made_cells(count: int = 72) -> MadeCells:
    """Class i % 9; blocks of nine alternate between the laboratories, blocks of 18 between the splits."""
    rng = np.random.default_rng(0)
    number = np.arange(count)
    crops = rng.integers(200, 256, (count, 144, 144, 3), dtype=np.uint8)
    for crop, label in zip(crops, number % 9, strict=True):
        crop[58:86, 58:86] = (20 * label, 200 - 20 * label, 120)
    splits = np.array(["train", "train", "validation", "test"])[number // 18 % 4]
    labs = np.array(["north", "south"])[number // 9 % 2]
    return MadeCells(
        crops, number % 9, labs, (number // 3).astype(str), splits, np.char.add("picture-", number.astype(str))
    )
