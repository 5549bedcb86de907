"""Recall and precision in boxed fields: every box and every candidate is counted once."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import labfolder
import numpy as np
import pytest
from laid import body, lay

from leuko_edge.model.classify import FixedClassifier
from leuko_edge.types import Cell, CountedCell, Prediction
from leuko_train.data import build, linked, split
from leuko_train.data.readers import Box, Item
from leuko_train.evaluation import detect, held_out, looked_at
from leuko_train.evaluation.detect import Found, match, measure
from leuko_train.evaluation.looked_at import Remark
from leuko_train.metrics.detection import Detection

OUTLINE = np.array([[0, 0], [1, 0], [1, 1]], np.int32)


@pytest.fixture(autouse=True)
def finder_of_no_pictures(monkeypatch):
    """The drawn folder's names are those of pictures that the shipped finder learnt from."""
    monkeypatch.setattr(held_out, "finder_pictures", frozenset)


def cell(x: float, y: float) -> CountedCell:
    return CountedCell(1, Cell((0, 0, 1, 1), (x, y), OUTLINE), Prediction("neutrophil", 0.9, (0.9, 0.1)), True)


def box(left: float, top: float, side: float = 10) -> Box:
    return Box("wbc", left, top, left + side, top + side)


@pytest.mark.parametrize(
    ("boxes", "cells", "expected"),
    [
        ([box(0, 0)], [cell(5, 5)], (1, 0)),
        ([box(0, 0)], [], (0, 0)),
        ([], [cell(5, 5)], (0, 1)),
        ([box(0, 0)], [cell(5, 5), cell(6, 6)], (1, 1)),  # the second in the same box is false
        ([box(0, 0), box(2, 2)], [cell(5, 5)], (1, 0)),  # one candidate is not two hits
        ([box(0, 0), box(2, 2)], [cell(5, 5), cell(6, 6)], (2, 0)),
        ([box(0, 0), box(50, 50)], [cell(55, 55), cell(5, 5), cell(30, 30)], (2, 1)),
        ([box(0, 0)], [cell(10, 10)], (1, 0)),  # on the edge is inside
        ([box(0, 0)], [cell(10.1, 5)], (0, 1)),
    ],
)
def test_each_box_and_each_candidate_is_counted_once(boxes, cells, expected):
    assert match(boxes, cells) == expected


def test_a_box_takes_the_candidate_nearest_its_middle_and_leaves_the_other_to_its_neighbour():
    assert match([box(0, 0), box(8, 0)], [cell(9, 5), cell(5, 5)]) == (2, 0)


def test_recall_and_precision_are_shares_and_defined_for_nothing():
    found = Found("x", fields=2, true=8, hits=6, false=2)
    assert found.recall == 0.75 and found.precision == 0.75
    assert Found("x").recall == 0 and Found("x").precision == 0


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    """Two fields: two boxed cells, and one boxed beside one that no box is around."""
    places = [(body("lymphocyte", n), 15 + 25 * n, 20) for n in range(2)]
    labfolder.save(tmp_path / "a.png", lay(places, 640, 480))
    labfolder.save(tmp_path / "b.png", lay(places, 640, 480, seed=2))
    both = tuple(Box("wbc", x - 60, 140, x + 60, 260) for x in (150, 400))
    red = Box("rbc", 0, 0, 640, 480)  # boxes of red cells are no hits
    return [
        Item(tmp_path / "a.png", "some", "a", boxes=(*both, red)),
        Item(tmp_path / "b.png", "some", "b", boxes=(both[0], red)),
    ]


def test_hits_and_false_ones_are_counted_over_all_fields(items):
    found = measure("some", items, FixedClassifier("neutrophil"))
    assert (found.fields, found.true, found.hits, found.false) == (2, 3, 3, 1)
    assert (found.raw_hits, found.raw_false) == (3, 1)


def test_what_the_classifier_sets_aside_is_not_found(items):
    found = measure("some", items, FixedClassifier("artefact"))
    assert (found.hits, found.false, found.raw_hits, found.raw_false) == (0, 0, 3, 1)
    found = measure("some", items, FixedClassifier("lymphocyte", "platelet"))  # the left, then the right one
    assert (found.hits, found.false) == (2, 0)


