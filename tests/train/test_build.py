"""The cell set, cut from a small laboratories' folder by the device's own code."""

from __future__ import annotations

import csv
import shutil
from collections import defaultdict
from functools import partial
from pathlib import Path

import cv2
import labfolder
import numpy as np
import pytest
from laid import body, lay

from leuko_edge.errors import PictureError, UsageError
from leuko_edge.types import CLASSES
from leuko_edge.vision.crop import WHITE
from leuko_train.data import build, cell_set, laboratories, simulated
from leuko_train.data.cell_set import CellSet
from leuko_train.data.items import Box, Item


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return labfolder.make(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def built(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[CellSet, Path]:
    out = tmp_path_factory.mktemp("out") / "cells"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulated, "rows", partial(simulated.rows, fields=1))
        return build.build(data, out, workers=1), out


def rows_of(cells: CellSet, lab: str) -> list[tuple[str, str, str]]:
    here = np.flatnonzero(cells.labs == lab)
    return [(Path(cells.paths[n]).name, CLASSES[cells.labels[n]], str(cells.splits[n])) for n in here]


def test_a_loaded_set_is_the_one_that_was_built(built):
    cells, out = built
    again = cell_set.load(out)
    assert again.sha256 == cells.sha256 and len(again.sha256) == 64
    np.testing.assert_array_equal(again.crops, cells.crops)
    for name in ("labels", "labs", "sources", "splits", "paths", "found"):
        np.testing.assert_array_equal(getattr(again, name), getattr(cells, name))


def test_crops_are_208_pixels_of_rgb_and_every_column_has_a_row_for_each(built):
    cells, _ = built
    count = len(cells.labels)
    assert cells.crops.shape == (count, 208, 208, 3) and cells.crops.dtype == np.uint8
    assert count > 20
    assert all(len(getattr(cells, name)) == count for name in ("labs", "sources", "splits", "paths", "found"))
    assert cells.labels.min() >= 0 and cells.labels.max() < len(CLASSES) and cells.found.dtype == bool


def test_any_change_of_either_file_changes_the_hash(built, tmp_path):
    cells, out = built
    for name, old, new in (("cells.csv", b",test,", b",train,"), ("crops.npy", None, None)):
        copy = tmp_path / name
        shutil.copytree(out, copy)
        content = bytearray((copy / name).read_bytes())
        if old is None:
            content[-1] ^= 1
        else:
            content = content.replace(old, new, 1)
        (copy / name).write_bytes(content)
        assert cell_set.load(copy).sha256 != cells.sha256


def test_every_laboratory_is_in_it_and_no_source_is_on_two_sides(built):
    cells, _ = built
    assert set(cells.labs) == set(laboratories.LABORATORIES) - {laboratories.GUESSED}
    sides = defaultdict(set)
    for source, part in zip(cells.sources, cells.splits, strict=True):
        sides[source].add(part)
    assert all(len(parts) == 1 for parts in sides.values())


def test_turned_copies_are_on_the_side_of_their_photograph(built):
    cells, _ = built
    kaggle = cells.labs == "kaggle"
    assert set(cells.sources[kaggle]) == {"bccd/BloodImage_00000", "bccd/BloodImage_00001"}
    field = set(cells.sources[[path.endswith("fields/images/000.jpg") for path in cells.paths]])
    assert field and field == set(cells.sources[["monocyte/7__" in path for path in cells.paths]])


def test_drawn_cells_only_train(built):
    cells, _ = built
    assert set(cells.splits[cells.labs == "simulated"]) == {"train"}


def test_no_more_copies_of_a_photograph_are_taken_than_allowed(built):
    cells, _ = built
    paths = {path for path in cells.paths if "NEUTROPHIL/_0_" in path}
    assert 1 <= len(paths) <= build.COPIES < 8


def test_the_boxed_cell_of_a_field_gets_the_fields_class_and_the_red_cell_is_an_artefact(built):
    cells, _ = built
    found = rows_of(cells, "bccd")
    for n, label in enumerate(labfolder.FIELDS):
        labels = [row[1] for row in found if row[0] == f"BloodImage_{n:05d}.jpg"]
        assert labels.count(label) == 1 and "artefact" in labels
    both = [row[1] for row in found if row[0] == "BloodImage_00006.jpg"]
    assert both and not {"neutrophil", "lymphocyte"} & set(both)  # which of the two is which, nobody says


def test_the_cell_in_the_middle_gets_the_folders_class(built):
    cells, _ = built
    assert {row[1] for row in rows_of(cells, "pbc")} == {"immature_granulocyte", "erythroblast", "eosinophil"}
    assert len(rows_of(cells, "pbc")) == 9 and len(rows_of(cells, "lisc")) == 4
    assert {row[2] for row in rows_of(cells, "tecom")} == {"test"}


def test_each_leukocytes_crop_has_its_nucleus_in_the_middle_and_white_around(built):
    cells, _ = built
    for crop, label in zip(cells.crops, cells.labels, strict=True):
        if CLASSES[label] in ("platelet", "artefact", "smudge"):
            continue
        assert crop[80:128, 80:128, 1].min() < 140
        assert (crop.min(axis=2) > WHITE - 25).mean() > 0.1


def test_paths_are_relative_to_the_data(built, data):
    cells, _ = built
    real = [path for path, lab in zip(cells.paths, cells.labs, strict=True) if lab != "simulated"]
    assert real and all((data / path).is_file() and not Path(path).is_absolute() for path in real)


def test_the_table_says_where_each_cell_was_cut(built, data):
    _, out = built
    with open(out / "cells.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        assert float(row["um_per_px"]) > 0 and row["scale_origin"] in ("red cells", "pooled", "assumed")
        if row["lab"] != "simulated":
            height, width = build.read(data / row["path"]).shape[:2]
            assert 0 <= float(row["x"]) <= width and 0 <= float(row["y"]) <= height


def test_cutting_a_picture_twice_gives_the_same_rows_and_crops(data):
    item = next(item for item in build.select(data, {}) if item.lab == "bccd")
    first, again = (build.cut_item((item, "g", "test"), data, {}) for _ in range(2))
    assert [cell.row for cell in first] == [cell.row for cell in again]
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(first, again, strict=True))


def test_a_normalisation_that_is_left_out_leaves_the_picture_as_it_is(tmp_path):
    bgr = (lay([(body("monocyte"), 30, 30)], 600, 600) * np.array([0.6, 0.8, 0.7])).astype(np.uint8)
    path = tmp_path / "one.png"
    labfolder.save(path, bgr)
    item = Item(path, "some", "one", label="monocyte")
    task, pooled = (item, "some/one", "train"), {("some", bgr.shape[:2]): 0.1}
    (_, whole, _), *_ = build.cut_item(task, tmp_path, pooled)
    (_, raw, _), *_ = build.cut_item(task, tmp_path, pooled, ["white"])
    brightest = (np.percentile(rgb.reshape(-1, 3), 90, axis=0) for rgb in (whole, raw, bgr[:, :, ::-1]))
    whole_light, raw_light, light = brightest
    assert np.abs(whole_light - WHITE).max() < 8 and np.abs(raw_light - light).max() < 4 < np.ptp(light)
    (row, other, _), *_ = build.cut_item(task, tmp_path, pooled, ["scale"])
    assert row.um_per_px == build.UNSCALED != 0.1 and not np.array_equal(other, whole)


def test_the_selection_is_the_same_every_time_and_prefers_untouched_photographs(data):
    chosen = build.select(data, {})
    assert chosen == build.select(data, {})
    originals = [item.original for item in chosen if item.lab == "deepbionet" and item.label == "monocyte"]
    assert originals == sorted(originals, reverse=True)


def cut_one(tmp_path: Path, bgr: np.ndarray, pooled: float = 0.1, **more: object) -> list[str]:
    """The classes that `cut_item` makes of one picture."""
    path = tmp_path / "one.png"
    labfolder.save(path, bgr)
    item = Item(path, "some", "one", **more)  # type: ignore[arg-type]
    taken = build.cut_item((item, "some/one", "train"), tmp_path, {("some", bgr.shape[:2]): pooled})
    return sorted(row.label for row, _, _ in taken)


def test_a_fields_class_goes_to_its_one_clear_cell_and_to_none_of_two(tmp_path):
    one = lay([(body("monocyte"), 20, 20)], 400, 400)
    two = lay([(body("monocyte", 1), 12, 20), (body("monocyte", 2), 30, 20)], 400, 400)
    assert cut_one(tmp_path, one, label="monocyte") == ["monocyte"]
    assert cut_one(tmp_path, two, label="monocyte") == []


def test_a_centred_cell_that_is_not_found_is_cut_from_the_middle(tmp_path):
    empty = lay([(body("lymphocyte"), 6, 6)], 400, 400)
    assert cut_one(tmp_path, empty, label="platelet", centred=True) == ["platelet"]


def test_a_candidate_outside_every_box_is_an_artefact_and_one_in_a_platelets_box_a_platelet(tmp_path):
    bgr = lay([(body("lymphocyte", 1), 10, 10), (body("lymphocyte", 2), 30, 30)], 400, 400)
    boxes = (Box("wbc", 50, 50, 150, 150),)
    assert cut_one(tmp_path, bgr, label="lymphocyte", boxes=boxes) == ["artefact", "lymphocyte"]
    boxes = (*boxes, Box("platelet", 250, 250, 350, 350))
    assert set(cut_one(tmp_path, bgr, label="lymphocyte", boxes=boxes)) == {"lymphocyte", "platelet"}


@pytest.mark.parametrize("content", ["black", "torn"])
def test_a_picture_that_cannot_be_used_gives_no_rows_and_stops_nothing(tmp_path, content):
    path = tmp_path / "one.jpg"
    path.write_bytes(cv2.imencode(".jpg", np.zeros((200, 200, 3), np.uint8))[1] if content == "black" else b"torn")
    item = Item(path, "some", "one", "monocyte", centred=True)
    assert build.cut_item((item, "some/one", "train"), tmp_path, {}) == []


def test_a_file_that_is_no_picture_is_named(tmp_path):
    (tmp_path / "x.jpg").write_text("no picture")
    with pytest.raises(PictureError, match=r"x\.jpg cannot be read"):
        build.read(tmp_path / "x.jpg")


def test_a_folder_without_a_set_is_refused_with_the_command_that_makes_one(tmp_path):
    with pytest.raises(UsageError, match="holds no cell set; make one with: leuko-train cells"):
        cell_set.load(tmp_path)


def test_the_summary_names_each_laboratory_split_and_class(built):
    cells, _ = built
    lines = list(cell_set.summary(cells))
    assert any(line.startswith("tecom test: neutrophil 1, lymphocyte 1;") for line in lines)
    assert sum(line.startswith("bccd ") for line in lines) == len(set(cells.splits[cells.labs == "bccd"]))
