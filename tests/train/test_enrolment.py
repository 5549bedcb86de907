"""`leuko-train enrolment` on made answers: two laboratories whose network takes neutrophils for eosinophils."""

import argparse
import json
from dataclasses import replace

import numpy as np
import pytest
from made_cells import MadeCells

from leuko_edge.types import CLASSES
from leuko_train import cli
from leuko_train.data import cell_set
from leuko_train.enrolment import enrolment, left_out, measure, unlabelled

EACH, SOURCES = 24, 8
BLAST, EOSINOPHIL = CLASSES.index("blast"), CLASSES.index("eosinophil")


def raw(labels: np.ndarray, seed: int) -> np.ndarray:
    """(n, classes) with eosinophils answered too often."""
    scores = np.random.default_rng(seed).normal(0, 1.2, (len(labels), len(CLASSES)))
    scores[:, 5:] -= 3
    scores[np.arange(len(labels)), labels] += 4
    scores[:, EOSINOPHIL] += 3
    powers = np.exp(scores)
    return powers / powers.sum(axis=1, keepdims=True)


def seen(labels: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """As `left_out.looked` gives it, of a network whose features tell nothing."""
    return {
        "raw": raw(labels, seed),
        "features": np.random.default_rng(seed).normal(0, 0.4, (len(labels), 6)),
        "centres": np.eye(len(CLASSES), 6),
        "temperature": np.array(1.0),
        "limits": np.array([0.3, 3.0, 0.3]),
    }


@pytest.fixture
def laboratory() -> left_out.LeftOut:
    labels = np.repeat([0, 1, 2, 3, 4, BLAST], EACH)
    sources = np.array([f"smear-{i % SOURCES}" for i in range(len(labels))])
    told = seen(labels, 0)
    return left_out.LeftOut("north", True, told["raw"], told["features"], labels, sources, left_out._card(told))


asked_of: list = []


@pytest.fixture
def made(tmp_path, monkeypatch):
    """(cells, folder of travel): the laboratory north was left out, tecom trains nobody."""
    labels = np.tile(np.repeat(np.arange(5), EACH), 2)
    labs = np.repeat(["north", "tecom"], 5 * EACH)
    sources = np.array([f"{lab}/{i % SOURCES}" for i, lab in enumerate(labs)])
    nothing = np.zeros((len(labels), 1, 1, 3), np.uint8)
    cells = MadeCells(nothing, labels, labs, sources, np.full(len(labels), "test"), sources)
    folder = tmp_path / "travel" / "as-told" / "north"
    folder.mkdir(parents=True)
    np.savez(folder / "answers.npz", rows=np.arange(len(labels)))
    (folder / "report.json").write_text(json.dumps({"provenance": {"data_sha256": cells.sha256}}))
    (folder / "model.keras").write_text("")
    monkeypatch.setattr(cell_set, "load", lambda folder: cells)
    monkeypatch.setattr(left_out, "looked", lambda run, cells, rows: asked_of.append(run) or seen(labels, 1))
    return cells, tmp_path / "travel"


def asked(travel, out, *more: str) -> int:
    words = ["enrolment", "--cells", "CELLS", "--travel", str(travel), "--out", str(out), "--draws", "2"]
    return cli.main([*words, "--numbers", "0", "10", *more])


def test_the_cells_that_teach_are_of_other_smears_than_those_tested(laboratory):
    for seed in range(5):
        drawn = measure.draw(laboratory.sources, np.random.default_rng(seed))
        assert not set(laboratory.sources[drawn.pool]) & set(laboratory.sources[drawn.tested])
        assert len(drawn.pool) + len(drawn.tested) == len(laboratory.labels)


def test_more_cells_contain_the_fewer_and_a_class_gives_what_it_has(laboratory):
    drawn = measure.draw(laboratory.sources, np.random.default_rng(0))
    few, many = (set(drawn.cells(laboratory.labels, range(5), n)) for n in (3, 10))
    assert len(few) == 15 and few < many
    assert len(drawn.cells(laboratory.labels, [0], 1000)) == EACH // 2


def test_a_bias_between_classes_is_measured_and_mended(laboratory):
    none, ten = measure.measured(laboratory, measure.NAMED, (0, 10), 4, 0)
    assert none["learnt"] == 0 and ten["learnt"] > 0.5
    assert ten["balanced_accuracy"] > none["balanced_accuracy"] + 0.03
    assert ten["normal_bias"] < none["normal_bias"]
    assert 0 < none["abnormal_recall"] <= 1
    assert ten["blasts_told"] >= none["blasts_told"] - 0.02


def test_without_cells_the_figures_are_those_of_the_network_as_it_ships(laboratory):
    (none,) = measure.measured(laboratory, measure.NAMED, (0,), 1, 0)
    tested = measure.draw(laboratory.sources, np.random.default_rng((0, 0))).tested
    right = laboratory.found[tested].argmax(1) == laboratory.labels[tested]
    expected = np.mean([right[laboratory.labels[tested] == c].mean() for c in range(5)])
    assert none["balanced_accuracy"] == pytest.approx(expected)


def test_a_share_of_the_names_is_wrong_on_purpose_and_still_nothing_gets_worse(laboratory):
    labels = np.repeat(np.arange(5), 20)
    lies = measure.misnamed(labels, range(5), 0.2, np.random.default_rng(0))
    assert (lies != labels).sum() == 20 and set(lies) <= set(range(5))
    none, ten = measure.measured(laboratory, measure.NAMED, (0, 10), 4, 0, wrong=0.2)
    assert ten["balanced_accuracy"] > none["balanced_accuracy"] - 0.01


def test_where_only_the_five_are_allowed_no_other_is_answered(laboratory):
    found = laboratory.only_five(measure.NAMED).found
    assert found[:, 5:].max() < 1e-9 and np.allclose(found.sum(axis=1), 1)


def test_the_mean_is_of_the_laboratories_left_out_and_the_report_has_a_picture(made, tmp_path, capsys):
    assert asked(made[1], tmp_path / "report") == 0
    written = json.loads((tmp_path / "report" / "report.json").read_text())
    names = {entry["laboratory"]: entry["left_out"] for entry in written["laboratories"]}
    assert names == {"north": True, "tecom, without north": False}
    north = written["laboratories"][0]["taught"]
    assert [one["balanced_accuracy"] for one in written["mean"]] == [one["balanced_accuracy"] for one in north]
    assert written["provenance"]["data_sha256"] == made[0].sha256
    assert "| north | 10 | 50 |" in capsys.readouterr().out
    assert (tmp_path / "report" / "enrolment.png").stat().st_size > 1000


def test_what_unnamed_cells_teach_is_measured_on_several_patients(made, tmp_path, capsys):
    assert asked(made[1], tmp_path / "report", "--without-labels", "60") == 0
    printed = capsys.readouterr().out
    mean = json.loads((tmp_path / "report" / "report.json").read_text())["without_labels_mean"]
    assert set(mean) == set(unlabelled.PATIENTS)
    for methods in mean.values():
        assert methods["as shipped"]["balanced_accuracy"] == mean["healthy"]["as shipped"]["balanced_accuracy"]
    assert "| healthy | a healthy person's proportions |" in printed


def test_proportions_are_found_of_answers_without_names():
    rng = np.random.default_rng(0)
    truth = rng.choice(3, 400, p=(0.7, 0.25, 0.05))
    scores = rng.normal(0, 1, (400, 3)) + 3 * np.eye(3)[truth]
    found = np.exp(3 * scores)  # calibrated: log-odds of two normals that lie 3 apart
    shares = unlabelled.proportions(found / found.sum(axis=1, keepdims=True))
    assert np.allclose(shares, np.bincount(truth) / 400, atol=0.03)


def test_features_that_all_lie_off_by_the_same_are_moved_back(laboratory):
    """A network whose scores follow its features, and a laboratory whose features all lie off."""
    rng = np.random.default_rng(2)
    labels = np.tile(np.arange(5), 40)
    centres = np.zeros((len(CLASSES), 6))
    centres[:5, :5] = 1.5 * np.eye(5)
    features = centres[labels] + rng.normal(0, 0.3, (200, 6)) + 1.6 * np.eye(6)[EOSINOPHIL]
    powers = np.exp(2 * features @ centres.T - (centres**2).sum(axis=1))
    off = replace(
        laboratory,
        found=powers / powers.sum(axis=1, keepdims=True),
        features=features,
        labels=labels,
        sources=np.arange(200).astype(str),
        card=replace(laboratory.card, centres=tuple(map(tuple, centres.tolist()))),
    )
    rows = np.arange(200)
    given = unlabelled.answers(off, rows, rows, unlabelled.last_layer(off))
    right = {name: (one.argmax(axis=1) == labels).mean() for name, one in given.items()}
    assert right["as shipped"] < 0.9 < 0.97 < right["features moved"]


def test_every_class_of_the_laboratory_may_be_named(made, tmp_path):
    assert asked(made[1], tmp_path / "report", "--all-classes") == 0
    written = json.loads((tmp_path / "report" / "report.json").read_text())
    assert written["all_classes"] and written["laboratories"][0]["taught"][1]["cells"] == 50


def test_a_network_is_asked_once_and_again_when_it_has_changed(made, tmp_path):
    asked_of.clear()
    assert asked(made[1], tmp_path / "report") == asked(made[1], tmp_path / "report") == 0
    assert len(asked_of) == 1
    (made[1] / "as-told" / "north" / "model.keras").write_text("another")
    assert asked(made[1], tmp_path / "report") == 0 and len(asked_of) == 2


def test_answers_of_other_cells_are_refused(made, tmp_path, capsys):
    made[0].sha256 = "cd" * 32
    assert asked(made[1], tmp_path / "report") == 2
    assert "another cell set" in capsys.readouterr().err


def test_a_folder_without_answers_names_the_command_that_makes_them(made, tmp_path, capsys):
    assert asked(tmp_path / "empty", tmp_path / "report") == 2
    assert "leuko-train travel" in capsys.readouterr().err


def test_none_three_five_ten_and_twenty_cells_are_named_in_twenty_draws_unless_told_otherwise():
    parser = argparse.ArgumentParser()
    enrolment.add_arguments(parser)
    options = parser.parse_args(["--cells", "a", "--travel", "b", "--out", "c"])
    assert (tuple(options.numbers), options.draws) == ((0, 3, 5, 10, 20), 20)
