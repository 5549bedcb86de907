"""No photograph on both sides: groups, not pictures, are split, the same way every time."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

import labfolder
import pytest

from leuko_train.data import build, linked, readers, split
from leuko_train.data.items import Item

CLASSES_OF = {
    "bccd": ("neutrophil", "eosinophil", "lymphocyte", "monocyte", None),
    "deepbionet": ("neutrophil", "eosinophil", "lymphocyte", "monocyte", None),
    "kaggle": ("neutrophil", "eosinophil", "lymphocyte", "monocyte"),
    "lisc": ("neutrophil", "eosinophil", "lymphocyte", "monocyte", "basophil"),
    "pbc": ("neutrophil", "erythroblast", "platelet"),
    "tecom": ("neutrophil", "basophil"),
}
SOURCES, COPIES = 10, 3


def items() -> list[Item]:
    """Ten photographs of each class in every laboratory, three copies of each."""
    return [
        Item(Path(f"{lab}/{label}/{n}-{copy}.jpg"), lab, f"{label}-{n}", label)
        for lab, labels in CLASSES_OF.items()
        for label in labels
        for n in range(SOURCES)
        for copy in range(COPIES)
    ]


KAGGLE_IS_BCCD = {("kaggle", f"{label}-{n}"): f"bccd/{label}-{n}" for label in CLASSES_OF["kaggle"] for n in range(8)}


def sides(names: dict[tuple[str, str], str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for group, part in split.assign(items(), names):
        found[group].add(part)
    return found


@pytest.mark.parametrize("names", [{}, KAGGLE_IS_BCCD], ids=["unlinked", "linked"])
def test_no_group_is_on_two_sides(names):
    assert all(len(parts) == 1 for parts in sides(names).values())


def test_copies_of_one_photograph_share_its_group_across_laboratories():
    given = items()
    groups = {
        (i.lab, i.source): group for i, (group, _) in zip(given, split.assign(given, KAGGLE_IS_BCCD), strict=True)
    }
    assert groups["kaggle", "monocyte-3"] == groups["bccd", "monocyte-3"] == "bccd/monocyte-3"
    assert groups["kaggle", "monocyte-9"] == "kaggle/monocyte-9"


def test_a_copy_goes_where_its_photograph_goes():
    alone = {group: parts for group, parts in sides({}).items() if group.startswith("bccd/")}
    together = {group: parts for group, parts in sides(KAGGLE_IS_BCCD).items() if group.startswith("bccd/")}
    assert alone == together


@pytest.mark.parametrize("lab", CLASSES_OF)
def test_every_class_of_a_laboratory_is_tested_and_but_for_tecom_trained(lab):
    given = items()
    parts = defaultdict(set)
    for item, (_, part) in zip(given, split.assign(given, {}), strict=True):
        if item.lab == lab:
            parts[item.label].add(part)
    expected = {"test"} if lab == "tecom" else {"train", "test"}
    assert all(expected <= found for found in parts.values())
    assert lab != "tecom" or all(found == {"test"} for found in parts.values())


@pytest.mark.parametrize("lab", CLASSES_OF)
def test_each_split_has_its_share(lab):
    given = items()
    parts = [part for item, (_, part) in zip(given, split.assign(given, {}), strict=True) if item.lab == lab]
    test, validation = split.SHARES[lab]
    assert parts.count("test") / len(parts) == pytest.approx(test, abs=0.1)
    assert parts.count("validation") / len(parts) == pytest.approx(validation, abs=0.1)


def test_a_class_of_one_photograph_is_tested_never_trained():
    assert split.assign([Item(Path("a.jpg"), "lisc", "one", "basophil")], {}) == [("lisc/one", "test")]


def test_the_split_depends_neither_on_the_run_nor_on_the_order_of_files():
    given = items()
    first = dict(split.assign(given, KAGGLE_IS_BCCD))
    random.Random(4).shuffle(given)
    assert dict(split.assign(given, KAGGLE_IS_BCCD)) == first


def test_turned_copies_in_other_folders_are_linked_to_their_photograph(tmp_path):
    folder = labfolder.make(tmp_path)
    names = linked.groups(folder)
    assert names == linked.groups(folder)  # the second time from the cache
    shown = linked.by_path(folder, names)
    copies = {path: place for path, place in shown.items() if path.startswith("kaggle")}
    assert copies and set(copies.values()) == {"bccd/BloodImage_00000", "bccd/BloodImage_00001"}
    assert names["deepbionet", "monocyte-7"] == names["deepbionet", "field-000"]
    assert names["deepbionet", "neutrophil-7"] not in (names["deepbionet", "monocyte-7"], "")
    chosen = build.select(folder, names)
    sides = defaultdict(set)
    for group, part in split.assign(chosen, names):
        sides[group].add(part)
    assert all(len(parts) == 1 for parts in sides.values())
    assert {names[item.lab, item.source] for item in chosen if item.lab == "kaggle"} == set(copies.values())
    assert {item.path for item in chosen if item.lab == "bccd"} == {item.path for item in readers.bccd(folder)}
