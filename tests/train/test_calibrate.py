"""`leuko-train calibrate` on networks as `fit` and `travel` leave them, here with random weights."""

import json

import numpy as np
import pytest

pytest.importorskip("tensorflow")
import keras
from keras import layers
from made_cells import made_cells

from leuko_edge.errors import UsageError
from leuko_edge.types import CLASSES
from leuko_train import cli
from leuko_train.calibration import calibrate, novelty
from leuko_train.network.vgg16 import CONFIGS, Network
from leuko_train.travel import pieces

SETTINGS = {"network": "tiny", "window_um": 24.0, "input_size": 32, "seed": 1, "validation_cap": 80}


def network(seed: int) -> keras.Model:
    keras.utils.set_random_seed(seed)
    stack = [keras.Input((32, 32, 3)), layers.Rescaling(1 / 255), layers.Conv2D(6, 3, strides=4, activation="relu")]
    stack += [layers.GlobalMaxPooling2D(), layers.Dense(8, activation="relu"), layers.Dropout(0.3)]
    return keras.Sequential([*stack, layers.Dense(len(CLASSES), activation="softmax")])


def trained(folder, seed, exclude=()):
    folder.mkdir(parents=True)
    network(seed).save(folder / "model.keras")
    settings = SETTINGS | {"exclude_labs": list(exclude), "data_sha256": made_cells().sha256}
    report = {"settings": settings, "temperature": 1.0, "confidence_threshold": 0.5}
    (folder / "report.json").write_text(json.dumps(report))
    return folder


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """(a run, a folder of finished travel)."""
    monkeypatch.setitem(CONFIGS, "tiny", Network(None, 255.0))
    monkeypatch.setattr(calibrate.cell_set, "load", lambda _: made_cells())
    cells = made_cells()
    for number, lab in enumerate(("north", "south")):
        folder = trained(tmp_path / "travel" / "as-told" / lab, number, (lab,))
        np.savez(folder / pieces.ANSWERS, rows=np.flatnonzero(cells.labs == lab), raw=np.zeros((36, 9)))
    return trained(tmp_path / "run", 2), tmp_path / "travel"


def command(run, *more):
    return cli.main(["calibrate", "--cells", "cells", "--model", str(run), *map(str, more)])


def test_both_limits_are_chosen_on_the_laboratories_that_were_left_out(folders, capsys):
    run, travel = folders
    assert command(run, "--travel", travel) == 0
    said = capsys.readouterr().out
    assert "| left out | north | 36 |" in said and "| left out | south | 36 |" in said and "| known | south |" in said
    written = json.loads((run / "calibration.json").read_text())
    assert written["turns"] == 4 and written["doubt"]["chosen_on"] == ["north", "south"]
    assert 0 <= written["confidence_threshold"] < 1 and written["distance_threshold"] > 0
    assert 0.05 <= written["warn_share"] <= 1
    shares = [one["leukocytes_aside"] for one in written["doubt"]["left out"].values()]
    assert np.mean(shares) <= 0.1
    assert novelty.load(run).kernel.shape[0] == 8


def test_without_them_both_are_of_validation_cells_whose_median_distance_is_one(folders, capsys):
    run, _ = folders
    assert command(run, "--turns", "1") == 0
    written = json.loads((run / "calibration.json").read_text())
    assert written["doubt"]["chosen_on"] == "validation cells" and written["doubt"]["left out"] == {}
    assert written["distance_threshold"] >= 1 and written["tried"].keys() == {"1", "2", "4", "8"}
    known = written["doubt"]["known"]
    assert sum(one["cells"] for one in known.values()) == written["cells"] == 18


def test_a_folder_without_finished_networks_is_refused(folders, tmp_path, capsys):
    assert command(folders[0], "--travel", tmp_path / "run") == UsageError.exit_code
    assert "no finished network" in capsys.readouterr().err
    assert not (folders[0] / "calibration.json").exists()


def test_networks_of_another_cell_set_are_refused(folders, capsys):
    run, travel = folders
    path = travel / "as-told" / "north" / "report.json"
    path.write_text(path.read_text().replace(made_cells().sha256, "cd" * 32))
    assert command(run, "--travel", travel) == UsageError.exit_code
    assert "another cell set" in capsys.readouterr().err


def test_laboratories_left_out_together_are_asked_one_by_one(folders, tmp_path, monkeypatch, capsys):
    run, _ = folders
    cells = made_cells()
    cells.labs = np.where(np.arange(72) // 9 % 4 == 3, "west", cells.labs)
    monkeypatch.setattr(calibrate.cell_set, "load", lambda _: cells)
    folder = trained(tmp_path / "other" / "as-told" / "south+west", 3, ("south", "west"))
    rows = np.flatnonzero(cells.labs != "north")
    np.savez(folder / pieces.ANSWERS, rows=rows, raw=np.zeros((len(rows), 9)))
    assert command(run, "--travel", tmp_path / "other") == 0
    assert "| left out | south | 18 |" in capsys.readouterr().out
    assert json.loads((run / "calibration.json").read_text())["doubt"]["chosen_on"] == ["south", "west"]


def test_the_distance_of_a_converted_network_can_be_kept_while_its_turns_change(folders, capsys):
    run, travel = folders
    assert command(run, "--travel", travel, "--turns", "2") == 0
    before = novelty.load(run)
    assert command(run, "--travel", travel, "--turns", "1", "--keep-directions") == 0
    np.testing.assert_array_equal(novelty.load(run).kernel, before.kernel)
    np.testing.assert_array_equal(novelty.load(run).centres, before.centres)
    assert json.loads((run / "calibration.json").read_text())["turns"] == 1


def test_a_distance_that_was_never_fitted_cannot_be_kept(folders, capsys):
    run, _ = folders
    assert command(run, "--turns", "1", "--keep-directions") == 2
    assert "was not calibrated before" in capsys.readouterr().err
