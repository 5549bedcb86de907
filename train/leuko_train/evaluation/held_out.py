"""Pictures that no training saw, neither the classifier's nor the finder's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from leuko_edge.model.finder_card import shipped_finder
from leuko_edge.types import EXCLUDED, SMUDGE

from ..data import build, linked, split
from ..data.items import Item
from ..training import seen


def finder_pictures() -> frozenset[str]:
    """Paths in the data of the pictures that the shipped finder learnt from: a list beside it in the repository."""
    listed = shipped_finder().with_name("leuko-finder-pictures.txt")
    return frozenset(listed.read_text().split("\n")) if listed.is_file() else frozenset()


def fields(data: Path, run: Path | None = None) -> dict[str, list[Item]]:
    """The boxed fields of each laboratory that no training saw, neither the classifier's nor the finder's.

    Where `run` says what it has seen, fields of which that was a copy are left out too.
    """
    return _by_lab(item for item in unseen(data, run) if item.boxes is not None)


def drawn(data: Path, run: Path | None = None) -> dict[str, list[Item]]:
    """The pictures of each laboratory that have a mask of their cell, that no training saw."""
    return _by_lab(item for item in unseen(data, run) if item.mask is not None)


def with_a_white_cell(data: Path, run: Path | None = None) -> dict[str, list[Item]]:
    """The pictures of each folder in which a white cell is labelled, that no training saw."""
    found: dict[str, list[Item]] = {}
    for item in unseen(data, run):
        if not set(item.labels) <= {*EXCLUDED, SMUDGE}:
            found.setdefault(item.path.relative_to(data).parts[0], []).append(item)
    return found


def _by_lab(items: Iterable[Item]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.lab, []).append(item)
    return found


def unseen(data: Path, run: Path | None = None) -> list[Item]:
    """The pictures that `fields` and `drawn` choose among."""
    learnt = finder_pictures()
    names = linked.groups(data)
    every = build.select(data, names)  # as the cell set was made, so that the splits are the same
    parts = split.assign(every, names)
    shown = seen.pictures(run) if run else frozenset()
    spoiled = {group for path, group in linked.by_path(data, names).items() if path in shown}
    return [
        item
        for item, (group, part) in zip(every, parts, strict=True)
        if part == "test" and group not in spoiled and item.where(data) not in learnt
    ]
