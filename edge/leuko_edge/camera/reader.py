"""What an open camera is to those who read it: one method, and close."""

from __future__ import annotations

import time
from typing import Protocol

import numpy as np

from ..errors import LeukoError


class Damaged(LeukoError):
    """One picture arrived broken; the next may be whole."""


class Reader(Protocol):
    """An open camera."""

    def read(self) -> tuple[np.ndarray, float]:
        """The next picture, (h, w, 3) uint8 BGR, and `time.time()` at its capture.

        Blocks until it is there. Raises Damaged for a picture that cannot be used, SourceLost when no more come.
        """
        ...

    def close(self) -> None: ...


def wall_time(stamp: float, clock: float) -> float:
    """`time.time()` at a driver's time `stamp`, seconds on a clock that now shows `clock`.

    Drivers that stamp with another clock, or not at all, would place the picture in the future or far in the past;
    then it is now.
    """
    age = clock - stamp
    return time.time() - (age if 0 <= age <= 10 else 0)
