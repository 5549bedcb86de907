"""What more laboratories teach, on features made up so that the answer is known, and once from pictures to report."""

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("tensorflow")
import keras
from keras import layers
from made_cells import made_cells

from leuko_edge.errors import UsageError
from leuko_edge.types import CLASSES
from leuko_train import cli
from leuko_train.data import cell_set
from leuko_train.travel import curve, curve_report, frozen, learning_curve
from leuko_train.travel.curve import Way
from leuko_train.travel.discriminant import fit

SEVEN = ("bccd", "deepapl", "deepbionet", "lisc", "pbc", "raabin", "rv_pbs")
HELD = Way("held", 6, 0.3)


def made_features(labs=(*SEVEN, "tecom"), each=8, shift=3.0, classes=5):
    """A class is a direction of its own; each laboratory moves and stretches all of it in its own way."""
    rng = np.random.default_rng(3)
    labels = np.tile(np.repeat(np.arange(classes), each), len(labs))
    names = np.repeat(labs, classes * each)
    x = 2 * np.eye(20, dtype=np.float32)[labels] + 0.2 * rng.normal(size=(len(labels), 20)).astype(np.float32)
    for lab in labs:
        x[names == lab] += (shift * rng.normal(size=20) / 4).astype(np.float32)
    rows = np.arange(len(labels))
    return frozen.Features(rows, labels, names, rows.astype(str), x, x + np.float32(0.1))


def small(init, size):
    """Stands for VGG-16, whose size these tests do not need."""
    inputs = x = keras.Input((size, size, 3))
    for name in frozen.READ:
        x = layers.Conv2D(8, 3, 2, activation="relu", padding="same", name=name)(x)
    return keras.Model(inputs, x)


@pytest.mark.parametrize("cells", [30, 90])
def test_fewer_cells_than_features_or_more_make_the_same_classifier_as_the_textbook(cells):
    rng = np.random.default_rng(0)
    labels = np.arange(cells) % 3
    x = rng.normal(size=(cells, 40)) + np.eye(40)[labels] * 2
    found = fit(x, labels, 0.4)
    z = (x - x.mean(0)) / x.std(0)
    means = np.array([z[labels == c].mean(0) for c in range(3)])
    within = z - means[labels]
    covariance = 0.6 * within.T @ within / cells + 0.4 * np.eye(40) * (within**2).mean()
    expected = (
        z @ np.linalg.solve(covariance, means.T) - 0.5 * (means @ np.linalg.solve(covariance, means.T)).diagonal()
    )
    np.testing.assert_allclose(x @ found.weights.T + found.offsets, expected, atol=1e-8)


def test_a_class_with_more_cells_is_no_likelier():
    rng = np.random.default_rng(0)
    labels = np.repeat([2, 7], [400, 40])
    found = fit(rng.normal(size=(440, 3)) + 2.0 * (labels == 7)[:, None], labels, 0.1)
    asked = rng.normal(size=(4000, 3)) + 1.0  # half way
    assert set(found.answers(asked)) == {2, 7}
    assert abs((found.answers(asked) == 7).mean() - 0.5) < 0.1


