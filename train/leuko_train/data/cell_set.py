"""The cell set on disk.

`crops.npy` (n, 208, 208, 3) uint8 RGB; `outlines.npy` (n, 208, 26) uint8, eight pixels a byte, the cell's outline as
the segmenter drew it; `cells.csv` with a row for each; `groups.json`, the photograph that each picture is of;
`laboratories.json`, whence each laboratory's cells are, under which licence, and which classes it names.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from leuko_edge.errors import UsageError
from leuko_edge.types import CLASSES

from . import laboratories
from .laboratories import LABORATORIES, Laboratory

TABLE, GROUPS, CROPS = "cells.csv", "groups.json", "crops.npy"
OUTLINES, LABS = "outlines.npy", "laboratories.json"
STORED_UM, STORED_SIZE = 52.0, 208
"""Room for a window of 36 µm turned by any angle (36 √2 = 51), and for one of 24 µm turned, shifted, drawn smaller."""


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
    sub_type: str = ""  # what the laboratory's name says beyond the class: see `data.names`
    mask: str = ""  # the laboratory's own mask of this cell, relative to the data


class Cut(NamedTuple):
    """A cell as the set stores it: rgb (208, 208, 3) uint8; outline (208, 208) bool, all false where none was found."""

    row: Row
    rgb: np.ndarray
    outline: np.ndarray


FIELDS = tuple(Row.__dataclass_fields__)


@dataclass(frozen=True)
class CellSet:
    """Cells by row: see the module's docstring and `FIELDS`. `sha256` is that of its files."""

    crops: np.ndarray
    labels: np.ndarray  # (n,) int, index into CLASSES
    labs: np.ndarray
    sources: np.ndarray  # patient or smear where known, else the photograph, alike for all its copies
    splits: np.ndarray
    paths: np.ndarray
    found: np.ndarray  # (n,) bool: the segmenter found it; else it was cut where the label says it is
    sha256: str
    groups: Mapping[str, str] = field(default_factory=dict)  # of every picture in the folders, chosen or not
    sub_types: np.ndarray | None = None
    outlines: np.ndarray | None = None  # (n, size, size // 8) uint8, see `outline`
    laboratories: Mapping[str, Laboratory] = field(default_factory=lambda: LABORATORIES)

    def outline(self, row: int) -> np.ndarray:
        """(size, size) bool: what belongs to the cell, all false where the segmenter did not find it."""
        if self.outlines is None:
            return np.zeros(self.crops.shape[1:3], bool)
        return np.unpackbits(self.outlines[row], axis=1).astype(bool)

    def named(self) -> np.ndarray:
        """(n, classes) bool: which classes the cell's laboratory names. A laboratory that is not known names all."""
        every = np.ones(len(CLASSES), bool)
        rows = {lab: laboratories.named(self.laboratories[lab]) for lab in self.laboratories}
        return np.array([rows.get(str(lab), every) for lab in self.labs])

    def may_be(self) -> np.ndarray:
        """(n, classes) bool: what the cell may be by its label, see `laboratories.may_hold`."""
        only = np.eye(len(CLASSES), dtype=bool)
        tables = {lab: laboratories.may_hold(self.laboratories[lab]) for lab in self.laboratories}
        return np.array([tables.get(str(lab), only)[i] for lab, i in zip(self.labs, self.labels, strict=True)])


def save(
    out: Path,
    rows: Sequence[Sequence[Any]],
    crops: Iterable[Sequence[np.ndarray] | np.ndarray],
    groups: Mapping[str, str],
    outlines: Iterable[Sequence[np.ndarray] | np.ndarray] = (),
    labs: Mapping[str, Laboratory] = LABORATORIES,
) -> CellSet:
    """Write a set to the folder `out` and load it.

    `rows`: values of `FIELDS`; `crops`: parts, in the rows' order; `outlines` the same, packed, or nothing.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / TABLE).unlink(missing_ok=True)  # of a set that was here: whoever is interrupted now leaves none
    _write(out / CROPS, (len(rows), STORED_SIZE, STORED_SIZE, 3), crops)
    if outlines:
        _write(out / OUTLINES, (len(rows), STORED_SIZE, STORED_SIZE // 8), outlines)
    with open(out / TABLE, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(FIELDS)
        writer.writerows(rows)
    used = {row[FIELDS.index("lab")] for row in rows}
    about = {name: asdict(lab) for name, lab in labs.items() if name in used}
    (out / LABS).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    (out / GROUPS).write_text(json.dumps(groups, indent=0) + "\n", encoding="utf-8")
    return load(out)


def _write(path: Path, shape: tuple[int, ...], parts: Iterable[Sequence[np.ndarray] | np.ndarray]) -> None:
    array = np.lib.format.open_memmap(path, "w+", np.uint8, shape)  # some gigabytes
    start = 0
    for part in parts:
        array[start : start + len(part)] = part
        start += len(part)
    array.flush()


def table_of(folder: Path) -> list[dict[str, str]]:
    """The rows of a set's cells.csv."""
    with open(folder / TABLE, newline="") as file:
        return list(csv.DictReader(file))


def groups_of(folder: Path) -> dict[str, str]:
    """The photograph of every picture that the set was made from; empty where nobody looked for copies."""
    return json.loads((folder / GROUPS).read_text(encoding="utf-8")) if (folder / GROUPS).is_file() else {}


def laboratories_of(folder: Path) -> dict[str, Laboratory]:
    """The laboratories that a set's cells are of."""
    if not (folder / LABS).is_file():
        return dict(LABORATORIES)
    about = json.loads((folder / LABS).read_text(encoding="utf-8"))
    return {name: Laboratory(**(fields | {"classes": tuple(fields["classes"])})) for name, fields in about.items()}


def load(folder: Path) -> CellSet:
    """The set that `build` wrote. Raises UsageError where `folder` holds none, or one of an older version."""
    table, array = folder / TABLE, folder / CROPS
    again = f"make one with: leuko-train cells --data DATA --out {folder}"
    if not table.is_file() or not array.is_file():
        raise UsageError(f"{folder} holds no cell set", again)
    rows = table_of(folder)
    crops = np.load(array, mmap_mode="r")
    if len(rows) != len(crops):
        raise UsageError(f"{folder} holds the names of {len(rows)} cells and the crops of {len(crops)}", again)
    if (rows and set(FIELDS) - set(rows[0])) or crops.shape[1:] != (STORED_SIZE, STORED_SIZE, 3):
        raise UsageError(f"{folder} holds a cell set of an older leuko-train", again)
    digest = hashlib.sha256()
    for path in (table, array, folder / OUTLINES, folder / LABS):
        if path.is_file():
            with open(path, "rb") as file:
                while part := file.read(1 << 24):
                    digest.update(part)
    column = {name: np.array([row[name] for row in rows]) for name in FIELDS}
    return CellSet(
        crops=crops,
        labels=np.array([CLASSES.index(label) for label in column["label"]]),
        labs=column["lab"],
        sources=column["source"],
        splits=column["split"],
        paths=column["path"],
        found=column["found"] == "True",
        sha256=digest.hexdigest(),
        groups=groups_of(folder),
        sub_types=column["sub_type"],
        outlines=np.load(folder / OUTLINES, mmap_mode="r") if (folder / OUTLINES).is_file() else None,
        laboratories=laboratories_of(folder),
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
