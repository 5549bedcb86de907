"""Cells that a person named, and what the model says of each: from a folder of pictures, or from signed sessions."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .errors import PictureError, UsageError
from .model.classify import Classifier, calibrate
from .model.finder import shipped
from .sources.picture_decoding import read_picture
from .sources.pictures import SUFFIXES
from .store.archive import Archive
from .vision.crop import cut
from .vision.field import Field
from .vision.segment import find_cells

MANY = 3
"""Beginnings of names that must differ before they are taken for patients or smears."""
NEAR_UM = 6.0
"""The named cell's centre lies this near to its picture's middle; a neighbour's, a cell's width away, does not."""


@dataclass(frozen=True)
class Named:
    """`probabilities` (n, classes) calibrated, as the card orders them; `features` (n, d) where it has centres.

    `labels`, `groups` (n,) int: cells of one group may be of one patient or smear.
    """

    probabilities: np.ndarray
    features: np.ndarray | None
    labels: np.ndarray
    groups: np.ndarray
    problems: tuple[str, ...] = ()  # a sentence for each picture or cell that could not be used

    def counts(self, classes: Sequence[str]) -> dict[str, int]:
        """Of the classes that were named, in order."""
        found = np.bincount(self.labels, minlength=len(classes))
        return {name: int(n) for name, n in zip(classes, found, strict=True) if n}


def labelled(folder: str, classifier: Classifier) -> Named:
    """FOLDER/class/picture or FOLDER/class/patient/picture.

    UsageError for no folder, a class that does not exist, or one cell under two names. Pictures are grouped by the
    folders of patients where there are any, else by what their names begin with (`grouped`).
    """
    classes = classifier.card.classes
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        raise UsageError(f"{folder} cannot be read: {error.strerror or error}") from None
    if strange := [name for name in names if name not in classes]:
        raise UsageError(f"{folder}/{strange[0]} is no class of this model", f"name its folders {', '.join(classes)}")
    if not names:
        raise UsageError(f"{folder} holds no folders of classes", f"name them {', '.join(classes)}")
    crops, labels, problems = [], [], []
    places: list[tuple[str, str]] = []
    seen: dict[str, tuple[str, str]] = {}
    for name in names:
        for patient, file in _pictures(os.path.join(folder, name)):
            path = os.path.join(folder, name, patient, file)
            try:
                crop = _middle(path, classifier)
            except PictureError as error:
                problems.append(f"{path}: {error}")
                continue
            digest = hashlib.sha256(crop.tobytes()).hexdigest()
            before, where = seen.setdefault(digest, (name, path))
            if before != name:
                raise UsageError(f"{where} and {path} show the same cell under two names", "leave one of them out")
            if where != path:
                problems.append(f"{path}: the same cell as {where}, taken once")
                continue
            crops.append(crop)
            labels.append(classes.index(name))
            places.append((patient, file))
    return _asked(classifier, crops, labels, grouped(places), problems)


def _pictures(folder: str) -> list[tuple[str, str]]:
    """(patient's folder or "", file name) of the pictures in a class's folder and in the folders in it, in order."""
    found = []
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            found += [(entry.name, file) for file in sorted(os.listdir(entry.path)) if not file.startswith(".")]
        else:
            found.append(("", entry.name))
    return [(patient, file) for patient, file in found if file.lower().endswith(SUFFIXES)]


def grouped(places: Sequence[tuple[str, str]]) -> list[int]:
    """A number for each (patient's folder or "", file name): the same for pictures that may be of one patient.

    Those of one folder, whatever class it lies in. Without folders, those whose names begin alike, up to the first
    "_": as cells are named that were cut from one smear. Where that parts nothing (fewer than MANY beginnings, or one
    of more than half the pictures: "cell_1", "cell_2" …) each picture is its own.
    """
    keys = [patient or file for patient, file in places]
    if not any(patient for patient, _ in places):
        begun = [file.split("_")[0] if "_" in file else file for _, file in places]
        counts = Counter(begun)
        if len(counts) >= MANY and max(counts.values()) <= len(begun) / 2:
            keys = begun
    order = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return [order[key] for key in keys]


def of_sessions(database: str, sessions: Sequence[int], classifier: Classifier) -> Named:
    """Cells that a person reclassified or looked at in signed sessions; UsageError for one that is not signed.

    Grouped by sample where there are MANY, else each cell is its own.
    """
    card = classifier.card
    crops, labels, problems = [], [], []
    groups: list[tuple[str, int]] = []
    with Archive(database) as archive:
        for number in dict.fromkeys(sessions):
            record = archive.record(number)
            if record.summary.state != "signed":
                raise UsageError(f"session {number} is not signed", "sign it first: nothing is learnt without that")
            if record.info.simulated:
                raise UsageError(f"session {number} is of drawn cells", "take one of real blood")
            for cell in record.named:
                if cell.label not in card.classes:
                    continue
                crop = archive.crop(number, cell.id)
                if crop is None or crop.shape[0] != card.input_size or record.info.window_um != card.window_um:
                    problems.append(f"session {number}, cell {cell.id}: it was cut for another model")
                    continue
                crops.append(crop)
                labels.append(card.classes.index(cell.label))
                groups.append((record.info.sample, 0) if record.info.sample else ("", number))
    order = {key: place for place, key in enumerate(dict.fromkeys(groups))}
    told = [order[key] for key in groups] if len(order) >= MANY else list(range(len(groups)))
    return _asked(classifier, crops, labels, told, problems)


def _middle(path: str, classifier: Classifier) -> np.ndarray:
    """The crop of the cell nearest to the picture's middle; PictureError where there is none or it is not clear."""
    seen = Field.from_bgr(read_picture(path), guess=True)
    height, width = seen.bgr.shape[:2]
    centres = [cell.centre for cell in find_cells(seen, shipped())]
    apart = sorted((float(np.hypot(x - width / 2, y - height / 2)) * seen.scale.um_per_px, (x, y)) for x, y in centres)
    if not apart or apart[0][0] > NEAR_UM:
        raise PictureError("there is no cell in its middle")
    if len(apart) > 1 and apart[1][0] <= NEAR_UM:
        raise PictureError("there are several cells in its middle")
    card = classifier.card
    found: np.ndarray = cut(seen, [apart[0][1]], card.window_um, card.input_size)[0]
    return found


def _asked(
    classifier: Classifier, crops: list[np.ndarray], labels: list[int], groups: list[int], problems: list[str]
) -> Named:
    size = classifier.card.input_size
    stacked = np.stack(crops) if crops else np.zeros((0, size, size, 3), np.uint8)
    found = classifier.answers(stacked)
    calibrated = calibrate(found.probabilities, classifier.card.temperature)
    return Named(calibrated, found.features, np.array(labels, int), np.array(groups, int), tuple(problems))
