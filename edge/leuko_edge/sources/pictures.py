"""Pictures from files and folders, as an iterator and a context manager.

    with Pictures(["slide-7", "extra.tif"]) as source:
        for taken in source:               # a Frame, or Lost with the sentence why

What the pixels mean, decided once for every file:
- Pixels are those stored in the file. An orientation tag (EXIF, TIFF) is not applied, so a box in a report
  points at the file's own pixels whatever program opens it; cells look the same in every rotation.
- 16-bit pictures are scaled to 8 by range: cameras store 10, 12 or 14 bits in 16, so the smallest of 8, 10,
  12, 14 and 16 bits that holds the picture's maximum is its full scale.
- Alpha is dropped. Of a TIFF with several pages the first is read.
- A folder gives its own pictures by suffix, sorted by name, not those of folders beneath it; hidden files
  are left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import PictureError
from ..types import Frame
from .picture_decoding import read_picture, unreadable

SUFFIXES = (".jpg", ".jpeg", ".jpe", ".png", ".tif", ".tiff", ".bmp")


@dataclass(frozen=True)
class Lost:
    """A picture that could not be read, and why, in one sentence."""

    index: int
    source: str
    reason: str


def folders_below(paths: Sequence[str | os.PathLike[str]]) -> list[str]:
    """Those of `paths`, and the folders below them, that hold pictures of their own, in the order of their names.

    Hidden folders and those behind links are left out, as is every path that is no folder.
    """
    found: dict[str, None] = {}
    for path in paths:
        for folder, below, files in os.walk(path):
            below[:] = sorted(name for name in below if not name.startswith("."))
            if any(_is_picture(name) for name in files):
                found[os.path.normpath(folder)] = None
    return list(found)


def _is_picture(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


class Pictures:
    """All pictures of `paths` (files and folders) in the order given, each file once.

    `problems` lists (name, sentence) for paths that gave no picture: absent, a folder without pictures,
    named twice; `name` is what the source is called in a report. Iterating yields a Frame for each file that
    can be read and Lost for each that cannot; one at a time is in memory.
    """

    def __init__(self, paths: Sequence[str | os.PathLike[str]]) -> None:
        first, *more = names = [os.fspath(path) for path in paths]
        self.name = f"{first} and {len(more)} more" if more else first
        self.problems: list[tuple[str, str]] = []
        self.files: list[str] = []
        seen: set[str] = set()
        for name in names:
            for file in self._expand(name):
                real = os.path.realpath(file)
                if real in seen:
                    self.problems.append((file, "named twice, counted once"))
                else:
                    seen.add(real)
                    self.files.append(file)

    def _expand(self, path: str) -> list[str]:
        try:
            if not os.path.isdir(path):
                os.stat(path)
                return [path]
            with os.scandir(path) as entries:
                names = [entry.name for entry in entries if not entry.is_dir()]
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            self.problems.append((path, _why(error)))
            return []
        pictures = [name for name in names if _is_picture(name)]
        if not pictures:
            self.problems.append((path, "the folder holds no pictures (JPEG, PNG, TIFF or BMP) of its own"))
        return [os.path.join(path, name) for name in sorted(pictures)]

    def describe(self) -> dict[str, object]:
        """What a session's record keeps of them: JSON values."""
        return {"pictures": len(self.files)}

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[Frame | Lost]:
        return (self.take(index) for index in range(len(self.files)))

    def take(self, index: int) -> Frame | Lost:
        """Picture number `index`, read from its file anew."""
        path = self.files[index]
        try:
            return Frame(index, os.stat(path).st_mtime, read_picture(path), path)
        except OSError as error:
            return Lost(index, path, _why(error))
        except PictureError as error:
            return Lost(index, path, str(error))

    def __enter__(self) -> Pictures:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing stays open between two pictures."""