def test_a_cell_of_which_the_class_is_not_known_is_still_found(items):
    assert measure("some", items, FixedClassifier("unidentified")).hits == 3


def test_the_cells_of_a_field_that_cannot_be_counted_are_missed_not_left_out(items, tmp_path):
    (tmp_path / "torn.png").write_bytes(b"torn")
    whole = measure("some", items, FixedClassifier("neutrophil"))
    torn = replace(items[0], path=tmp_path / "torn.png")
    found = measure("some", [*items, torn], FixedClassifier("neutrophil"))
    lost = sum(box.kind == "wbc" for box in torn.boxes)
    assert lost and (found.true, found.hits, found.fields) == (whole.true + lost, whole.hits, whole.fields + 1)


def test_the_held_out_fields_are_those_that_no_training_saw(tmp_path):
    folder = labfolder.make(tmp_path)
    names = linked.groups(folder)
    chosen = build.select(folder, names)
    side = {i.path: part for i, (_, part) in zip(chosen, split.assign(chosen, names), strict=True)}
    fields = held_out.fields(folder)
    assert {"bccd", "deepbionet"} <= set(fields)
    held = {item.path for items in fields.values() for item in items}
    assert held == {item.path for item in chosen if item.boxes is not None and side[item.path] == "test"}
    boxed = [item for item in chosen if item.lab == "bccd" and item.boxes is not None]
    assert len(fields["bccd"]) == sum(side[item.path] == "test" for item in boxed)
    assert math.isclose(len(fields["bccd"]) / len(boxed), 0.6, abs_tol=0.3)


def test_a_field_of_which_the_network_saw_a_copy_is_left_out(tmp_path):
    folder, run = labfolder.make(tmp_path / "data"), tmp_path / "run"
    before = held_out.fields(folder)["bccd"]
    run.mkdir()
    (run / "seen.txt").write_text(f"{before[0].path.relative_to(folder)}\n")
    assert held_out.fields(folder, run)["bccd"] == before[1:]


def test_a_field_that_the_finder_learnt_from_is_left_out(tmp_path, monkeypatch):
    folder = labfolder.make(tmp_path)
    before = held_out.fields(folder)["bccd"]
    learnt = frozenset({before[0].where(folder)})
    monkeypatch.setattr(held_out, "finder_pictures", lambda: learnt)
    assert held_out.fields(folder)["bccd"] == before[1:]


def test_without_a_field_to_measure_there_is_a_sentence_and_no_figure(tmp_path, capsys):
    from leuko_train import cli

    assert cli.main(["detect", "--data", str(tmp_path), "--json", str(tmp_path / "r.json")]) == 3
    out, err = capsys.readouterr()
    assert out == "" and "holds no field with boxes" in err and not (tmp_path / "r.json").exists()


def test_a_box_that_holds_no_cell_is_not_missed_and_a_cell_without_a_box_is_not_false():
    remarks = [
        Remark(box(100.4, 100), looked_at.Kind.NO_CELL, "platelet"),
        Remark(box(50, 50), looked_at.Kind.UNBOXED, "white cell"),
    ]
    found = Detection("some")
    detect._look(found, [box(0, 0), box(100, 100)], [cell(5, 5), cell(55, 55), cell(30, 30)], remarks)
    assert (found.true, found.hits, found.false) == (1, 1, 1)


def test_what_was_looked_at_is_read_whole_with_what_is_there():
    remarks = [remark for seen in looked_at.read().values() for remark in seen]
    assert remarks and all(r.what and r.box.right > r.box.left and r.box.bottom > r.box.top for r in remarks)


@pytest.mark.parametrize(("at", "expected"), [((0, 0, 10, 10), 1.0), ((0, 0, 10, 5), 0.5), ((20, 0, 10, 10), 0.0)])
def test_overlap_is_intersection_over_union(at, expected):
    one = replace(cell(0, 0), cell=Cell(at, (0, 0), OUTLINE))
    assert detect.overlap(box(0, 0), one) == pytest.approx(expected)
