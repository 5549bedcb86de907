import json
import shutil
from functools import partial

import numpy as np
import pytest

pytest.importorskip("tensorflow")
import keras
from keras import layers
from made_cells import made_cells
from made_networks import tiny

from leuko_edge.errors import UsageError
from leuko_edge.types import CLASSES
from leuko_train import cli
from leuko_train.calibration import calibrate
from leuko_train.data.augment import Window
from leuko_train.evaluation import evaluate
from leuko_train.network.vgg16 import CONFIGS, Network
from leuko_train.training.fit import MAY_GO_ON, compiled, fit
from leuko_train.training.runs import built
from leuko_train.training.settings import Settings, weights

TINY = {
    "network": "tiny",
    "trunk": "cut",
    "input_size": 32,
    "views": 16,
    "batch": 4,
    "warmup": 0,
    "validation_cap": 1,
    "ema": 0.5,
}


@pytest.fixture(scope="module", autouse=True)
def tiny_network():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CONFIGS, "tiny", Network(partial(tiny, normalised=True), 255.0))
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_network):
    """A run of one epoch, gone on with to two."""
    out = tmp_path_factory.mktemp("run")
    cells = made_cells()
    fit(cells, Settings(**TINY, epochs=1), out, init=None)
    progress = fit(cells, Settings(**TINY, epochs=2), out, init=None, resume=True)
    return cells, out, progress


def test_a_resumed_run_has_as_many_epochs_as_one_without_a_break(run):
    _, out, progress = run
    assert len(progress.rows) == 2
    assert len(json.loads((out / "report.json").read_text())["epochs"]) == 2


def test_what_was_chosen_for_another_network_goes_with_it(run, tmp_path):
    cells, out, _ = run
    folder = shutil.copytree(out, tmp_path / "run")
    (folder / "calibration.json").write_text('{"temperature": 4.2}')
    fit(cells, Settings(**TINY, epochs=3), folder, init=None, resume=True)
    assert evaluate.load_run(folder)[1]["temperature"] != 4.2


def test_the_best_epoch_is_not_to_be_had_again_once_the_last_was_kept(run, tmp_path):
    cells, out, _ = run
    folder = shutil.copytree(out, tmp_path / "run")
    fit(cells, Settings(**TINY, epochs=2, keep="last"), folder, init=None, resume=True)
    with pytest.raises(UsageError, match="another keep"):
        fit(cells, Settings(**TINY, epochs=2), folder, init=None, resume=True)


def test_a_finished_network_without_a_checkpoint_is_not_written_over(run, tmp_path):
    cells, out, _ = run
    folder = shutil.copytree(out, tmp_path / "run")
    (folder / "checkpoint.npz").unlink()
    before = (folder / "model.keras").read_bytes()
    with pytest.raises(UsageError, match="finished network"):
        fit(cells, Settings(**TINY, epochs=1), folder, init=None, resume=True)
    assert (folder / "model.keras").read_bytes() == before


def test_a_resumed_run_keeps_the_trunk_that_it_began_with(run, tmp_path):
    """Checkpoints hold what is trained: a resumed network once stood on a trunk that was drawn anew."""
    cells, out, _ = run
    begun = keras.models.load_model(out / "model.keras", compile=False)
    begun.set_weights([w + 0.25 for w in begun.get_weights()])
    begun.save(tmp_path / "start.keras")
    for epochs in (1, 2):
        fit(cells, Settings(**TINY, epochs=epochs), tmp_path / "run", tmp_path / "start.keras", resume=True)
    after = keras.models.load_model(tmp_path / "run" / "model.keras", compile=False)
    for kept, given in zip(after.get_layer("cut").get_weights(), begun.get_layer("cut").get_weights(), strict=True):
        np.testing.assert_array_equal(kept, given)


def test_of_a_finished_run_the_last_network_can_be_kept_without_training(run, tmp_path):
    cells, out, progress = run
    folder = shutil.copytree(out, tmp_path / "run")
    kept = fit(cells, Settings(**TINY, epochs=2, keep="last"), folder, init=None, resume=True)
    assert len(kept.rows) == len(progress.rows) and kept.best_epoch == 2
    report = json.loads((folder / "report.json").read_text())
    assert report["settings"]["keep"] == "last" and report["best_epoch"] == 2
    assert report["validation"]["loss"] == pytest.approx(progress.rows[-1]["val_loss"], rel=1e-3)


def test_a_run_may_go_on_with_other_views_and_its_report_names_those_of_each_epoch(run, tmp_path):
    cells, out, _ = run
    folder = shutil.copytree(out, tmp_path / "run")
    mixed = Settings(**TINY, epochs=3, augment="mixed")
    with pytest.raises(UsageError, match="another augment"):  # as for the pieces of `travel`, that are compared
        fit(cells, mixed, folder, init=None, resume=True)
    fit(cells, mixed, folder, init=None, resume=True, may_change=MAY_GO_ON)
    report = json.loads((folder / "report.json").read_text())
    assert [row["augment"] for row in report["epochs"]] == ["full", "full", "mixed"]
    assert report["settings"]["augment"] == "mixed"
    assert "| 2 | full |" in (folder / "report.md").read_text()


def test_a_run_in_bfloat16_leaves_a_network_in_float32(tmp_path):
    fit(made_cells(), Settings(**TINY, epochs=1, precision="bfloat16"), tmp_path, init=None)
    model = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    assert keras.mixed_precision.dtype_policy().name == "float32"


def test_weights_of_laboratories_are_read_by_name_and_nonsense_is_refused():
    assert weights("lab-weights", "north:2 south:0.5") == {"north": 2.0, "south": 0.5}
    with pytest.raises(UsageError, match="'north' is not NAME:W"):
        weights("lab-weights", "north")


