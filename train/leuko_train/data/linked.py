"""Which pictures show the same place of a slide, though folders and names differ.

The Kaggle set is made of turned copies of BCCD's fields, and its file names do not say of which; some of BCCD's fields
overlap; DeepBioNet's and LISC's folders hold several photographs of one cell. A split that does not know this puts the
same cell on both sides.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from leuko_edge.files import write_whole, xdg_folder

from . import kaggle, readers
from .items import Item
from .photo_match import PhotoMatcher

UNKNOWN = "kaggle/unknown"
"""The group of Kaggle pictures whose photograph is not among BCCD's: they might be copies of each other."""


def groups(data: Path) -> dict[tuple[str, str], str]:
    """(lab, source) -> name of the place, the same for all pictures that show a part of it.

    Recognising takes about a tenth of a second a picture, minutes in all; what was found is kept in the user's cache,
    under a name that changes with the folder's files.
    """
    copies = list(readers.kaggle(data))
    others = [item for item in (*readers.deepbionet_fields(data), *readers.deepbionet_classes(data)) if item.original]
    parts = {"bccd": list(readers.bccd(data)), "deepbionet": others}
    parts |= {"lisc": list(readers.lisc(data)), "rv_pbs": list(readers.rv_pbs(data))}
    folder = _cache(data, [*copies, *(item for items in parts.values() for item in items)])
    names: dict[tuple[str, str], str] = {}
    for part, items in parts.items():
        names |= _joined(items, _places(items, folder / f"{part}.json"))
    fields = parts["bccd"]
    if fields and copies:
        paths = [item.path.relative_to(data).as_posix() for item in copies]
        for item, photograph in zip(copies, kaggle.photographs(data, paths, folder / "kaggle.json"), strict=True):
            names[item.lab, item.source] = f"bccd/{photograph}" if photograph else UNKNOWN
    elif copies:  # of photographs that are not here: all of them are one, or copies of one would part
        names |= {(item.lab, item.source): UNKNOWN for item in copies}
    return names


def by_path(data: Path, names: Mapping[tuple[str, str], str], more: Sequence[Item] = ()) -> dict[str, str]:
    """The place that each picture of the folders shows, by its path relative to `data`; `names` of `groups`.

    `more`: pictures of the user's own.
    """
    every = [*(item for reader in readers.READERS for item in reader(data)), *more]
    return {item.where(data): names.get((item.lab, item.source), f"{item.lab}/{item.source}") for item in every}


def _joined(items: Sequence[Item], places: Sequence[str]) -> dict[tuple[str, str], str]:
    """(lab, source) -> one name for all sources that share a place, directly or over others."""
    root: dict[str, str] = {}

    def find(name: str) -> str:
        while root.setdefault(name, name) != name:
            name = root[name]
        return name

    for item, place in zip(items, places, strict=True):
        root[find(f"{item.lab}/{item.source}")] = find(f"{item.lab}/{place}")
    return {(item.lab, item.source): find(f"{item.lab}/{item.source}") for item in items}


def _places(items: Sequence[Item], cache: Path) -> list[str]:
    """Of each photograph the source of one that stands for its place."""
    if len(items) < 2:
        return [item.source for item in items]
    if not cache.is_file():
        places = [items[place].source for place in PhotoMatcher([item.path for item in items]).places()]
        write_whole(cache, (json.dumps(places) + "\n").encode())
    return list(json.loads(cache.read_text(encoding="utf-8")))


def _cache(data: Path, items: Sequence[Item]) -> Path:
    """A folder for what is known of exactly these files."""
    digest = hashlib.sha256()
    for item in items:
        digest.update(f"{item.path.relative_to(data).as_posix()} {item.path.stat().st_size}\n".encode())
    folder = xdg_folder("cache") / f"places-{digest.hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
