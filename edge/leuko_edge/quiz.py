"""Does a person name cells as they were signed? The cells of a quiz, and what came of it."""

from __future__ import annotations

import os
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import PictureError, UsageError
from .kappa import Kappa, kappa
from .store.archive import Archive
from .store.quizzes import Asked, Quiz, Quizzes
from .types import CLASSES, UNIDENTIFIED

if TYPE_CHECKING:
    import numpy as np

PER_CLASS = 5

LARGEST_PX = 256  # a picture is shown no larger: the middle of a larger one


def of_sessions(archive: Archive, sessions: Sequence[int] = ()) -> list[Asked]:
    """The cells of signed sessions, all of them or those named; UsageError for one that is not signed."""
    found = []
    for number in sessions or [one.id for one in archive.sessions() if one.state == "signed"]:
        record = archive.record(number)
        if record.summary.state != "signed" or record.amendment is not None:
            raise UsageError(f"session {number} is not signed", "its names are nobody's yet: sign it first")
        if record.info.simulated and not sessions:
            continue
        found += [Asked(cell.label, number, cell.id) for cell in record.standing if cell.label in CLASSES]
    return found


def of_folder(folder: str) -> list[Asked]:
    """FOLDER/class/picture; UsageError where it cannot be read, or a folder is no class."""
    from .sources.pictures import SUFFIXES

    found = []
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and not entry.name.startswith("."))
        for name in names:
            if name not in CLASSES:
                raise UsageError(f"{folder}/{name} is no class", f"name its folders {', '.join(CLASSES)}")
            files = sorted(file for file in os.listdir(os.path.join(folder, name)) if not file.startswith("."))
            paths = [os.path.abspath(os.path.join(folder, name, f)) for f in files if f.lower().endswith(SUFFIXES)]
            found += [Asked(name, path=path) for path in paths]
    except OSError as error:
        raise UsageError(f"{folder} cannot be read: {error.strerror or error}") from None
    return found


def dealt(cells: Iterable[Asked], per_class: int, chance: random.Random) -> list[Asked]:
    """`per_class` of each class, all of one that has fewer, in no order that tells anything."""
    by_class: dict[str, list[Asked]] = defaultdict(list)
    for cell in cells:
        by_class[cell.label].append(cell)
    taken = [cell for own in by_class.values() for cell in chance.sample(own, min(per_class, len(own)))]
    chance.shuffle(taken)
    return taken


def begin(quizzes: Quizzes, person: str, cells: Iterable[Asked], per_class: int, folder: str = "") -> Quiz:
    """Deal a new quiz; UsageError where there are not two classes to tell apart."""
    asked = dealt(cells, per_class, random.SystemRandom())
    if len({cell.label for cell in asked}) < 2:
        cure = "name a folder of other cells" if folder else "sign sessions first, or give --labelled FOLDER"
        raise UsageError("there are no cells of at least two classes to show", cure)
    return quizzes.begin(person, folder, asked, time.time())


def picture(asked: Asked, archive: Archive | None) -> np.ndarray | None:
    """(h, w, 3) uint8 RGB of the cell; None where its session or file is gone."""
    if asked.session is not None:
        return archive.crop(asked.session, asked.cell or 0) if archive else None
    import numpy as np

    from .sources.picture_decoding import read_picture

    try:
        bgr = read_picture(asked.path)
    except PictureError:
        return None
    side = min(LARGEST_PX, *bgr.shape[:2])
    top, left = ((length - side) // 2 for length in bgr.shape[:2])
    return np.ascontiguousarray(bgr[top : top + side, left : left + side, ::-1])


@dataclass(frozen=True)
class Score:
    """`table`[i][j]: cells signed as `classes`[i] that the person named `classes`[j]; `seconds` the median a cell."""

    classes: tuple[str, ...]
    table: tuple[tuple[int, ...], ...]
    seconds: float

    @property
    def kappa(self) -> Kappa:
        return kappa(self.table)


def score(answered: Iterable[Asked]) -> Score:
    """Of the cells that were answered."""
    said = [(cell.label, cell.said, cell.seconds) for cell in answered if cell.said is not None]
    present = {name for label, named, _ in said for name in (label, named)}
    classes = tuple(name for name in (*CLASSES, UNIDENTIFIED) if name in present)
    pairs = [(label, named) for label, named, _ in said]
    table = tuple(tuple(pairs.count((label, named)) for named in classes) for label in classes)
    return Score(classes, table, statistics.median(seconds for *_, seconds in said) if said else 0.0)