def test_a_finished_run_is_not_trained_again(run):
    cells, out, progress = run
    assert fit(cells, Settings(**TINY, epochs=2), out, init=None, resume=True).rows == progress.rows


def test_the_report_says_where_it_comes_from(run):
    report = json.loads((run[1] / "report.json").read_text())
    assert report["provenance"]["data_sha256"] == "ab" * 32
    assert {"commit", "dirty", "seed", "versions"} <= set(report["provenance"])
    assert report["classes"] == list(CLASSES) and report["um_per_px"] == 24 / 32
    assert report["training_cells"]["north"]["basophil"] == 2
    assert all((run[1] / name).stat().st_size > 1000 for name in ("curves.png", "confusion.png"))


def test_the_exported_network_is_the_best_on_validation(run):
    cells, out, progress = run
    model = keras.models.load_model(out / "model.keras")
    report = json.loads((out / "report.json").read_text())
    chosen = np.flatnonzero(cells.splits == "validation")
    found = evaluate.predict(model, cells, chosen, Window(24, 32), 255.0)
    assert report["validation"]["loss"] == pytest.approx(progress.rows[progress.best_epoch - 1]["val_loss"], rel=1e-3)
    truth = cells.labels[chosen]
    assert -np.log(found[np.arange(len(truth)), truth]).mean() == pytest.approx(report["validation"]["loss"], rel=0.02)


def test_a_calibrated_run_is_read_as_the_calibration_says(run, monkeypatch, tmp_path):
    cells, out, _ = run
    folder = shutil.copytree(out, tmp_path / "run")
    monkeypatch.setattr(calibrate.cell_set, "load", lambda _: cells)
    told = ["calibrate", "--cells", str(tmp_path), "--model", str(folder), "--turns", "8", "--cap", "9"]
    assert cli.main(told) == 0
    written = json.loads((folder / "calibration.json").read_text())
    model, trained = evaluate.load_run(folder)
    assert trained["turns"] == written["turns"] == 8 and trained["temperature"] == written["temperature"]
    assert written["cells"] == 18 and written["provenance"]["data_sha256"] == cells.sha256
    chosen = np.flatnonzero(cells.splits == "validation")
    found = evaluate.predict_as_trained(model, trained, cells, chosen)
    single = evaluate.predict_as_trained(model, trained | {"turns": 1}, cells, chosen)
    assert found.shape == single.shape and not np.allclose(found, single)


def test_pretrained_convolutions_move_more_slowly_than_the_new_layers():
    def build(classes: int, *_: object) -> keras.Model:
        stack = [keras.Input((8, 8, 3)), layers.ReLU(name="cut"), layers.Conv2D(4, 3), layers.GlobalMaxPooling2D()]
        return keras.Sequential([*stack, layers.Dense(classes, activation="softmax")])

    settings = Settings(**TINY | {"input_size": 8}, learning_rate=1e-2, head_rate=20.0, weight_decay=0.0)
    network = Network(build, 255.0)
    _, rest = compiled(built(network, settings, None, np.zeros((0, 8, 8, 3), np.uint8)), network, settings)
    before = [w.numpy() for w in rest.trainable_variables]
    rng = np.random.default_rng(0)
    rest.train_on_batch(
        rng.random((4, 8, 8, 3), np.float32), np.hstack([np.eye(len(CLASSES))[:4], np.ones((4, len(CLASSES)))])
    )
    moved = [np.abs(w.numpy() - b).max() for w, b in zip(rest.trainable_variables, before, strict=True)]
    np.testing.assert_allclose(moved, [5e-4, 5e-4, 1e-2, 1e-2], rtol=0.02)  # Adam's first step is its rate


def test_an_existing_run_is_not_overwritten(run):
    with pytest.raises(UsageError, match="--resume"):
        fit(run[0], Settings(**TINY, epochs=2), run[1], init=None)


def test_a_resume_with_other_settings_is_refused(run):
    with pytest.raises(UsageError, match="another exclude_labs"):
        fit(run[0], Settings(**TINY, epochs=2), run[1], init=None, resume=True, exclude_labs=("south",))


def test_excluding_every_laboratory_is_refused(tmp_path):
    with pytest.raises(UsageError, match="No training"):
        fit(made_cells(), Settings(**TINY), tmp_path, init=None, exclude_labs=("north", "south"))
    assert not list(tmp_path.iterdir())


def test_views_drawn_by_another_process_train_the_same_network(tmp_path):
    alone, beside = (
        fit(made_cells(), Settings(**TINY, epochs=2), tmp_path / str(count), init=None, view_workers=count)
        for count in (0, 1)
    )
    assert [row["loss"] for row in alone.rows] == pytest.approx([row["loss"] for row in beside.rows], rel=1e-5)


def test_a_class_that_does_not_exist_cannot_be_weighted(tmp_path, monkeypatch, capsys):
    from leuko_train import cli
    from leuko_train.data import cell_set

    monkeypatch.setattr(cell_set, "load", lambda _: made_cells())
    words = [
        "fit",
        "--cells",
        "cells",
        "--init",
        "none",
        "--out",
        str(tmp_path / "out"),
        "--class-weights",
        "heterophil:2",
    ]
    assert cli.main(words) == UsageError.exit_code
    assert "No class heterophil" in capsys.readouterr().err


def test_a_focal_power_below_zero_is_refused(tmp_path):
    with pytest.raises(UsageError, match="--focal is a power"):
        fit(made_cells(), Settings(**TINY, focal=-1.0), tmp_path, init=None)
    assert not list(tmp_path.iterdir())
