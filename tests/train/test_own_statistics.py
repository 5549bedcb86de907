"""A network under the statistics of a laboratory that it never saw, from folders as `travel` leaves them."""

import json
from dataclasses import asdict

import numpy as np
import pytest

pytest.importorskip("keras", reason="training needs leuko-edge[train]")
import keras
from keras import layers
from made_cells import made_cells
from made_networks import tiny

from leuko_edge.errors import UsageError
from leuko_edge.types import CLASSES
from leuko_train.cli import main
from leuko_train.data import cell_set
from leuko_train.data.augment import Window
from leuko_train.data.views import identity_view
from leuko_train.network.vgg16 import CONFIGS, Network
from leuko_train.training.settings import Settings

WINDOW = Window(24.0, 32)
SHARP = 200.0


@pytest.fixture
def cells(monkeypatch):
    made = made_cells(144)
    monkeypatch.setattr(cell_set, "load", lambda folder: made)
    monkeypatch.setitem(CONFIGS, "tiny", Network(tiny, 255.0, trunk=""))
    return made


def nearest_colour(cells, rows):
    """A network that names a cell by its mean colour, normalised by a batch normalisation that was never trained."""
    colours = identity_view(cells.crops, WINDOW, rows).mean((1, 2)) / 255
    five = colours[cells.labels[rows] < 5]
    standard = (colours - five.mean(0)) / np.sqrt(five.var(0) + 1e-3)
    middles = np.stack([standard[cells.labels[rows] == label].mean(0) for label in range(9)], axis=1)
    kernel, bias = np.zeros((3, len(CLASSES))), np.full(len(CLASSES), -1e4)
    kernel[:, :9], bias[:9] = 2 * SHARP * middles, -SHARP * (middles**2).sum(0)
    stack = [keras.Input((32, 32, 3)), layers.Rescaling(1 / 255), layers.GlobalAveragePooling2D()]
    model = keras.Sequential([*stack, layers.BatchNormalization(), layers.Dense(len(CLASSES), activation="softmax")])
    model.layers[-1].set_weights([kernel, bias])
    return model


def travelled(out, model, cells, rows):
    """The folder that `travel` would have left of the model without the laboratory north."""
    folder = out / "as-told" / "north"
    folder.mkdir(parents=True)
    model.save(folder / "model.keras")
    settings = asdict(Settings(network="tiny", input_size=32, window_um=24.0)) | {"data_sha256": cells.sha256}
    report = {"temperature": 1.0, "confidence_threshold": 0.2, "settings": settings, "classes": CLASSES}
    (folder / "report.json").write_text(json.dumps(report))
    raw = model.predict(identity_view(cells.crops, WINDOW, rows).astype(np.float32), verbose=0)
    np.savez(folder / "answers.npz", rows=rows, raw=raw)
    return ["own-statistics", "--cells", "CELLS", "--left-out", "north", "--out", str(out)]


def test_a_network_that_needs_the_laboratory_s_own_statistics_is_right_under_them_alone(cells, tmp_path, capsys):
    north = np.flatnonzero(cells.labs == "north")
    assert main(travelled(tmp_path, nearest_colour(cells, north), cells, north)) == 0
    lines = [line.split("|") for line in capsys.readouterr().out.splitlines() if "| north | north |" in line]
    right = {line[3].strip(): float(line[5]) for line in lines}
    assert list(right) == ["the training's", "its own, classes alike", "its own, a normal smear"]
    assert right["the training's"] < 50 and right["its own, classes alike"] == 100
    assert right["its own, a normal smear"] < 100  # another mixture, so other statistics


def test_a_network_without_normalisation_is_refused(cells, tmp_path, capsys):
    north = np.flatnonzero(cells.labs == "north")
    assert main(travelled(tmp_path, tiny(len(CLASSES), 32), cells, north)) == UsageError.exit_code
    assert "has no statistics to take" in capsys.readouterr().err
