"""Folders that a run writes its pictures into: what lies there is of one run, never of two.

A list among the pictures says which ones leuko-edge wrote. The next run into the folder removes those first, and is
refused where there are others: nobody could tell afterwards which picture is of whose blood.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from ..errors import UsageError
from ..files import write_whole
from ..plain_text import readable

LIST = ".leuko-edge-pictures"
"""A line for each picture: JSON [name, bytes]."""
ENDING = ".png"
LONGEST = 200  # bytes of a picture's name that its drawing keeps: with what is added a file system takes 255


def check(folder: str) -> None:
    """UsageError where pictures lie in `folder` that leuko-edge did not write, or that were changed since."""
    ours = _ours(folder)
    try:
        names = sorted(name for name in os.listdir(folder) if name.casefold().endswith(ENDING))
    except OSError:  # it is made later, or said where it cannot be written
        return
    others = [name for name in names if name not in ours]
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        raise UsageError(
            f"{readable(folder)} holds pictures that no known run of leuko-edge wrote ({readable(others[0])}{more})",
            "name a new or an empty folder",
        )


def begin(folders: Iterable[str]) -> None:
    """Make way for a new run: what earlier ones wrote into `folders` goes. UsageError as of `check`, before that."""
    places = list({os.path.realpath(folder): folder for folder in folders}.values())
    for folder in places:
        check(folder)
    for folder in places:
        with contextlib.suppress(OSError):  # what cannot be removed cannot be written over either, and is said then
            for name in _ours(folder):
                os.unlink(os.path.join(folder, name))
            os.unlink(os.path.join(folder, LIST))


def put(folder: str, name: str, bgr: np.ndarray) -> None:
    """Write (h, w, 3) uint8 as the PNG `name` and note it; OSError where that fails."""
    os.makedirs(folder, exist_ok=True)
    write_png(Path(folder) / name, bgr)
    with open(os.path.join(folder, LIST), "a", encoding="ascii") as noted:
        noted.write(json.dumps([name, os.path.getsize(os.path.join(folder, name))]) + "\n")


def write_png(path: Path, bgr: np.ndarray) -> None:
    """Write (h, w, 3) uint8 as PNG, whole or not at all; OSError where that fails."""
    encoded, data = cv2.imencode(ENDING, bgr, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not encoded:
        raise OSError(f"OpenCV could not encode {path.name}")
    write_whole(path, data.tobytes())


class Names:
    """Names of drawings by the pictures that they show: NAME-cells.png, numbered where names meet."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, source: str) -> str:
        stem, number = os.path.splitext(os.path.basename(source))[0], 1
        stem = os.fsencode(stem)[:LONGEST].decode("utf-8", "ignore")
        name = f"{stem}-cells{ENDING}"
        while name.casefold() in self._taken:
            number += 1
            name = f"{stem}-cells-{number}{ENDING}"
        self._taken.add(name.casefold())
        return name


def _ours(folder: str) -> set[str]:
    """The pictures there that are as they were written."""
    try:
        with open(os.path.join(folder, LIST), encoding="ascii") as noted:
            lines = noted.readlines()
    except (OSError, UnicodeDecodeError):  # none, or nothing of ours
        return set()
    found = set()
    for line in lines:
        with contextlib.suppress(OSError, ValueError, TypeError):  # removed by somebody, or a line cut short
            name, size = json.loads(line)
            about = os.lstat(os.path.join(folder, os.path.basename(name)))
            if name == os.path.basename(name) and stat.S_ISREG(about.st_mode) and about.st_size == size:
                found.add(name)
    return found
