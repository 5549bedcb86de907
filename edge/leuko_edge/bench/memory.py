"""How much memory a large photograph takes: a drawn field laid side by side until it has so many pixels."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from ..pipeline import Pipeline
from ..simulate import draw_field
from ..sources.pictures import Pictures
from ..stopwatch import peak_rss_mb

TILE = (1000, 750)
UM_PER_PX = 0.1  # of the drawn field
CELLS = ("neutrophil", "lymphocyte")
SEED = 1
NAME = "field.jpg"


class PhotoMemory(NamedTuple):
    """Of a JPEG of `size` px: the most this process held, what it held before, and how long it took."""

    size: tuple[int, int]
    cells: int
    peak_mb: float
    before_mb: float  # with the network loaded
    seconds: float
    refused: str  # why it was not counted, "" where it was

    @property
    def line(self) -> str:
        width, height = self.size
        what = self.refused or f"{self.cells} cells, {self.seconds:.1f} s"
        return (
            f"{width * height / 1e6:.0f} megapixels ({width}×{height}): at most {self.peak_mb:.0f} MB, "
            f"{self.before_mb:.0f} before; {what}"
        )


def drawn(folder: Path, size: tuple[int, int]) -> None:
    """A JPEG of `size` px in `folder`, for `measure`."""
    tile = draw_field(np.random.default_rng(SEED), width=TILE[0], height=TILE[1], cells=CELLS, um_per_px=UM_PER_PX).bgr
    width, height = size
    times = -(-height // TILE[1]), -(-width // TILE[0]), 1
    cv2.imwrite(str(folder / NAME), np.tile(tile, times)[:height, :width], [cv2.IMWRITE_JPEG_QUALITY, 95])


def measure(folder: Path, size: tuple[int, int], pipeline: Pipeline) -> PhotoMemory:
    """In a process that has done nothing but build `pipeline`: the peak is its own."""
    with Pictures([folder / NAME]) as source:
        before, began = peak_rss_mb(), time.perf_counter()
        (outcome,) = pipeline.run(source)
        taken = time.perf_counter() - began
    return PhotoMemory(size, len(outcome.result.cells), peak_rss_mb(), before, taken, outcome.refused or "")
