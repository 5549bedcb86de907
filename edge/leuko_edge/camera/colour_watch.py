"""Does the camera see colour? Without it no class can be told, and everything is counted wrong without a word."""

from __future__ import annotations

import cv2
import numpy as np

from ..errors import Hint, SourceLost
from ..sources.picture_decoding import has_colour

MOST_GREY = 30  # pictures with something in them, and none with colour; as of a film
DARK, BRIGHT, EVEN = 40.0, 250.0, 6.0  # mean and spread, grey values: covered, dazzled or empty pictures show no colour


class ColourWatch:
    """Looks at pictures until one has colour; after that it costs nothing."""

    def __init__(self) -> None:
        self._grey = 0
        self._seen = False

    def check(self, bgr: np.ndarray, name: str) -> None:
        """ColourMissing once `MOST_GREY` pictures of `name`, (h, w, 3) uint8, showed something and none colour."""
        if self._seen:
            return
        self._seen = has_colour(bgr)
        if self._seen or not _shows_something(bgr):
            return
        self._grey += 1
        if self._grey >= MOST_GREY:
            raise ColourMissing(
                f"the pictures of {name} have no colour, and white cells are told apart by their stain",
                "switch the camera's colour on (its saturation), or take a colour camera",
                Hint.START_AGAIN,
            )


class ColourMissing(SourceLost):
    """To open the camera again would not help."""


def _shows_something(bgr: np.ndarray) -> bool:
    mean, spread = cv2.meanStdDev(np.ascontiguousarray(bgr[::8, ::8, 1]))
    return DARK < mean.item() < BRIGHT and spread.item() > EVEN
