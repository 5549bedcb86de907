"""Is the camera still alive? Its pictures keep their size, and no two of a sensor are alike."""

from __future__ import annotations

import time

import numpy as np

from ..errors import Hint, SourceLost
from ..sources.live_source import MIN_SIDE


class Watch:
    """Compares each picture with the one before: the same size, and not the very same pixels for too long.

    It outlives a reopening of the camera: the pictures after it must have the size of those before.
    """

    def __init__(self, name: str, frozen_after: float) -> None:
        self._name = name
        self._frozen_after = frozen_after
        self._last: np.ndarray | None = None
        self._changed_at = 0.0

    @property
    def seen(self) -> bool:
        """Whether there was one good picture."""
        return self._last is not None

    def reopened(self) -> None:
        """The camera begins anew: time stood still meanwhile."""
        self._changed_at = time.monotonic()

    def check(self, bgr: np.ndarray) -> None:
        """SourceLost with the reason where `bgr` (h, w, 3) uint8, as it came from the camera, shows a fault."""
        now = time.monotonic()
        last = self._last
        height, width = bgr.shape[:2]
        if last is None:
            self._changed_at = now
            if min(width, height) < MIN_SIDE:
                raise SourceLost(
                    f"the pictures of {self._name} are too small, {width}×{height} pixels", "choose another camera"
                )
        elif last.shape != bgr.shape:
            raise SourceLost(
                f"the pictures of {self._name} changed from {last.shape[1]}×{last.shape[0]} to {width}×{height} pixels "
                "while counting",
                "close other programs that use the camera",
                Hint.START_AGAIN,
            )
        elif not _same(last, bgr) or _flat(bgr):
            self._changed_at = now
        elif now - self._changed_at > self._frozen_after:
            raise SourceLost(
                f"{self._name} is frozen: the very same picture came for {self._frozen_after:g} seconds",
                "unplug it, plug it in again",
                Hint.START_AGAIN,
            )
        self._last = bgr


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    """Equal pixel by pixel; a few rows tell most pictures apart."""
    return np.array_equal(one[::64], other[::64]) and np.array_equal(one, other)


def _flat(bgr: np.ndarray) -> bool:
    """One colour all over: a covered or dazzled sensor has no noise left to show that it lives."""
    return bool((bgr == bgr[0, 0]).all())
