"""A short tour over a simulated smear, drawn beforehand and played as a camera's JPEGs, to and fro."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np

from ..simulate import Hand, SlideFilm, Smear, driven, serpentine
from ..simulate.demo import true_counts
from ..types import Frame

VIEW = (1280, 960)
OVERLAP = 0.3  # of neighbouring fields
FIELDS = 2  # along each side
LEUKOCYTES = 12
QUALITY = 95  # of the JPEGs; a frame takes about a tenth of what its pixels do, so the tour hardly counts as memory
SEED = 1


def draw() -> list[bytes]:
    """The frames as JPEG: about a dozen a field, at rest and on the way."""
    width, height = (round(side * (1 + (FIELDS - 1) * (1 - OVERLAP))) for side in VIEW)
    smear = Smear(SEED, true_counts(LEUKOCYTES), width=width, height=height)
    stops = serpentine((width, height), VIEW, OVERLAP)
    path = driven(stops, Hand(), np.random.default_rng(SEED))
    with SlideFilm(smear, path, view=VIEW, seed=SEED) as film:
        return [jpeg(frame.bgr) for frame in film]


def jpeg(bgr: np.ndarray) -> bytes:
    """`bgr` (h, w, 3) uint8 as a camera would send it."""
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()


class Tour:
    """A live source that waits for its reader: all frames, and the same way back.

    `decoding` collects the milliseconds that each frame's JPEG took, which a camera's own thread would.
    """

    live = False
    dropped, warning, hangs = 0, "", False

    def __init__(self, frames: Sequence[bytes], decoding: list[float]) -> None:
        self.name = f"a tour of {len(frames)} drawn frames"
        self._frames, self._decoding = frames, decoding

    def __enter__(self) -> Tour:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing stays open."""

    def describe(self) -> dict[str, Any]:
        return {"kind": "tour", "frames": len(self._frames)}

    def __iter__(self) -> Iterator[Frame]:
        for index, jpeg in enumerate([*self._frames, *self._frames[-2::-1]]):
            began = time.perf_counter()
            bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
            self._decoding.append(1000 * (time.perf_counter() - began))
            assert bgr is not None  # `draw` made it
            yield Frame(index, time.time(), bgr, self.name)
