"""Runs the finder's network on fields: `Finder.maps`."""

from __future__ import annotations

import os
import threading
from functools import lru_cache

import numpy as np

from ..errors import EnvironmentBroken, ModelError
from ..vision.finder_input import CHANNELS, STRIDE
from . import finder_card
from .finder_card import FinderCard
from .litert import default_threads, open_model

SUB = 2  # map pixels along a side of one of the network's positions
PADDED = 16  # input pixels that sides are made multiples of, so that fields of one camera have one size
MARGIN = 8  # input pixels of empty background round the picture: a cell that touches its edge has a ring like others
EMPTY = np.array((245, 245, 245, 0, 0, 0), np.uint8)


class Finder:
    """A verified network, ready to run, for one thread at a time; others wait."""

    def __init__(self, card: FinderCard, content: bytes, threads: int | None = None) -> None:
        self.card = card
        self._interpreter = open_model(content, threads or default_threads())
        self._lock = threading.Lock()
        (self._input,), (self._output,) = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self._size = tuple(self._input["shape"][1:3])
        fits = self._input["shape"][3] == CHANNELS and self._output["shape"][3] == 2 * SUB * SUB
        if not fits or self._input["dtype"] not in (np.uint8, np.float32):
            raise ModelError(f"The finder {card.name!r} does not fit this leuko-edge", "fetch it again.")

    @classmethod
    def from_path(cls, path: str | os.PathLike[str] | None = None, threads: int | None = None) -> Finder:
        """A `.tflite` file with its card beside it; None takes the one that comes with leuko-edge."""
        return cls(*finder_card.load_verified(path), threads=threads)

    @property
    def threshold(self) -> float:
        return self.card.threshold

    def maps(self, shown: np.ndarray) -> np.ndarray:
        """(h / 2, w / 2, 2) float32, rounded up, of centres and of bodies, 0 to 1; `shown` is (h, w, 6) uint8."""
        given = framed(shown)[None].astype(self._input["dtype"], copy=False)
        rows, columns = given.shape[1:3]
        with self._lock:
            try:
                if self._size != (rows, columns):
                    self._interpreter.resize_tensor_input(self._input["index"], list(given.shape))
                    self._interpreter.allocate_tensors()
                    self._size = (rows, columns)
                self._interpreter.set_tensor(self._input["index"], given)
                self._interpreter.invoke()
                raw = self._interpreter.get_tensor(self._output["index"])[0]
            except (RuntimeError, ValueError, MemoryError) as error:
                reason = (str(error).strip().splitlines() or ["out of memory"])[-1]
                raise EnvironmentBroken(f"LiteRT could not run the finder ({reason}).") from None
        parts = raw.reshape(rows // STRIDE, columns // STRIDE, 2, SUB, SUB)
        logits = parts.transpose(0, 3, 1, 4, 2).reshape(rows // STRIDE * SUB, columns // STRIDE * SUB, 2)
        return 1 / (1 + np.exp(-unframed(logits, shown.shape).astype(np.float32)))


def framed(shown: np.ndarray) -> np.ndarray:
    """What the network is given of (h, w, 6) uint8: the same on empty background, sides multiples of `PADDED`."""
    height, width = shown.shape[:2]
    rows, columns = (-(-(side + 2 * MARGIN) // PADDED) * PADDED for side in (height, width))
    given = np.empty((rows, columns, CHANNELS), np.uint8)
    given.reshape(rows, -1)[:] = np.tile(EMPTY, columns)  # row by row: pixel by pixel takes twenty times as long
    given[MARGIN : MARGIN + height, MARGIN : MARGIN + width] = shown
    return given


def unframed(maps: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Of the maps of what `framed` gave, the part of what was shown, of `shape` (h, w, …)."""
    step = STRIDE // SUB
    start = MARGIN // step
    height, width = (-(-side // step) for side in shape[:2])
    return maps[start : start + height, start : start + width]


@lru_cache(maxsize=1)
def shipped() -> Finder:
    """The finder that comes with leuko-edge, opened once."""
    return Finder.from_path()
