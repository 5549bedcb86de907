"""Cells that have a box and no class, named by a network that is sure of them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import labfolder
import numpy as np
import pytest

pytest.importorskip("tensorflow")
import keras
from keras import layers

from leuko_edge.errors import UsageError
from leuko_edge.types import CLASSES
from leuko_train.cli import main
from leuko_train.data import cell_set, laboratories
from leuko_train.data.cell_set import STORED_SIZE
from leuko_train.evaluation import pseudo

KNOWN = ("pbc", "monocyte", "pbc/a", "test", "pbc/monocyte/a.jpg", 80.0, 80.0, 0.2, "red cells", True, "", "")


def trained(out: Path, says: str, logit: float) -> Path:
    """A run whose network names everything `says`."""
    out.mkdir()
    inputs = keras.Input((32, 32, 3))
    dense = layers.Dense(len(CLASSES), activation="softmax")
    model = keras.Model(inputs, dense(layers.GlobalAveragePooling2D()(inputs)))
    bias = np.where(np.array(CLASSES) == says, logit, 0.0)
    dense.set_weights([np.zeros((3, len(CLASSES))), bias])
    model.save(out / "model.keras")
    settings = {"network": "leuko-vgg16", "window_um": 24.0, "input_size": 32}
    (out / "report.json").write_text(json.dumps({"settings": settings, "temperature": 1.0}))
    return out


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three fields of 575 pixels: a cell in its box, a cell beside the box, and no box at all.

    Of the two sources `away` trains: its hash comes first.
    """
    root = tmp_path_factory.mktemp("data")
    (root / "raabin/labels").mkdir(parents=True)
    boxes = {"away": "0 0.5 0.5 0.3 0.3\n1 0.1 0.1 0.1 0.1\n", "beside": "0 0.1 0.1 0.1 0.1\n", "none": ""}
    for n, (name, text) in enumerate(boxes.items()):
        labfolder.save(root / f"raabin/images/{name}.jpg", labfolder.crop(80 + n, "neutrophil", 575))
        (root / f"raabin/labels/{name}.txt").write_text(text)
    return root


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    crops = np.full((1, STORED_SIZE, STORED_SIZE, 3), 200, np.uint8)
    cell_set.save(tmp_path / "cells", [KNOWN], [crops], {"pbc/monocyte/a.jpg": "pbc/a"})
    return tmp_path / "cells"


def enlarged(data: Path, cells: Path, run: Path, *more: str) -> int:
    out = cells.parent / "larger"
    return main(["pseudo", "--data", str(data), "--cells", str(cells), "--model", str(run), "--out", str(out), *more])


def test_a_cell_in_a_leukocytes_box_joins_the_set_to_train_under_the_name_it_was_given(data, cells, tmp_path, capsys):
    assert enlarged(data, cells, trained(tmp_path / "run", "eosinophil", 9.0)) == 0
    assert "1 of 1 cells taken: eosinophil 1" in capsys.readouterr().out
    larger = cell_set.load(tmp_path / "larger")
    assert larger.labs.tolist() == ["pbc", laboratories.GUESSED] and larger.splits.tolist() == ["test", "train"]
    assert CLASSES[larger.labels[1]] == "eosinophil" and larger.paths[1] == "raabin/images/away.jpg"
    assert larger.crops[1, 92:116, 92:116].min() < 140 and larger.crops[1].max() > 230  # a nucleus, and background
    np.testing.assert_array_equal(larger.crops[0], 200)
    assert larger.groups == {"pbc/monocyte/a.jpg": "pbc/a"}
    with open(cells / "cells.csv", newline="") as before, open(tmp_path / "larger/cells.csv", newline="") as after:
        assert list(csv.reader(after))[:2] == list(csv.reader(before))


@pytest.mark.parametrize(("says", "logit"), [("eosinophil", 3.0), ("artefact", 9.0), ("erythroblast", 9.0)])
def test_a_cell_that_is_doubted_or_no_leukocyte_is_not_taken(data, cells, tmp_path, says, logit):
    assert enlarged(data, cells, trained(tmp_path / "run", says, logit)) == 0
    assert cell_set.load(tmp_path / "larger").labs.tolist() == ["pbc"]


def test_the_confidence_asked_for_can_be_lowered(data, cells, tmp_path):
    assert enlarged(data, cells, trained(tmp_path / "run", "eosinophil", 3.0), "--confidence", "0.5") == 0
    assert len(cell_set.load(tmp_path / "larger").labs) == 2


def test_no_laboratory_is_judged_by_names_that_a_network_gave():
    assert pseudo.GUESSED not in laboratories.groups(["lisc", pseudo.GUESSED])


def test_a_set_that_has_them_already_and_a_folder_without_them_are_refused(data, cells, tmp_path, capsys):
    run = trained(tmp_path / "run", "eosinophil", 9.0)
    assert enlarged(tmp_path, cells, run) == UsageError.exit_code
    assert "no fields with boxes" in capsys.readouterr().err
    assert enlarged(data, cells, run) == 0
    (tmp_path / "larger").rename(tmp_path / "full")
    assert enlarged(data, tmp_path / "full", run) == UsageError.exit_code
    assert "already" in capsys.readouterr().err


def test_the_set_that_is_read_is_not_written_over(data, cells, tmp_path, capsys):
    before = (cells / "crops.npy").read_bytes()
    words = ["pseudo", "--data", str(data), "--cells", str(cells), "--model", "any", "--out", f"{cells}/../cells"]
    assert main(words) == UsageError.exit_code
    assert "another folder" in capsys.readouterr().err
    assert (cells / "crops.npy").read_bytes() == before
