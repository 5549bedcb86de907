"""Pictures from files and folders, as an iterator and a context manager.

    with Pictures(["slide-7", "extra.tif"]) as source:
        for taken in source:               # a Frame, or Lost with the sentence why

What the pixels mean, decided once for every file:
- Pixels are those stored in the file. An orientation tag (EXIF, TIFF) is not applied, so a box in a report
  points at the file's own pixels whatever program opens it; cells look the same in every rotation.
- 16-bit pictures are scaled to 8 by range: cameras store 10, 12 or 14 bits in 16, so the smallest of 8, 10,
  12, 14 and 16 bits that holds the picture's values, but for a few hot pixels, is its full scale.
- Alpha is dropped.
- Each page of a TIFF is a picture, but for thumbnails, masks and reduced copies of another page.
- A folder gives its own pictures by suffix, sorted by name, not those of folders beneath it; hidden files
  are left out. What else looks like a picture or a film, and folders beneath that hold some, are told of.
"""

from __future__ import annotations

import itertools
import mmap
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..errors import PictureError, Reason
from ..types import Frame
from . import other_formats, tiff_layout
from .picture_decoding import read_picture, unreadable

SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".bmp", *other_formats.SUFFIXES)
FILMS = (".mp4", ".avi", ".mkv", ".mov", ".m4v", ".mts", ".m2ts", ".mpg", ".wmv", ".webm")
_UNREAD = (
    *(".gif", ".jp2", ".j2k", ".jpf", ".jxl", ".psd", ".dng", ".nef", ".cr2", ".cr3", ".arw", ".orf", ".rw2", ".raf"),
    *(".svs", ".ndpi", ".czi", ".lif", ".lsm", ".nd2", ".vsi", ".scn", ".mrxs", ".oib", ".oif", ".heics", ".avifs"),
)
_MOST_FOLDERS = 1000  # that are looked into for pictures left out


@dataclass(frozen=True)
class Lost:
    """A picture that could not be read: why, and that in one sentence."""

    index: int
    source: str
    sentence: str
    reason: Reason = Reason.FAILED
    page: int | None = None


class LeftOut(NamedTuple):
    """A path that gave no picture, or not all of its own."""

    path: str
    sentence: str
    reason: Reason

    @property
    def harmless(self) -> bool:
        """Whether nothing is missing from the count for it."""
        return self.reason is Reason.NAMED_TWICE


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

    `problems` lists what gave no picture: absent, a folder without pictures, named twice, a format that is not read;
    `name` is what the source is called in a report. Iterating yields a Frame for each picture that can be read and
    Lost for each that cannot; one at a time is in memory. `outputs` are folders that hold results, not pictures.
    """

    def __init__(self, paths: Sequence[str | os.PathLike[str]], outputs: Sequence[str | os.PathLike[str]] = ()) -> None:
        first, *more = names = [os.fspath(path) for path in paths]
        self.name = f"{first} and {len(more)} more" if more else first
        self.problems: list[LeftOut] = []
        self._pictures: list[tuple[str, int | None]] = []
        self._apart = {os.path.realpath(path) for path in (*names, *outputs)}
        seen: set[str] = set()
        for name in names:
            for file in self._expand(name):
                real = os.path.realpath(file)
                if real in seen:
                    self.problems.append(LeftOut(file, "named twice, counted once", Reason.NAMED_TWICE))
                else:
                    seen.add(real)
                    fields = count_fields(file)
                    self._pictures += [(file, page) for page in range(fields)] if fields > 1 else [(file, None)]

    @property
    def files(self) -> list[str]:
        """The path of each picture: a TIFF of several fields stands here once for each."""
        return [path for path, _ in self._pictures]

    def sort(self, key: Callable[[str], Any]) -> None:
        """Into the order of `key` of their paths, the pages of a file in theirs."""
        self._pictures.sort(key=lambda picture: (key(picture[0]), picture[1] or 0))

    def _expand(self, path: str) -> list[str]:
        try:
            if not os.path.isdir(path):
                os.stat(path)
                return [path]
            with os.scandir(path) as entries:
                shown = [(entry.name, entry.is_dir()) for entry in entries if not entry.name.startswith(".")]
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            refusal = unreadable(error)
            self.problems.append(LeftOut(path, str(refusal), refusal.reason))
            return []
        names = sorted(name for name, folder in shown if not folder)
        pictures = [name for name in names if _is_picture(name)]
        left_out = [*self._unread(path, names), *self._below(path, sorted(name for name, folder in shown if folder))]
        if not pictures and not left_out:
            nothing = "the folder holds no pictures (JPEG, PNG, TIFF or BMP) of its own"
            self.problems.append(LeftOut(path, nothing, Reason.NO_PICTURES))
        self.problems += left_out
        return [os.path.join(path, name) for name in pictures]

    def _unread(self, path: str, names: list[str]) -> Iterator[LeftOut]:
        """Of a folder's files, those that are pictures or films for everybody else."""
        for name in names:
            file = os.path.join(path, name)
            if os.path.realpath(file) in self._apart:
                continue
            if name.lower().endswith(FILMS):
                yield LeftOut(file, "a film; count it with --video", Reason.UNKNOWN_FORMAT)
            elif name.lower().endswith(_UNREAD):
                yield LeftOut(file, "this format is not read; save it as TIFF or PNG", Reason.UNKNOWN_FORMAT)

    def _below(self, path: str, names: list[str]) -> Iterator[LeftOut]:
        """The folders within a folder that hold pictures."""
        for name in names:
            folder = os.path.join(path, name)
            if os.path.realpath(folder) in self._apart:
                continue
            walked = itertools.islice(os.walk(folder), _MOST_FOLDERS)
            if any(_is_picture(file) for _, _, files in walked for file in files):
                sentence = "the pictures in this folder are not counted; name it too, or count with --recursive"
                yield LeftOut(folder, sentence, Reason.SUBFOLDER)

    def describe(self) -> dict[str, object]:
        """What a session's record keeps of them: JSON values."""
        return {"pictures": len(self)}

    def __len__(self) -> int:
        return len(self._pictures)

    def __iter__(self) -> Iterator[Frame | Lost]:
        return (self.take(index) for index in range(len(self)))

    def take(self, index: int) -> Frame | Lost:
        """Picture number `index`, read from its file anew."""
        path, number = self._pictures[index]
        page = None if number is None else number + 1
        try:
            return Frame(index, os.stat(path).st_mtime, read_picture(path, number or 0), path, page)
        except (OSError, PictureError) as error:
            refusal = error if isinstance(error, PictureError) else unreadable(error)
            return Lost(index, path, str(refusal), refusal.reason, page)

    def __enter__(self) -> Pictures:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing stays open between two pictures."""


def count_fields(path: str) -> int:
    """How many pictures to be counted a file holds: 1 but for a TIFF of several fields, and for what cannot be read."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            if file.read(4) not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
                return 1
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return len(tiff_layout.fields(tiff_layout.pages(data)))
    except (OSError, ValueError, struct.error, IndexError, PictureError):  # `take` says what is wrong
        return 1
