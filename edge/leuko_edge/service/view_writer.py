"""The camera's picture for who looks from another process, see `view_file`.

Nobody looking costs the count one stat(2) each quarter of a second.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import cv2
import numpy as np

from ..files import write_whole
from .view_file import ASKED, VIEW

EVERY = 0.25  # seconds between two pictures
LOOKED = 3.0  # seconds that a look holds
WIDTH, QUALITY = 640, 70  # px at most; of JPEG: some 20 to 60 kB


class ViewWriter:
    """The service's side; whoever is in the group of `folder` may look. A failure to write stops nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._asked, self._until, self._next, self._lies = 0, 0.0, 0.0, False
        if folder is not None:
            with contextlib.suppress(OSError):
                os.close(os.open(folder / ASKED, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o660))
                os.chmod(folder / ASKED, 0o660)  # whatever the umask
                self._asked = os.stat(folder / ASKED).st_mtime_ns

    def frame(self, bgr: np.ndarray | None) -> None:
        """`bgr` (h, w, 3) uint8 is what the camera sees now."""
        now = time.monotonic()
        if self._folder is None or bgr is None or now < self._next:
            return
        self._next = now + EVERY
        with contextlib.suppress(OSError, cv2.error):
            # By its change, not by its age: the wall clock of a board without a battery jumps.
            if (asked := os.stat(self._folder / ASKED).st_mtime_ns) != self._asked:
                self._asked, self._until = asked, now + LOOKED
            if now < self._until:
                write_whole(self._folder / VIEW, _jpeg(bgr), 0o640)
                self._lies = True
            elif self._lies:  # who looks next must not see what was there long ago
                self._lies = False
                (self._folder / VIEW).unlink(missing_ok=True)

    def remove(self) -> None:
        for name in (VIEW, ASKED):
            if self._folder is not None:
                with contextlib.suppress(OSError):
                    (self._folder / name).unlink(missing_ok=True)


def _jpeg(bgr: np.ndarray) -> bytes:
    height, width = bgr.shape[:2]
    if width > WIDTH:
        bgr = cv2.resize(bgr, (WIDTH, max(1, round(height * WIDTH / width))), interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))[1])
