import json

import numpy as np
import pytest

pytest.importorskip("tensorflow")
import keras
from made_cells import made_cells
from made_networks import tiny

from leuko_edge.errors import UsageError
from leuko_edge.types import CLASSES
from leuko_train.evaluation.evaluate import load_run
from leuko_train.network.vgg16 import CONFIGS, Network
from leuko_train.training import seen
from leuko_train.training.fit import fit
from leuko_train.training.prior import prior, weigh
from leuko_train.training.settings import Settings

GRANULOCYTE = CLASSES.index("immature_granulocyte")


@pytest.fixture(scope="module")
def cells():
    return made_cells()


@pytest.fixture(scope="module")
def trained(cells, tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CONFIGS, "mean", Network(tiny, 255.0, trunk="cut"))
        told = Settings(network="mean", input_size=32, views=16, batch=4, warmup=0, validation_cap=1, epochs=1)
        fit(cells, told, out, None)
        yield out


def test_the_odds_against_every_other_class_change_by_the_factor_and_by_nothing_else():
    keras.utils.set_random_seed(1)
    model, rgb = tiny(len(CLASSES), 8), np.random.default_rng(0).uniform(0, 255, (5, 8, 8, 3)).astype(np.float32)
    before = model.predict(rgb, verbose=0)
    weigh(model, {"immature_granulocyte": 0.25})
    after = model.predict(rgb, verbose=0)
    odds = [found[:, GRANULOCYTE] / found[:, 0] for found in (before, after)]
    np.testing.assert_allclose(odds[1], 0.25 * odds[0], rtol=1e-4)
    others = [np.delete(found, GRANULOCYTE, axis=1) for found in (before, after)]
    one, two = (found / found.sum(1, keepdims=True) for found in others)
    np.testing.assert_allclose(two, one, rtol=1e-4)


def test_a_weighed_run_is_one_that_others_can_read_and_says_what_it_is(trained, cells, tmp_path):
    prior(cells, trained, {"immature_granulocyte": 0.5}, tmp_path / "once")
    prior(cells, tmp_path / "once", {"immature_granulocyte": 0.5, "eosinophil": 0.5}, tmp_path / "twice")
    report = json.loads((tmp_path / "twice" / "report.json").read_text())
    assert report["settings"]["prior"] == {"eosinophil": 0.5, "immature_granulocyte": 0.25}
    (first, _), (second, _) = load_run(trained), load_run(tmp_path / "twice")
    moved = second.get_weights()[-1] - first.get_weights()[-1]
    wanted = {"eosinophil": np.log(0.5), "immature_granulocyte": np.log(0.25)}
    np.testing.assert_allclose(moved, [wanted.get(name, 0.0) for name in CLASSES], atol=1e-5)
    assert seen.pictures(tmp_path / "twice") >= seen.pictures(trained)


@pytest.mark.parametrize("factors", [{"heterophil": 0.5}, {"eosinophil": 0.0}, {"eosinophil": -1.0}, {}])
def test_nonsense_is_refused(trained, cells, tmp_path, factors):
    with pytest.raises(UsageError):
        prior(cells, trained, factors, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_run_of_other_cells_is_refused(trained, tmp_path):
    others = made_cells()
    others.sha256 = "cd" * 32
    with pytest.raises(UsageError, match="other cells"):
        prior(others, trained, {"eosinophil": 0.5}, tmp_path / "x")
