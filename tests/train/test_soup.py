import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("tensorflow")
from made_cells import made_cells
from made_networks import tiny

from leuko_edge.errors import UsageError
from leuko_train.evaluation.evaluate import load_run
from leuko_train.network.vgg16 import CONFIGS, Network
from leuko_train.training import seen
from leuko_train.training.fit import fit
from leuko_train.training.settings import Settings
from leuko_train.training.soup import soup

TOLD = {"trunk": "cut", "views": 16, "batch": 4, "warmup": 0, "validation_cap": 1, "keep": "last", "epochs": 1}


@pytest.fixture(scope="module", autouse=True)
def networks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CONFIGS, "one", Network(tiny, 255.0))
        patch.setitem(CONFIGS, "two", Network(tiny, 255.0))
        yield


@pytest.fixture(scope="module")
def cells():
    return made_cells()


@pytest.fixture(scope="module")
def runs(cells, networks, tmp_path_factory):
    """A run, one that goes on from it with other views, and one of another network."""
    out = tmp_path_factory.mktemp("runs")
    fit(cells, Settings(network="one", input_size=32, **TOLD), out / "a", None)
    goes_on = Settings(network="one", input_size=32, seed=1, augment="mild-blank", **TOLD)
    fit(cells, goes_on, out / "b", out / "a" / "model.keras")
    fit(cells, Settings(network="two", input_size=32, **TOLD), out / "other", None)
    return out


def test_the_mean_lies_between_the_runs_and_is_a_run_that_others_can_read(runs, cells, tmp_path):
    soup(cells, [runs / "a", runs / "b"], [3, 1], tmp_path / "soup")
    a, b, both = (load_run(path)[0].get_weights() for path in (runs / "a", runs / "b", tmp_path / "soup"))
    for one, two, mean in zip(a, b, both, strict=True):
        np.testing.assert_allclose(mean, 0.75 * one + 0.25 * two, atol=1e-6)
    assert any(np.abs(one - two).max() > 1e-4 for one, two in zip(a, b, strict=True))  # else the mean shows nothing


def test_its_report_names_the_members_and_it_has_seen_what_they_saw(runs, cells, tmp_path):
    soup(cells, [runs / "a", runs / "b"], [3, 1], tmp_path / "soup")
    report = json.loads((tmp_path / "soup" / "report.json").read_text())
    members = report["settings"]["soup"]
    assert [m["share"] for m in members] == [0.75, 0.25]
    assert [m["augment"] for m in members] == ["full", "mild-blank"]
    assert len(report["epochs"]) == 2
    assert seen.pictures(tmp_path / "soup") >= seen.pictures(runs / "a") | seen.pictures(runs / "b")


def test_runs_of_different_networks_are_refused(runs, cells, tmp_path):
    with pytest.raises(UsageError, match="another network"):
        soup(cells, [runs / "a", runs / "other"], [1, 1], tmp_path / "soup")
    assert not (tmp_path / "soup").exists()


def test_runs_of_other_cells_are_refused(runs, cells, tmp_path):
    with pytest.raises(UsageError, match="other cells"):
        soup(replace(cells, sha256="cd" * 32), [runs / "a", runs / "b"], [1, 1], tmp_path / "soup")


def test_a_share_of_the_beginning_draws_the_mean_towards_it(runs, cells, tmp_path):
    beginning = runs / "a" / "model.keras"
    soup(cells, [runs / "b"], [1], tmp_path / "soup", beginning, 0.25)
    a, b, both = (load_run(path)[0].get_weights() for path in (runs / "a", runs / "b", tmp_path / "soup"))
    for one, two, mean in zip(a, b, both, strict=True):
        np.testing.assert_allclose(mean, 0.25 * one + 0.75 * two, atol=1e-6)


def test_a_class_that_the_beginning_did_not_know_stays_as_it_was_trained(runs, cells, tmp_path):
    before = shutil.copytree(runs / "a", tmp_path / "before")
    report = json.loads((before / "report.json").read_text())
    report["classes"][-1] = "something else"
    (before / "report.json").write_text(json.dumps(report))
    soup(cells, [runs / "b"], [1], tmp_path / "soup", before / "model.keras", 0.25)
    a, b, both = (load_run(path)[0].get_weights()[-2] for path in (runs / "a", runs / "b", tmp_path / "soup"))
    np.testing.assert_allclose(both[:, -1], b[:, -1], atol=1e-6)
    np.testing.assert_allclose(both[:, 0], 0.25 * a[:, 0] + 0.75 * b[:, 0], atol=1e-6)
