"""Photographs that show a part of the slide twice: the cells in both are counted once, and it is said."""

import json

import cv2
import numpy as np
import pytest
from laid import body, lay

from leuko_edge.cli import count, main
from leuko_edge.mapping.overlap import Photographs
from leuko_edge.model.classify import FixedClassifier
from leuko_edge.store.archive import Archive

UM = 0.1
PLACES = [(20.0, 40.0), (52.0, 24.0), (72.0, 48.0), (88.0, 24.0)]  # µm
LEFT, RIGHT = (0, 0), (360, 60)  # corners of two photographs of 640×480, px


@pytest.fixture(scope="module")
def slide() -> np.ndarray:
    return lay([(body("neutrophil", n), x, y) for n, (x, y) in enumerate(PLACES)], 1100, 760)


def view(slide: np.ndarray, corner: tuple[int, int], light: float = 1.0) -> np.ndarray:
    x, y = corner
    noise = np.random.default_rng(x).normal(0, 2, (480, 640, 3))
    return np.clip(light * slide[y : y + 480, x : x + 640] + noise, 0, 255).astype(np.uint8)


def centres(corner: tuple[int, int]) -> list[tuple[float, float]]:
    seen = [(x / UM - corner[0], y / UM - corner[1]) for x, y in PLACES]
    return [(x, y) for x, y in seen if 0 < x < 640 and 0 < y < 480]


def test_cells_that_an_earlier_photograph_shows_are_known_by_their_place_whatever_the_light(slide):
    photographs = Photographs()
    assert photographs.add("left", view(slide, LEFT), UM, centres(LEFT), [True] * 2)[0] == []
    shared, known = photographs.add("right", view(slide, RIGHT, 0.8), UM, centres(RIGHT), [True] * 3)
    assert [(one.name, one.cells) for one in shared] == [("left", 1)]
    assert known.tolist() == [True, False, False]  # the middle one; the two others lie outside the left photograph


def test_a_cell_that_only_the_later_photograph_could_name_is_not_given_yet(slide):
    photographs = Photographs()
    photographs.add("left", view(slide, LEFT), UM, centres(LEFT), [True, False])
    assert not photographs.add("right", view(slide, RIGHT), UM, centres(RIGHT), [True] * 3)[1].any()


def test_another_scale_another_size_and_another_place_are_no_overlap(slide):
    photographs = Photographs()
    photographs.add("left", view(slide, LEFT), UM, centres(LEFT), [True] * 2)
    elsewhere = lay([(body("neutrophil", 9), x, y) for x, y in PLACES[:2]], 640, 480, seed=5)
    for bgr, um_per_px in (
        (view(slide, RIGHT), 2 * UM),
        (np.ascontiguousarray(view(slide, RIGHT)[:, :600]), UM),
        (elsewhere, UM),
    ):
        assert photographs.add("other", bgr, um_per_px, centres(LEFT), [True] * 2)[0] == []


def test_of_overlapping_photographs_each_cell_is_counted_once_and_it_is_said(slide, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(count.Classifier, "from_path", lambda *_, **__: FixedClassifier("neutrophil"))
    folder = tmp_path / "slide"
    folder.mkdir()
    for name, corner in (("a.png", LEFT), ("b.png", RIGHT)):
        cv2.imwrite(str(folder / name), view(slide, corner))
    report = tmp_path / "r.json"
    assert main.main(["--image", str(folder), "--um-per-px", str(UM), "--json", str(report), "--quiet"]) == 0
    said = json.loads(report.read_text())
    assert said["differential"]["counted"] == len(PLACES)
    assert [image.get("overlaps") for image in said["images"]] == [None, [{"path": f"{folder}/a.png", "cells": 1}]]
    assert sum(cell.get("repeated", False) for cell in said["images"][1]["cells"]) == 1
    assert said["warnings"] == ["1 photograph shows cells of an earlier one, which are counted once"]
    assert f"b.png: it overlaps {folder}/a.png; 1 cell of it is counted there" in capfd.readouterr().err


def test_a_session_of_overlapping_photographs_holds_each_cell_once_and_its_history_says_so(
    slide, tmp_path, monkeypatch
):
    monkeypatch.setattr(count.Classifier, "from_path", lambda *_, **__: FixedClassifier("neutrophil"))
    for name, corner in (("a.png", LEFT), ("b.png", RIGHT)):
        cv2.imwrite(str(tmp_path / name), view(slide, corner))
    database = str(tmp_path / "s.sqlite3")
    pictures = [str(tmp_path / name) for name in ("a.png", "b.png")]
    assert main.main(["--image", *pictures, "--um-per-px", str(UM), "--database", database, "--quiet"]) == 0
    with Archive(database) as archive:
        record = archive.record(1)
    assert len(record.cells) == len(PLACES)
    assert [event.text for event in record.events if event.kind == "overlap"]
