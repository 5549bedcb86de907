"""Fields in which every platelet and red cell has a box, split as the cell set is."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from ..data import build, linked, split
from ..data.items import Box, Item

LABORATORIES = ("bccd", "deepbionet", "raabin")


def boxed(data: Path, part: str) -> dict[str, list[Item]]:
    """By laboratory; `part` is "train", "validation" or "test"."""
    names = linked.groups(data)
    items = build.select(data, names)
    fields: dict[str, list[Item]] = defaultdict(list)
    for item, (_, own) in zip(items, split.assign(items, names), strict=True):
        if own == part and item.lab in LABORATORIES and item.boxes is not None:
            fields[item.lab].append(item)
    return {lab: fields[lab] for lab in LABORATORIES if fields[lab]}


def of_kind(item: Item, kind: str) -> list[Box]:
    return [box for box in item.boxes or () if box.kind == kind]
