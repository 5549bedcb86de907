"""Reads every laboratory's pictures once and keeps them, small, in one file: `gather`."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from leuko_edge.errors import PictureError, UsageError
from leuko_edge.simulate import Background, Camera, Stain, draw_field
from leuko_edge.types import CLASSES
from leuko_edge.vision.field import Field
from leuko_edge.vision.finder_input import finder_input

from ..data.items import Box
from . import reading, sources
from .pictures import Picture
from .sources import NOT_WHITE, Source

DRAWN = 260  # fields
UM_PER_PX = (0.08, 0.22)


def gather(data: Path, keep: Path) -> list[Picture]:
    """The pictures, from `keep` where an earlier call has written them."""
    if keep.is_file():
        return kept(keep)
    cv2.setNumThreads(1)
    found = [reading.read(source) for source in track(sources.every(data), description="reading pictures")]
    pictures = [picture for picture in found if picture is not None] + list(drawn())
    keep.parent.mkdir(parents=True, exist_ok=True)
    keep.write_bytes(pickle.dumps(pictures))
    return pictures


def kept(file: Path) -> list[Picture]:
    """What `gather` wrote; UsageError where that is not there."""
    if not file.is_file():
        raise UsageError(f"There are no pictures of leuko-train finder at {file}.")
    pictures: list[Picture] = pickle.loads(file.read_bytes())  # our own file, in the run's folder
    return pictures


def drawn(fields: int = DRAWN, seed: int = 5) -> Iterator[Picture]:
    """Fields of simulated smears: they only ever train."""
    rng = np.random.default_rng(seed)
    for number in range(fields):
        um = float(rng.uniform(*UM_PER_PX))
        labels = [str(label) for label in rng.choice(CLASSES, int(rng.integers(1, 5)))]
        field = draw_field(
            rng,
            width=round(66 / um),
            height=round(50 / um),
            um_per_px=um,
            cells=labels,
            stain=Stain().varied(rng),
            camera=Camera().varied(rng),
            background=Background().varied(rng),
        )
        boxes = tuple(
            Box("wbc", x, y, x + w, y + h)
            for (x, y, w, h), label in ((cell.box, cell.label) for cell in field.truth)
            if label not in NOT_WHITE
        )
        name = f"simulated/{number}"
        source = Source(Path(name), "simulated", name, "train", boxes)
        try:
            seen = Field.from_bgr(field.bgr, um)
            picture = reading.learnt(source, seen, finder_input(seen))
        except PictureError:
            continue
        if picture is not None:
            yield picture
