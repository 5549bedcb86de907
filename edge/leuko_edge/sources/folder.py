"""A folder of pictures played as a film."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import SourceLost, UsageError
from ..types import Frame
from .pictures import Lost, Pictures


class FolderFilm:
    """The pictures of a folder as a film, in natural order (2 before 10).

    Pictures are not brought to one size, that would change their scale: one that differs from `size` (width, height;
    default: the first picture's) is dropped. `problems` lists (path, sentence) for every picture dropped.
    `captured_at` is the file's time of modification. UsageError where the folder holds no pictures; SourceLost at the
    end where not one of them could be used.
    """

    live = False
    warning, hangs = "", False  # as of every `LiveSource`; a file has nothing to say

    def __init__(self, folder: str | os.PathLike[str], size: tuple[int, int] | None = None) -> None:
        self.name = os.fspath(folder)
        self.dropped = 0
        self.problems: list[tuple[str, str]] = []
        self._size = size
        self._pictures: Pictures | None = None
        self._taken = False

    def __enter__(self) -> FolderFilm:
        if not os.path.isdir(self.name):
            raise UsageError(f"{self.name} is not a folder", "name a folder of pictures")
        self._pictures = Pictures([self.name])
        if not len(self._pictures):
            raise UsageError(f"{self.name}: {self._pictures.problems[0].sentence}")
        self._pictures.sort(natural)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Harmless when repeated; nothing stays open between two pictures."""
        self._pictures = None

    def describe(self) -> dict[str, Any]:
        """What the session's record says of this source."""
        about: dict[str, Any] = {"kind": "folder", "name": self.name}
        if self._pictures is not None:
            about["frames"] = len(self._pictures)
        if self._size is not None:
            about |= {"width": self._size[0], "height": self._size[1]}
        return about

    def __iter__(self) -> Iterator[Frame]:
        if self._pictures is None or self._taken:
            raise RuntimeError("a source is iterated once, inside its with block")
        self._taken = True
        return self._frames(self._pictures)

    def _frames(self, pictures: Pictures) -> Iterator[Frame]:
        for index in range(len(pictures)):
            if self._pictures is None:
                return
            taken = pictures.take(index)
            sentence = taken.sentence if isinstance(taken, Lost) else self._misfit(taken.bgr)
            if isinstance(taken, Frame) and not sentence:
                yield taken
            else:
                self.dropped += 1
                self.problems.append((taken.source, sentence))
        if self.dropped == len(pictures):
            path, sentence = self.problems[0]
            raise SourceLost(
                f"{self.name}: not one picture can be used, to begin with {os.path.basename(path)}: {sentence}"
            )

    def _misfit(self, bgr: np.ndarray) -> str:
        height, width = bgr.shape[:2]
        self._size = self._size or (width, height)
        if (width, height) == self._size:
            return ""
        return f"it is {width}×{height} pixels in a film of {self._size[0]}×{self._size[1]}; it was left out"


def natural(path: str) -> list[tuple[int, int | str]]:
    """Sort key that puts frame-2 before frame-10."""
    parts = re.split(r"(\d+)", path)
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]
