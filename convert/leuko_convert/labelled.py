"""Cells whose class is known, cut as the device cuts them: from a folder of pictures, or from a cell set."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from leuko_edge.errors import NothingCountable, UsageError
from leuko_edge.model.card import ModelCard
from leuko_edge.model.classify import FixedClassifier
from leuko_edge.pipeline import Outcome, Pipeline
from leuko_edge.sources.pictures import Pictures
from leuko_edge.types import CLASSES


@dataclass(frozen=True)
class Labelled:
    """crops: (n, size, size, 3) uint8 RGB; labels: (n,) index into the card's classes; names: (n,) of the files.

    sources: (n,) the photograph that each is from, as far as the data tell.
    """

    crops: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)
    names: tuple[str, ...] = field(repr=False)
    sources: np.ndarray = field(repr=False)
    sha256: str  # of the data they were cut from
    described: str  # for a report: a name without the machine's path
    missed: tuple[tuple[str, str], ...] = ()  # pictures that gave no cell, and why


def class_of(folder_name: str) -> str | None:
    """The class that a folder's name means, None where it means none."""
    from leuko_train.data.names import meaning

    named = meaning(folder_name)
    return named.label if named else None


def from_folder(folder: Path, card: ModelCard, um_per_px: float | None = None, every: bool = False) -> Labelled:
    """Cells of `folder`/<class>/<pictures>. Of each picture the candidate nearest to its middle, or with `every` all.

    `um_per_px` None measures each picture as the device does. UsageError where no subfolder is named after a
    class; NothingCountable where no cell was found in any picture.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder", "name one with a subfolder of pictures for each class.")
    folders = {path: class_of(path.name) for path in sorted(folder.iterdir()) if path.is_dir()}
    known = {path: label for path, label in folders.items() if label in card.classes}
    if not known:
        raise UsageError(
            f"{folder} has no subfolder named after a class", f"it needs some of {', '.join(card.classes)}."
        )
    crops, labels, names, sources, missed = [], [], [], [], []
    with Pictures(list(known)) as source:
        for outcome in Pipeline(FixedClassifier(CLASSES[0], card=card), um_per_px).run(source):
            path = Path(outcome.result.path)
            name = path.relative_to(folder).as_posix()
            chosen = _chosen(outcome, every)
            if outcome.crops is None or not chosen:
                missed.append((name, outcome.refused or "no cell found"))
                continue
            for number in chosen:
                crops.append(outcome.crops[number])
                labels.append(card.classes.index(known[path.parent]))
                names.append(f"{name}#{number + 1}" if every else name)
                sources.append(name)
        files = [Path(file) for file in source.files]
    if not crops:
        raise NothingCountable(f"No cell was found in the {len(files)} pictures of {folder}.")
    from leuko_train.report import hash_files

    ignored = [(path.name + "/", "not named after a class of the model") for path in folders if path not in known]
    return Labelled(
        np.stack(crops),
        np.array(labels),
        tuple(names),
        np.array(sources),
        hash_files([file for file in files if file.is_file()], folder),
        folder.resolve().name,
        tuple(missed + ignored),
    )


def _chosen(outcome: Outcome, every: bool) -> list[int]:
    cells = outcome.result.cells
    if every or not cells:
        return list(range(len(cells)))
    middle = np.array([outcome.result.width, outcome.result.height]) / 2
    away = [float(np.hypot(*(np.array(entry.cell.centre) - middle))) for entry in cells]
    return [int(np.argmin(away))]


def from_cell_set(folder: Path, split: str, card: ModelCard) -> Labelled:
    """Cells of one split of a folder that `leuko-train cells` wrote, in the card's window."""
    from leuko_train.data import cell_set
    from leuko_train.data.augment import Window
    from leuko_train.data.views import identity_view

    cells = cell_set.load(folder)
    rows = np.flatnonzero(np.asarray(cells.splits) == split)
    known = np.array([card.classes.index(name) if name in card.classes else -1 for name in CLASSES])
    rows = rows[known[np.asarray(cells.labels)[rows]] >= 0]
    if not len(rows):
        raise NothingCountable(f"The cell set {folder} has no cells of the model's classes in its split {split!r}.")
    return Labelled(
        identity_view(cells.crops, Window(card.window_um, card.input_size), rows),
        known[np.asarray(cells.labels)[rows]],
        tuple(str(cells.paths[row]) for row in rows),
        np.array([f"{cells.labs[row]}/{cells.sources[row]}" for row in rows]),
        cells.sha256,
        f"{folder.resolve().name}, split {split}",
    )
