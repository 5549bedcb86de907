"""How long a photograph takes, stage by stage."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from ..pipeline import CellClassifier, Pipeline
from ..simulate import draw_field
from ..sources.pictures import Pictures
from ..stopwatch import Stopwatch
from .spread import Spread

SIZES = ((640, 480), (1280, 960))
CELLS = ("neutrophil", "lymphocyte")
LEAST_RUNS = 5
SEED = 1


class PhotoTime(NamedTuple):
    """Milliseconds for a JPEG of `size` px with two white cells, `found` of them found; `whole` from file to result."""

    size: tuple[int, int]
    found: int
    whole: Spread
    stages: dict[str, Spread]


def time_photos(classifier: CellClassifier, seconds: float) -> Iterator[PhotoTime]:
    """For each of SIZES; `seconds` for all of them together, or a little more."""
    for width, height in SIZES:
        with tempfile.TemporaryDirectory(prefix="leuko-edge-bench-") as folder:
            yield _timed(classifier, draw(Path(folder), width, height), (width, height), seconds / len(SIZES))


def draw(folder: Path, width: int, height: int) -> Path:
    """A JPEG of `width` × `height` px with CELLS, in the folder."""
    drawn = draw_field(np.random.default_rng(SEED), width=width, height=height, cells=CELLS)
    file = folder / "field.jpg"
    file.write_bytes(cv2.imencode(".jpg", drawn.bgr, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes())
    return file


def _timed(classifier: CellClassifier, file: Path, size: tuple[int, int], seconds: float) -> PhotoTime:
    found = _count(Pipeline(classifier), file)  # the first run packs the weights and fills the disk's cache
    stopwatch, whole = Stopwatch(), list[float]()
    pipeline = Pipeline(classifier, stopwatch=stopwatch)
    end = time.monotonic() + seconds
    while len(whole) < LEAST_RUNS or time.monotonic() < end:
        began = time.perf_counter()
        _count(pipeline, file)
        whole.append(1000 * (time.perf_counter() - began))
    stages = {name: list(taken) for name, taken in stopwatch.milliseconds.items()}
    stages["read"] = stages["read"][::2]  # every other time it is asked whether there is one more
    return PhotoTime(size, found, Spread.of(whole), {name: Spread.of(taken) for name, taken in stages.items()})


def _count(pipeline: Pipeline, file: Path) -> int:
    """White cells found in it."""
    with Pictures([file]) as source:
        return sum(cell.counted for outcome in pipeline.run(source) for cell in outcome.result.cells)
