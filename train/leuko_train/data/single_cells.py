"""Readers of the folders whose pictures hold one labelled cell, in the middle."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from .items import Item
from .names import meaning


def pbc(data: Path) -> Iterator[Item]:
    """Its file names begin with the sub-type: SNE_…, BNE_…, PMY_…; a few say only NEUTROPHIL or IG."""
    for path in sorted((data / "pbc").glob("*/*.jpg")):
        folder, prefix = meaning(path.parent.name), meaning(path.stem.partition("_")[0])
        if folder:
            sub_type = prefix.sub_type if prefix and prefix.label == folder.label else folder.sub_type
            yield Item(path, "pbc", path.stem, folder.label, centred=True, sub_type=sub_type)


def deepapl(data: Path) -> Iterator[Item]:
    """DATA/deepapl/<class>/<patient>__….jpg; its neutrophils are those with segments, bands lie apart."""
    for path in sorted((data / "deepapl").glob("*/*.jpg")):
        name = "segmented_neutrophil" if path.parent.name == "neutrophil" else path.parent.name
        if named := meaning(name):
            patient = path.stem.partition("__")[0]
            yield Item(path, "deepapl", f"patient-{patient}", named.label, centred=True, sub_type=named.sub_type)


def raabin_cells(data: Path) -> Iterator[Item]:
    """The smear is the file's name up to its first `_`; some cells have a mask."""
    for path in sorted((data / "raabin_cells").glob("*/*.jpg")):
        if named := meaning(path.parent.name):
            mask = data / "raabin_cells/masks" / f"{path.stem}.png"
            smear = path.stem.partition("_")[0]
            yield Item(path, "raabin", smear, named.label, centred=True, mask=mask if mask.is_file() else None)


def tecom(data: Path) -> Iterator[Item]:
    order = ("neutrophil", "lymphocyte", "monocyte", "eosinophil", "basophil")
    if not (data / "tecom/labels.csv").is_file():
        return
    with open(data / "tecom/labels.csv", newline="") as file:
        labels = {int(row["image ID"]): order[int(row["class label"]) - 1] for row in csv.DictReader(file)}
    for path in sorted((data / "tecom/images").glob("*.*")):
        mask = data / "tecom/masks" / f"{path.stem}.png"
        yield Item(
            path,
            "tecom",
            path.stem,
            labels.get(int(path.stem)),
            centred=True,
            mask=mask if mask.is_file() else None,
        )
