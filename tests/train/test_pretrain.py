"""A beginning taught without names."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

pytest.importorskip("tensorflow")
import keras
from made_cells import made_cells
from made_networks import tiny

from leuko_edge.errors import UsageError
from leuko_train import cli
from leuko_train.data.augment import Window
from leuko_train.evaluation.evaluate import load_run
from leuko_train.network.vgg16 import CONFIGS, Network
from leuko_train.training import seen
from leuko_train.training.fit import fit
from leuko_train.training.pretrain import START, PairStream, accuracy, contrastive, pretrain
from leuko_train.training.sampling import members, probabilities
from leuko_train.training.settings import Settings

TINY = Settings(network="tiny", trunk="cut", input_size=32, views=16, batch=8, warmup=0, ema=0.5, epochs=8, reuse=2)


@pytest.fixture(scope="module", autouse=True)
def tiny_network():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CONFIGS, "tiny", Network(partial(tiny, normalised=True), 255.0))
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_network):
    out = tmp_path_factory.mktemp("pretrained")
    return out, pretrain(made_cells(), TINY, out, None, exclude_labs=("south",))


def unit(*angles: float) -> np.ndarray:
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_the_loss_is_the_cross_entropy_of_finding_the_other_view():
    cell, found = np.array([[7], [7], [3], [3]], np.float32), unit(0.0, 0.4, 2.0, 2.9)
    alike = found @ found.T / 0.5
    expected = [-(alike[i, i ^ 1] - np.log(np.exp(np.delete(alike[i], i)).sum())) for i in range(4)]
    np.testing.assert_allclose(contrastive(0.5)(cell, found), expected, rtol=1e-4)


def test_a_cell_drawn_twice_is_no_stranger_to_itself():
    cell, found = np.array([[7]] * 4 + [[3]] * 2, np.float32), unit(0.0, 0.0, 0.0, 0.0, 3.0, 3.0)
    assert float(contrastive(0.5)(cell, found)[0]) == pytest.approx(
        np.log(3 + 2 * np.exp((np.cos(3) - 1) / 0.5)), rel=1e-3
    )
    np.testing.assert_array_equal(accuracy(cell, found), np.ones(6))
    np.testing.assert_array_equal(accuracy(np.array([[1], [2], [1], [2]]), unit(0.0, 0.1, 3.0, 3.1)), np.zeros(4))


@pytest.mark.parametrize("batches", ["mixed", "laboratory"])
def test_a_batch_holds_both_views_of_its_cells(batches):
    cells = made_cells()
    training = members(cells, "train", ())
    chances = probabilities(cells.labels[training], cells.labs[training])
    settings = replace(TINY, batches=batches)
    stream = PairStream(cells, training, chances, None, 255.0, Window(24, 32), settings, np.random.default_rng(0), None)
    for _ in range(3):
        stream.refresh()
        shown = [stream[i] for i in range(len(stream))]
        for views, told in shown:
            pairs = told.reshape(-1, 2)
            np.testing.assert_array_equal(pairs[:, 0], pairs[:, 1])
            assert (views[::2] != views[1::2]).any(axis=(1, 2, 3)).all()  # drawn apart
            if batches == "laboratory":
                assert len(np.unique(cells.labs[told.astype(int)])) == 1
        if batches == "mixed":
            assert len(np.unique(np.concatenate([views for views, _ in shown]), axis=0)) == 16


def test_the_other_view_is_found_more_often(run):
    _, progress = run
    assert progress.rows[-1]["loss"] < 0.8 * progress.rows[0]["loss"]
    assert progress.rows[-1]["val_accuracy"] > 1 / 7  # of seven others


def test_what_is_left_out_is_not_seen_and_nothing_may_judge_the_beginning(run):
    out, _ = run
    cells = made_cells()
    assert set(cells.labs[~seen.unseen(out, cells)]) == {"north"}
    assert json.loads((out / "report.json").read_text())["settings"]["exclude_labs"] == ["south"]
    with pytest.raises(UsageError, match="no finished run"):
        load_run(out)


def test_a_training_goes_on_from_it(run, tmp_path):
    out, _ = run
    begun = keras.models.load_model(out / START, compile=False).get_weights()
    told = replace(TINY, epochs=1, learning_rate=0.0, validation_cap=1)
    fit(made_cells(), told, tmp_path, out / START, exclude_labs=("south",))
    after = keras.models.load_model(tmp_path / "model.keras", compile=False).get_weights()
    np.testing.assert_array_equal(after[0], begun[0])
    assert seen.pictures(out) <= seen.pictures(tmp_path)


def test_a_beginning_that_knows_a_laboratory_is_none_without_it(run, tmp_path):
    out, _ = run
    told = replace(TINY, epochs=1, validation_cap=1)
    with pytest.raises(UsageError, match="was trained by north"):
        fit(made_cells(), told, tmp_path / "a", out / START, exclude_labs=("north",))
    fit(made_cells(), told, tmp_path / "b", None)
    with pytest.raises(UsageError, match="was trained by south"):
        fit(made_cells(), told, tmp_path / "c", tmp_path / "b" / "model.keras", exclude_labs=("south",))


def test_names_change_nothing(run, tmp_path):
    out, _ = run
    cells = made_cells()
    pretrain(replace(cells, labels=cells.labels[::-1].copy()), TINY, tmp_path, None, exclude_labs=("south",))
    one, other = (keras.models.load_model(folder / START, compile=False).get_weights() for folder in (out, tmp_path))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_it_goes_on_where_it_was_interrupted(run, tmp_path):
    out, whole = run
    pretrain(made_cells(), replace(TINY, epochs=3), tmp_path, None, exclude_labs=("south",))
    with pytest.raises(UsageError, match="already holds a run"):
        pretrain(made_cells(), TINY, tmp_path, None, exclude_labs=("south",))
    progress = pretrain(made_cells(), TINY, tmp_path, None, exclude_labs=("south",), resume=True)
    assert len(progress.rows) == len(whole.rows) == 8
    one, other = (keras.models.load_model(folder / START, compile=False).get_weights() for folder in (out, tmp_path))
    np.testing.assert_array_equal(one[0], other[0])  # the frozen trunk


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"focal": 2.0}, "needs names"),
        ({"class_weights": "blast:2"}, "--class-weights needs"),
        ({"batch": 5}, "two by two"),
        ({"views": 20}, "two by two"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, change, sentence):
    with pytest.raises(UsageError, match=sentence):
        pretrain(made_cells(), replace(TINY, **change), tmp_path / "out", None)


def test_an_unknown_laboratory_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("leuko_train.data.cell_set.load", lambda folder: made_cells())
    words = ["pretrain", "--cells", "CELLS", "--init", "imagenet", "--out", str(tmp_path), "--exclude-lab", "west"]
    assert cli.main(words) == 2
    assert "west" in capsys.readouterr().err
