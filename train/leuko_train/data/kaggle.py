"""The Kaggle pictures as the seed paper uses them, and which BCCD photograph each of them is a turned copy of.

A file is named `_N_1234.jpeg`. N is not the photograph (Keras' ImageDataGenerator names its copies so, after their
place in a shuffled batch): files of one N show different cells, and copies of one photograph have different N.
Who splits by N keeps copies of one photograph on both sides, as the seed paper's random split does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from leuko_edge.errors import UsageError
from leuko_edge.files import write_whole

from .. import report
from . import readers
from .photo_match import PhotoMatcher

CLASSES = ("EOSINOPHIL", "LYMPHOCYTE", "MONOCYTE", "NEUTROPHIL")
SIZE = 64
FOLDER = "kaggle_blood_cells"


@dataclass(frozen=True)
class Pictures:
    """`rgb` (n, 64, 64, 3) uint8, the whole picture; the others (n,).

    `labels`: index into CLASSES; `parts`: "TRAIN" or "TEST"; `numbers`: "TEST/MONOCYTE/3", by the file's name;
    `paths`: relative to the data.
    """

    rgb: np.ndarray
    labels: np.ndarray
    parts: np.ndarray
    numbers: np.ndarray
    paths: np.ndarray
    sha256: str


def read(data: Path, parts: Iterable[str] = ("TEST",)) -> Pictures:
    """DATA/kaggle_blood_cells/PART, whole pictures at 64×64. Raises UsageError where there are none."""
    files: list[Path] = []
    for part in parts:
        root = data / FOLDER / part
        found = sorted(root.glob("*/_*.jpeg"))
        if not found:
            raise UsageError(f"No pictures in {root}", f"--data must name the folder that holds {FOLDER}.")
        files += found
    rgb = np.empty((len(files), SIZE, SIZE, 3), np.uint8)
    for i, path in enumerate(files):
        bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if bgr is None:
            raise UsageError(f"{path} cannot be read as a picture", "repair or remove it.")
        rgb[i] = cv2.resize(bgr, (SIZE, SIZE), interpolation=cv2.INTER_AREA)[..., ::-1]
    return Pictures(
        rgb,
        np.array([CLASSES.index(path.parent.name) for path in files]),
        np.array([path.parts[-3] for path in files]),
        np.array([f"{path.parts[-3]}/{path.parts[-2]}/{path.name.split('_')[1]}" for path in files]),
        np.array([path.relative_to(data).as_posix() for path in files]),
        report.hash_files(files, data / FOLDER),
    )


def photographs(data: Path, paths: Iterable[str], cache: Path) -> np.ndarray:
    """(n,) the name of the BCCD photograph that each picture shows, "" where none is recognised.

    Photographs of BCCD that overlap count as one, under the name of one of them: the same cell is in both.
    Every picture is compared by itself, a fraction of a second each; what was found is kept in the file `cache`.
    Raises UsageError where DATA holds no BCCD photographs.
    """
    known: dict[str, str] = json.loads(cache.read_text(encoding="utf-8")) if cache.is_file() else {}
    paths = list(paths)
    missing = [path for path in paths if path not in known]
    if missing:
        originals = list(readers.bccd(data))
        if not originals:
            raise UsageError(
                f"No photographs in {data / 'bccd'}", "without them nobody knows which pictures are copies."
            )
        matcher = PhotoMatcher([item.path for item in originals])
        places = matcher.places()
        try:
            for path in track(missing, description="recognising photographs"):
                found = matcher.find(data / path)
                known[path] = "" if found is None else originals[places[found]].source
        finally:  # an interrupt keeps what was found
            write_whole(cache, (json.dumps(known, indent=0) + "\n").encode())
    return np.array([known[path] for path in paths])
