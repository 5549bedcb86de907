"""What lies in each laboratory's folder: pictures, the photograph each comes from, boxes and classes.

One reader per folder of the data's README. A reader says what the folder says; it opens no picture.
"""

from __future__ import annotations

import csv
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

SHORT = {
    "NEUTROPHIL": "neutrophil",
    "LYMPHOCYTE": "lymphocyte",
    "MONOCYTE": "monocyte",
    "EOSINOPHIL": "eosinophil",
    "BASOPHIL": "basophil",
}


@dataclass(frozen=True)
class Box:
    """A labelled box in pixels: kind is "wbc", "rbc" or "platelet"."""

    kind: str
    left: float
    top: float
    right: float
    bottom: float

    def holds(self, x: float, y: float) -> bool:
        return self.left <= x <= self.right and self.top <= y <= self.bottom


@dataclass(frozen=True)
class Item:
    """One picture. `source` names the photograph (within its laboratory) that all copies of it share.

    label: the class of the picture's cell, or None. boxes: None where the folder has none. centred: the labelled
    cell is the one in the middle. original: an untouched photograph, not an augmented copy.
    """

    path: Path
    lab: str
    source: str
    label: str | None = None
    boxes: tuple[Box, ...] | None = None
    centred: bool = False
    original: bool = True


def pbc(data: Path) -> Iterator[Item]:
    names = {"ig": "immature_granulocyte"}
    for path in sorted((data / "pbc").glob("*/*.jpg")):
        label = names.get(path.parent.name, path.parent.name)
        yield Item(path, "pbc", path.stem, label, centred=True)


LISC_BLOCK = 12  # consecutive numbers are often shifted views of one cell: split in blocks


def lisc(data: Path) -> Iterator[Item]:
    for path in sorted((data / "lisc").glob("*/*.jpg")):
        block = int(path.stem) // LISC_BLOCK
        yield Item(path, "lisc", f"{path.parent.name}-{block}", path.parent.name, centred=True)


def kaggle(data: Path) -> Iterator[Item]:
    for path in sorted((data / "kaggle_blood_cells").glob("*/*/*.jpeg")):
        if re.match(r"_\d+_", path.name):  # not the number of the photograph: see `kaggle.py`
            part, folder = path.parts[-3], path.parts[-2]
            yield Item(path, "kaggle", f"{part}-{folder}-{path.stem}", SHORT[folder], original=False)


def deepbionet_classes(data: Path) -> Iterator[Item]:
    for path in sorted((data / "deepbionet/classes").glob("*/*.jpg")):
        source, _, copy = path.stem.partition("__")
        label = path.parent.name
        yield Item(path, "deepbionet", f"{label}-{source}", label, original=copy.startswith("orig"))


def _voc(folder: Path, picture: str) -> tuple[Box, ...]:
    boxes = []
    for node in ET.parse(folder / "annotations" / f"{picture}.xml").getroot().iter("object"):
        name = (node.findtext("name") or "").strip().lower()
        kind = {"w": "wbc", "r": "rbc", "p": "platelet"}.get(name[:1])
        corners = node.find("bndbox")
        if kind and corners is not None:
            boxes.append(Box(kind, *(float(corners.findtext(k) or 0) for k in ("xmin", "ymin", "xmax", "ymax"))))
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
    kinds = {"0": "wbc", "1": "rbc", "2": "platelet"}
    side = 575
    for path in sorted((data / "raabin/images").glob("*.jpg")):
        boxes = []
        for line in (data / "raabin/labels" / f"{path.stem}.txt").read_text().splitlines():
            kind, *numbers = line.split()[:5]
            x, y, w, h = (float(v) * side for v in numbers)
            boxes.append(Box(kinds[kind], x - w / 2, y - h / 2, x + w / 2, y + h / 2))
        if boxes:
            yield Item(path, "raabin", path.stem, None, tuple(boxes))


def tecom(data: Path) -> Iterator[Item]:
    order = ("neutrophil", "lymphocyte", "monocyte", "eosinophil", "basophil")
    if not (data / "tecom/labels.csv").is_file():
        return
    with open(data / "tecom/labels.csv", newline="") as file:
        labels = {int(row["image ID"]): order[int(row["class label"]) - 1] for row in csv.DictReader(file)}
    for path in sorted((data / "tecom/images").glob("*.*")):
        yield Item(path, "tecom", path.stem, labels.get(int(path.stem)), centred=True)


READERS: tuple[Callable[[Path], Iterator[Item]], ...] = (
    bccd, deepbionet_fields, deepbionet_classes, kaggle, lisc, pbc, tecom,
)  # fmt: skip
"""Every folder that gives labelled cells or artefacts; Raabin has no classes and serves detection alone."""
