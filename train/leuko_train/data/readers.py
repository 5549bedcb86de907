"""What lies in each laboratory's folder: pictures, the photograph each comes from, boxes and classes.

One reader per folder of the data's README. A reader says what the folder says; it opens no picture but for
its size, where boxes are given as shares of that.
"""

from __future__ import annotations

import csv
import re
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from leuko_edge.errors import UsageError

from .items import Box, Item
from .names import KNOWN, meaning
from .single_cells import deepapl, pbc, raabin_cells, tecom
from .sizes import size_of

SHORT = {
    "NEUTROPHIL": "neutrophil",
    "LYMPHOCYTE": "lymphocyte",
    "MONOCYTE": "monocyte",
    "EOSINOPHIL": "eosinophil",
    "BASOPHIL": "basophil",
}


def lisc(data: Path) -> Iterator[Item]:
    """Whole fields; the folder is the class of the field's cell, and nobody says which smear they are of."""
    for path in sorted((data / "lisc").glob("*/*.jpg")):
        if named := meaning(path.parent.name):
            yield Item(path, "lisc", f"{path.parent.name}-{path.stem}", named.label)


def kaggle(data: Path) -> Iterator[Item]:
    for path in sorted((data / "kaggle_blood_cells").glob("*/*/*.jpeg")):
        if re.match(r"_\d+_", path.name):  # not the number of the photograph: see `kaggle.py`
            part, folder = path.parts[-3], path.parts[-2]
            if named := meaning(folder):
                yield Item(path, "kaggle", f"{part}-{folder}-{path.stem}", named.label, original=False)


def deepbionet_classes(data: Path) -> Iterator[Item]:
    for path in sorted((data / "deepbionet/classes").glob("*/*.jpg")):
        source, _, copy = path.stem.partition("__")
        if named := meaning(path.parent.name):
            label = named.label
            yield Item(path, "deepbionet", f"{label}-{source}", label, original=copy.startswith("orig"))


def _voc(folder: Path, picture: str) -> tuple[Box, ...]:
    boxes = []
    for node in ET.parse(folder / "annotations" / f"{picture}.xml").getroot().iter("object"):
        name = (node.findtext("name") or "").strip().lower()
        kind = {"w": "wbc", "r": "rbc", "p": "platelet"}.get(name[:1])
        corners = node.find("bndbox")
        if kind and corners is not None:
            left, top, right, bottom = (float(corners.findtext(k) or 0) for k in ("xmin", "ymin", "xmax", "ymax"))
            boxes.append(Box(kind, left, top, right, bottom))
    return tuple(boxes)


def bccd(data: Path) -> Iterator[Item]:
    if not (data / "bccd/labels.csv").is_file():
        return
    with open(data / "bccd/labels.csv", newline="") as file:
        named = {int(row["Image"]): row["Category"] for row in csv.DictReader(file) if row["Image"]}
    for path in sorted((data / "bccd/images").glob("*.jpg")):
        boxes = _voc(data / "bccd", path.stem)
        # Two names for one field are given in an order that no box tells: only a single name is a label.
        label = SHORT.get((named.get(int(path.stem.rpartition("_")[2])) or "").strip())
        single = sum(box.kind == "wbc" for box in boxes) == 1
        yield Item(path, "bccd", path.stem, label if single else None, boxes)


MISLABELLED = 8  # white cells: a field with more has its red cells labelled so


def deepbionet_fields(data: Path) -> Iterator[Item]:
    for path in sorted((data / "deepbionet/fields/images").glob("*.jpg")):
        boxes = _voc(data / "deepbionet/fields", path.stem)
        if 1 <= sum(box.kind == "wbc" for box in boxes) <= MISLABELLED:
            yield Item(path, "deepbionet", f"field-{path.stem}", None, boxes)


def raabin(data: Path) -> Iterator[Item]:
    """Fields with every cell boxed; labels.csv names the class of the picture's white cell, and its smear."""
    kinds = {"0": "wbc", "1": "rbc", "2": "platelet"}
    side = 575
    known = {row["image"]: row for row in _rows(data / "raabin/labels.csv")}
    for path in sorted((data / "raabin/images").glob("*.jpg")):
        boxes = []
        for line in (data / "raabin/labels" / f"{path.stem}.txt").read_text().splitlines():
            kind, *numbers = line.split()[:5]
            x, y, w, h = (float(v) * side for v in numbers)
            boxes.append(Box(kinds[kind], x - w / 2, y - h / 2, x + w / 2, y + h / 2))
        row = known.get(path.name, {})
        single = sum(box.kind == "wbc" for box in boxes) == 1
        if boxes:
            label = row.get("class") if single else None
            yield Item(path, "raabin", row.get("smear") or path.stem, label, tuple(boxes))


RV_PBS_GAP = 8
"""Photographs whose numbers lie farther apart are of another smear: a slide was changed between them."""


def rv_pbs(data: Path) -> Iterator[Item]:
    """Fields of a telephone; boxes.csv gives each white cell's class, and its box as shares of the picture."""
    boxes = boxes_of(data / "rv_pbs/boxes.csv", data / "rv_pbs/images")
    block, last = "", None
    for path in sorted((data / "rv_pbs/images").glob("*.jpg"), key=lambda path: _number(path)):
        if last is None or _number(path) - last > RV_PBS_GAP:
            block = path.stem
        last = _number(path)
        yield Item(path, "rv_pbs", block, None, boxes.get(path.name, ()), all_boxed=False)


def boxes_of(table: Path, pictures: Path) -> dict[str, tuple[Box, ...]]:
    """Boxes by picture of a CSV with the columns image, class, x_centre, y_centre, width, height (shares).

    Raises UsageError for a class that has no name here.
    """
    boxes: dict[str, list[Box]] = defaultdict(list)
    for row in _rows(table):
        named = meaning(row["class"])
        if named is None:
            raise UsageError(f"{table} names a class {row['class']!r}", f"the names are {', '.join(KNOWN)}.")
        width, height = size_of(pictures / row["image"])
        x, y = float(row["x_centre"]) * width, float(row["y_centre"]) * height
        w, h = float(row["width"]) * width, float(row["height"]) * height
        boxes[row["image"]].append(Box("wbc", x - w / 2, y - h / 2, x + w / 2, y + h / 2, *named))
    return {name: tuple(of_one) for name, of_one in boxes.items()}


def _rows(table: Path) -> list[dict[str, str]]:
    if not table.is_file():
        return []
    with open(table, newline="", encoding="utf-8-sig") as file:  # spreadsheets put a mark before the first column
        return list(csv.DictReader(file))


def _number(path: Path) -> int:
    return int(path.stem.rpartition("_")[2])


READERS: tuple[Callable[[Path], Iterator[Item]], ...] = (
    bccd, deepbionet_fields, deepbionet_classes, kaggle, lisc, pbc, tecom, deepapl, raabin_cells, raabin, rv_pbs,
)  # fmt: skip
"""Every folder that gives labelled cells or artefacts."""
