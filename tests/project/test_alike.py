"""The arm64 lab's comparison of two results; the lab itself, tests/device/arm.py, is run by hand."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import pytest


@pytest.fixture
def alike(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "device"))
    import alike

    return alike


@pytest.fixture
def here():
    cells = [
        {"id": 1, "box": [100, 80, 60, 60], "label": "neutrophil", "confidence": 0.97, "counted": True},
        {"id": 2, "box": [400, 300, 50, 70], "label": "monocyte", "confidence": 0.64, "counted": True},
    ]
    quality = {"focus": 0.2, "counted": True, "reason": None}
    return {"images": [{"path": "/here/a.png", "um_per_px": 0.1, "quality": quality, "cells": cells}]}


@pytest.fixture
def there(here):
    """The same, from another folder."""
    result = copy.deepcopy(here)
    result["images"][0]["path"] = "/there/a.png"
    return result


def test_the_same_cells_are_alike_whichever_folder_they_come_from_and_in_whatever_order(alike, here, there):
    there["images"][0]["cells"].reverse()
    likeness = alike.compare(here, there)
    assert not likeness.faults and (likeness.pictures, likeness.cells) == (1, 2)
    assert likeness.confidence == likeness.pixels == likeness.scale == 0


def test_rounding_is_alike_and_its_largest_difference_is_told(alike, here, there):
    there["images"][0]["um_per_px"] = 0.101
    there["images"][0]["cells"][0] |= {"box": [101, 80, 59, 60], "confidence": 0.96}
    likeness = alike.compare(here, there)
    assert not likeness.faults
    assert likeness.confidence == pytest.approx(0.01) and likeness.pixels == 1 and likeness.scale == pytest.approx(0.01)
    assert "confidence 0.0100" in likeness.words() and "box 1 px" in likeness.words() and "1.00%" in likeness.words()


FAULTS = {
    "another name": (0, {"label": "lymphocyte"}, "cell 1: neutrophil here, lymphocyte there"),
    "another confidence": (0, {"confidence": 0.9}, "0.97 here, 0.9 there"),
    "another outline": (0, {"box": [103, 80, 60, 60]}, r"\[103, 80, 60, 60\] there"),
    "another place": (1, {"box": [700, 300, 50, 70]}, "no monocyte at .*400.* there; .*no monocyte at .*700.* here"),
    "a doubt that is no rounding": (0, {"label": "unidentified", "confidence": 0.6}, "unidentified there"),
}


@pytest.mark.parametrize(("cell", "change", "sentence"), FAULTS.values(), ids=FAULTS)
def test_what_is_not_alike_is_said(alike, here, there, cell, change, sentence):
    there["images"][0]["cells"][cell] |= change
    faults = alike.compare(here, there).faults
    assert faults
    assert re.search(sentence, "; ".join(faults))


def test_a_cell_that_is_only_there_and_one_that_is_only_here_are_both_faults(alike, here, there):
    del there["images"][0]["cells"][1]
    assert alike.compare(here, there).faults == ["a.png: no monocyte at [400, 300, 50, 70] there"]
    assert alike.compare(there, here).faults == ["a.png: no monocyte at [400, 300, 50, 70] here"]


def test_a_cell_on_the_edge_of_being_named_is_told_and_is_alike(alike, here, there):
    there["images"][0]["cells"][1] |= {"label": "unidentified", "confidence": 0.62}
    likeness = alike.compare(here, there)
    assert not likeness.faults and "monocyte here, unidentified there" in likeness.words()


def test_another_picture_and_another_reason_to_leave_one_out_are_faults(alike, here, there):
    there["images"][0]["quality"]["reason"] = "defocused"
    assert alike.compare(here, there).faults == ["a.png: None here, defocused there"]
    there["images"][0]["path"] = "b.png"
    assert alike.compare(here, there).faults == ["pictures ['a.png'] and ['b.png']"]