def test_a_feature_that_never_changes_is_no_obstacle():
    x = np.column_stack([np.zeros(8), np.arange(8.0)])
    assert (fit(x, np.arange(8) // 4, 0.5).answers(x) == np.arange(8) // 4).all()


@pytest.mark.parametrize(
    ("have", "wanted", "given"),
    [
        ([60, 60, 60], 24, [8, 8, 8]),
        ([60, 2, 60], 24, [11, 2, 11]),
        ([5, 3], 24, [5, 3]),
        ([60, 60, 60, 60, 60], 24, [4, 5, 5, 5, 5]),
        ([9], 6, [6]),
    ],
)
def test_laboratories_share_a_class_as_evenly_as_they_can(have, wanted, given):
    assert curve.allotted(have, wanted) == given


def test_all_subsets_of_the_other_six_are_judged_and_of_all_seven_for_whom_none_may_train_on(monkeypatch):
    features = made_features()
    taught, choose = [], curve.chosen
    monkeypatch.setattr(curve, "DRAWS", 1)
    monkeypatch.setattr(curve, "chosen", lambda f, labs, *rest: taught.append(labs) or choose(f, labs, *rest))
    found = curve.judged(features, HELD, 1)
    assert {lab: len(of_lab) for lab, of_lab in found.items()} == {**dict.fromkeys(SEVEN, 63), "tecom": 127}
    assert not any("tecom" in labs for labs in taught)
    assert not any(one.left_out in one.laboratories for of_lab in found.values() for one in of_lab)
    assert {one.cells for one in found["pbc"]} == {5 * 6}  # as many cells however many laboratories


def test_a_class_that_no_teacher_has_is_wrong_and_it_is_said_how_often():
    features = made_features(("lisc", "pbc", "raabin"), shift=0.0)
    kept = ~((features.labs != "lisc") & (features.labels == 4))
    features = replace(features, **{name: getattr(features, name)[kept] for name in features.__dataclass_fields__})
    for one in curve.judged(features, HELD, 1)["lisc"]:
        assert one.missing == pytest.approx(0.2) and one.among_known > 0.9
        assert one.accuracy == pytest.approx(0.8 * one.among_known)


def test_a_photograph_that_two_laboratories_have_teaches_nothing():
    features = made_features(("lisc", "pbc", "raabin"))
    features.sources[features.labs == "pbc"] = features.sources[0]  # all are copies of one of LISC's
    features.sources[features.labs == "raabin"] = "its own"
    usable = curve.of_one_laboratory(features)
    assert not usable[0] and usable[1]
    assert set(features.labs[usable]) == {"lisc", "raabin"}


def test_a_class_of_too_few_cells_judges_nobody():
    features = made_features(("lisc", "pbc"))
    first = np.flatnonzero((features.labs == "lisc") & (features.labels == 3))
    features.labels[first[curve.ENOUGH - 1 :]] = CLASSES.index("blast")
    assert set(features.labels[curve.asked_of(features, "lisc")]) == {0, 1, 2, 4}


def test_each_laboratorys_own_statistics_take_its_shift_away():
    features = made_features(shift=12.0)
    plain, own = (
        np.mean([one.accuracy for of_lab in curve.judged(features, way, 1).values() for one in of_lab])
        for way in (HELD, replace(HELD, own=("alike", "alike")))
    )
    assert own > 0.98 > plain + 0.1


def test_a_smears_own_statistics_are_mostly_its_neutrophils():
    features = made_features(("lisc",), shift=5.0)
    smear = curve.standardised(features, smear=True)
    of = [smear[features.labels == c].mean(0) for c in range(5)]
    weights = np.array([57, 31, 7, 4, 1]) / 100
    np.testing.assert_allclose(weights @ of, 0, atol=1e-4)
    assert abs(of[0][0]) < abs(curve.standardised(features, smear=False)[features.labels == 0].mean(0)[0])


def test_points_per_doubling_are_those_of_the_line_and_doubt_is_between_laboratories():
    numbers = np.log2(np.arange(1, 7))
    alike = curve_report.trend(np.array([50 + 4 * numbers, 60 + 4 * numbers]))
    assert alike["per_doubling"]["points"] == pytest.approx(4)
    np.testing.assert_allclose(alike["per_doubling"]["ci95"], 4)
    assert set(alike["doublings"]) == {"1 to 2", "2 to 4", "3 to 6"} and alike["off_the_line"] < 1e-9
    low, high = curve_report.trend(np.array([50 + 2 * numbers, 60 + 6 * numbers]))["per_doubling"]["ci95"]
    assert low == pytest.approx(2) and high == pytest.approx(6)


@pytest.fixture
def three(monkeypatch):
    made = made_cells(90)
    made.labs[:] = np.array(["north", "south", "west"])[np.arange(90) // 9 % 3]
    monkeypatch.setattr(cell_set, "load", lambda folder: made)
    return made


def test_from_pictures_to_the_report_and_the_second_time_without_the_network(three, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(learning_curve, "ways", lambda *told: [HELD, Way("all", None, 0.3, changed=True)])
    monkeypatch.setattr(frozen, "vgg16", small)
    monkeypatch.setattr(curve, "ENOUGH", 3)
    told = ["learning-curve", "--cells", "CELLS", "--init", "none", "--out", str(tmp_path), "--input-size", "32"]
    assert cli.main(told) == 0
    first = capsys.readouterr().out
    assert "| laboratories | subsets |" in first and "90 of 90 cells seen" in first
    written = json.loads((tmp_path / "report.json").read_text())
    assert written["provenance"]["data_sha256"] == three.sha256 and len(written["subsets"]) == 3 * 3
    assert len(written["ways"]["held"]["mean"]) == 2 and (tmp_path / "curve.png").stat().st_size > 1000
    monkeypatch.setattr(frozen, "network", None)
    assert cli.main(told) == 0
    again = capsys.readouterr().out
    assert "cells seen" not in again and again in first


def test_two_laboratories_make_no_curve(three, tmp_path, monkeypatch, capsys):
    three.labs[three.labs == "west"] = "north"
    monkeypatch.setattr(frozen, "network", None)  # it is said before anything is seen
    told = ["learning-curve", "--cells", "CELLS", "--init", "none", "--out", str(tmp_path), "--input-size", "32"]
    assert cli.main(told) == UsageError.exit_code
    assert "a curve needs three laboratories" in capsys.readouterr().err
