"""The cell set on disk: `crops.npy` (n, 144, 144, 3) uint8 RGB, `cells.csv` with a row for each crop, and links."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from leuko_edge.errors import UsageError
from leuko_edge.types import CLASSES

TABLE, GROUPS = "cells.csv", "groups.json"
STORED_UM, STORED_SIZE = 36.0, 144  # room around the network's 24 µm for turning, shifting and scaling


@dataclass(frozen=True)
class Row:
    lab: str
    label: str
    source: str
    split: str
    path: str
    x: float
    y: float
    um_per_px: float
    scale_origin: str
    found: bool


FIELDS = tuple(Row.__dataclass_fields__)


@dataclass(frozen=True)
class CellSet:
    """Cells by row: see the module's docstring and `FIELDS`. `sha256` is that of both files."""

    crops: np.ndarray
    labels: np.ndarray  # (n,) int, index into CLASSES
    labs: np.ndarray
    sources: np.ndarray  # the photograph, alike for all its copies
    splits: np.ndarray
    paths: np.ndarray
    found: np.ndarray  # (n,) bool: the segmenter found it; else it was cut where the label says it is
    sha256: str
    groups: Mapping[str, str] = field(default_factory=dict)  # of every picture in the folders, chosen or not


def save(
    out: Path,
    rows: Sequence[Sequence[Any]],
    crops: Sequence[Sequence[np.ndarray] | np.ndarray],
    groups: Mapping[str, str],
) -> CellSet:
    """Write a set to the folder `out` and load it. `rows`: values of `FIELDS`; `crops`: parts, in the rows' order."""
    out.mkdir(parents=True, exist_ok=True)
    shape = (len(rows), STORED_SIZE, STORED_SIZE, 3)
    array = np.lib.format.open_memmap(out / "crops.npy", "w+", np.uint8, shape)  # some gigabytes
    start = 0
    for part in crops:
        array[start : start + len(part)] = part
        start += len(part)
    array.flush()
    with open(out / TABLE, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(FIELDS)
        writer.writerows(rows)
    (out / GROUPS).write_text(json.dumps(groups, indent=0) + "\n", encoding="utf-8")
    return load(out)


def table_of(folder: Path) -> list[dict[str, str]]:
    """The rows of a set's cells.csv."""
    with open(folder / TABLE, newline="") as file:
        return list(csv.DictReader(file))


def groups_of(folder: Path) -> dict[str, str]:
    """The photograph of every picture that the set was made from; empty where nobody looked for copies."""
    return json.loads((folder / GROUPS).read_text(encoding="utf-8")) if (folder / GROUPS).is_file() else {}


def load(folder: Path) -> CellSet:
    """The set that `build` wrote. Raises UsageError where `folder` holds none."""
    table, array = folder / TABLE, folder / "crops.npy"
    if not table.is_file() or not array.is_file():
        raise UsageError(f"{folder} holds no cell set; make one with: leuko-train cells --data DATA --out {folder}")
    digest = hashlib.sha256(table.read_bytes())
    with open(array, "rb") as file:
        while part := file.read(1 << 24):
            digest.update(part)
    rows = table_of(folder)
    column = {name: np.array([row[name] for row in rows]) for name in FIELDS}
    return CellSet(
        crops=np.load(array, mmap_mode="r"),
        labels=np.array([CLASSES.index(label) for label in column["label"]]),
        labs=column["lab"],
        sources=column["source"],
        splits=column["split"],
        paths=column["path"],
        found=column["found"] == "True",
        sha256=digest.hexdigest(),
        groups=groups_of(folder),
    )


def summary(cells: CellSet) -> Iterator[str]:
    """A line for each laboratory and split: how many cells of each class."""
    for lab in np.unique(cells.labs):
        for part in ("train", "validation", "test"):
            here = (cells.labs == lab) & (cells.splits == part)
            if here.any():
                counts = Counter(CLASSES[label] for label in cells.labels[here])
                words = ", ".join(f"{name} {counts[name]}" for name in CLASSES if counts[name])
                yield f"{lab} {part}: {words}; not found by the segmenter {int((~cells.found[here]).sum())}"
