"""What a laboratory's named cells teach, on answers drawn with a known bias between classes."""

from dataclasses import replace

import numpy as np
import pytest

from leuko_edge.errors import EnvironmentBroken, ModelError, UsageError
from leuko_edge.model import enrolment, local_head, site
from leuko_edge.model.card import ModelCard
from leuko_edge.model.classify import simulated_card
from leuko_edge.types import ABNORMAL, CLASSES

FIVE = CLASSES[:5]
EOSINOPHIL, BLAST = CLASSES.index("eosinophil"), CLASSES.index("blast")


def answers(labels: np.ndarray, seed: int) -> np.ndarray:
    """(n, classes) of a network that takes this laboratory's cells for eosinophils too often."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 1.6, (len(labels), len(CLASSES)))
    scores[:, 5:] -= 3
    scores[np.arange(len(labels)), labels] += 3.5
    scores[:, EOSINOPHIL] += 2.2
    powers = np.exp(scores)
    return powers / powers.sum(axis=1, keepdims=True)


def named(each: int) -> np.ndarray:
    return np.repeat(np.arange(5), each)


def features(labels: np.ndarray, seed: int) -> np.ndarray:
    """(n, 6) that part neutrophils from eosinophils where the answers do not; 1 is an ordinary distance."""
    rng = np.random.default_rng((seed, 1))
    found = rng.normal(0, 1, (len(labels), 6))
    found[:, 0] += 4.0 * (labels == EOSINOPHIL) - 4.0 * (labels == 0)
    return found / np.sqrt(6)


def card(**changed) -> ModelCard:
    """Of a network with the features above."""
    centres = tuple(tuple(float(c == 0) * (k == EOSINOPHIL) for c in range(6)) for k in range(len(CLASSES)))
    told = {"distance_threshold": 3.0, "abnormal_threshold": 0.3, "confidence_threshold": 0.3}
    return replace(simulated_card(), **{"centres": centres, **told, **changed})


def taught(each: int, seed: int, wrong: float = 0, seen: bool = False, groups: np.ndarray | None = None):
    labels = named(each)
    said = labels.copy()
    rng = np.random.default_rng(seed)
    lies = rng.choice(len(labels), round(wrong * len(labels)), replace=False)
    said[lies] = (said[lies] + rng.integers(1, 5, len(lies))) % 5
    groups = np.arange(len(labels)) if groups is None else groups
    values = features(labels, seed) if seen else None
    return enrolment.learn(answers(labels, seed), values, said, groups, card(), seed)


def right(found: np.ndarray, labels: np.ndarray) -> float:
    return float((found.argmax(axis=1) == labels).mean())


@pytest.mark.parametrize("each", [3, 10, 30])
def test_a_bias_between_classes_is_taken_away(each):
    labels = named(200)
    foreign = answers(labels, 99)
    gained = [right(taught(each, seed).head.applied(foreign, None), labels) - right(foreign, labels) for seed in (0, 1)]
    assert np.mean(gained) > 0.05 and min(gained) > 0


def test_what_only_the_features_part_is_learnt_from_them():
    labels = named(200)
    foreign, values = answers(labels, 99), features(labels, 99)
    biases = right(taught(20, 0).head.applied(foreign, None), labels)
    learnt = taught(20, 0, seen=True)
    assert learnt.head.weights.shape == (5, 6) and learnt.better
    assert right(learnt.head.applied(foreign, values), labels) > biases + 0.02


def test_a_normal_differential_is_nearer_to_the_truth_afterwards():
    learnt = taught(20, 1)
    assert abs(learnt.after["normal_bias"]) < abs(learnt.before["normal_bias"])
    assert learnt.before["normal_bias_class"] == "eosinophil" and learnt.better


@pytest.mark.parametrize("seen", [False, True])
@pytest.mark.parametrize("each", [3, 10])
def test_wrong_names_for_a_fifth_of_the_cells_do_not_make_the_site_worse(each, seen):
    labels = named(200)
    foreign, values = answers(labels, 99), features(labels, 99)
    for seed in range(3):
        learnt = taught(each, seed, 0.2, seen)
        found = learnt.head.applied(foreign, values if seen else None)
        assert not learnt.better or right(found, labels) >= right(foreign, labels)


def test_where_nothing_is_to_be_gained_it_says_so():
    labels = named(10)
    sure = np.full((len(labels), len(CLASSES)), 1e-6)
    sure[np.arange(len(labels)), labels] = 1
    learnt = enrolment.learn(
        sure / sure.sum(axis=1, keepdims=True),
        None,
        labels,
        np.arange(len(labels)),
        card(centres=(), distance_threshold=None),
    )
    assert learnt.before["balanced_accuracy"] == 1 and learnt.after["balanced_accuracy"] == 1 and not learnt.better


@pytest.mark.parametrize(
    "after, better",
    [
        ({"gain": 0.2, "balanced_accuracy": 0.82}, True),
        ({"gain": -0.03, "balanced_accuracy": 0.82}, True),  # too few cells to show it, none against it
        ({"gain": -0.2, "balanced_accuracy": 0.82}, False),
        ({"gain": -0.03, "balanced_accuracy": 0.80}, True),
        ({"gain": 0.2, "balanced_accuracy": 0.79}, False),  # fewer named rightly, however likely
        ({"gain": 0.0, "gain_error": 0.0, "balanced_accuracy": 0.80}, False),  # nothing learnt
    ],
)
def test_a_site_is_refused_where_held_out_cells_speak_against_it(after, better):
    learnt = taught(3, 0)
    figures = {"gain_error": 0.05, **after}
    assert replace(learnt, before={"balanced_accuracy": 0.8}, after=figures).better is better


def test_a_gain_on_one_patient_alone_is_none():
    """Half of one patient's cells tell nothing of others; the same cells of as many patients do."""
    labels = named(8)
    given = answers(labels, 3)
    one = enrolment.learn(given, None, labels, np.zeros(len(labels), int), card())
    many = enrolment.learn(given, None, labels, np.arange(len(labels)), card())
    assert many.better and not one.better


@pytest.mark.parametrize("penalty", [*enrolment.PENALTIES, *enrolment.BIASES_ALONE])
def test_no_other_numbers_lose_less_than_those_found(penalty):
    labels = named(10)
    given, values = answers(labels, 4) ** 3, features(labels, 4)
    given /= given.sum(axis=1, keepdims=True)
    strength = penalty[0] if np.isfinite(penalty[0]) else 0.0

    def loss(weights: np.ndarray, bias: np.ndarray) -> float:
        scores = np.log(np.maximum(given, local_head.LEAST))
        scores[:, :5] += values @ weights.T + bias
        likely = np.exp(local_head.log_softmax(scores))[np.arange(len(labels)), labels]
        drawn = strength * (weights**2).sum() + penalty[1] * (bias**2).sum()
        return float(-np.log(local_head.with_slips(likely, 5)).sum() + drawn / 2)

    head = local_head.fitted(given, values, labels, tuple(range(5)), penalty)
    weights = head.weights if head.weights.shape[1] else np.zeros((5, 6))
    least = loss(weights, head.bias)
    assert least < loss(np.zeros((5, 6)), np.zeros(5))
    rng = np.random.default_rng(0)
    moved = 1.0 if strength else 0.0
    for size in (1e-2, 1e-1):
        for _ in range(20):
            other = loss(weights + moved * rng.normal(0, size, (5, 6)), head.bias + rng.normal(0, size, 5))
            assert least <= other + 1e-3


def test_blasts_that_nobody_showed_keep_their_probability():
    blasts = answers(np.full(50, BLAST), 5)
    found = taught(10, 0).head.applied(blasts, None)
    abnormal = [CLASSES.index(name) for name in ABNORMAL]
    assert np.allclose(found[:, abnormal].sum(axis=1), blasts[:, abnormal].sum(axis=1))
    assert np.allclose(found.sum(axis=1), 1)
    called = blasts.argmax(axis=1) == BLAST
    assert called.any() and (found[called] == blasts[called]).all()


def test_an_immature_granulocyte_that_lies_with_the_named_monocytes_may_become_one():
    """Of a network that calls this laboratory's monocytes immature."""
    labels = named(12)
    given = answers(labels, 6)
    given[labels == 2, 5] += 1.3 * given[labels == 2, 2]
    given /= given.sum(axis=1, keepdims=True)
    learnt = enrolment.learn(given, None, labels, np.arange(len(labels)), card())
    monocytes = given[labels == 2]
    before, after = monocytes.argmax(axis=1) == 2, learnt.head.applied(monocytes, None).argmax(axis=1) == 2
    assert learnt.better and after.sum() > before.sum()


def test_the_limits_are_drawn_to_the_cards_and_that_of_abnormal_cells_is_never_above_it():
    few, many = taught(3, 0, seen=True).limits, taught(40, 0, seen=True).limits
    own = card()
    for limits in (few, many):
        assert limits.abnormal_threshold is not None and limits.abnormal_threshold <= own.abnormal_threshold
    moved = [abs(one.distance_threshold - own.distance_threshold) for one in (few, many)]
    assert moved[0] < moved[1]


def test_a_card_without_limits_gets_none():
    labels = named(8)
    bare = card(centres=(), distance_threshold=None, abnormal_threshold=None)
    learnt = enrolment.learn(answers(labels, 1), None, labels, np.arange(len(labels)), bare)
    assert learnt.limits.distance_threshold is None and learnt.limits.abnormal_threshold is None
    assert learnt.head.weights.shape == (5, 0)


def test_a_class_with_two_cells_is_left_as_it_is():
    labels = np.array([0] * 5 + [1] * 5 + [4] * 2)
    learnt = enrolment.learn(answers(labels, 3), None, labels, np.arange(len(labels)), card())
    assert learnt.head.at == (0, 1)


def test_one_class_alone_teaches_nothing():
    with pytest.raises(ValueError):
        enrolment.learn(answers(np.zeros(9, int), 0), None, np.zeros(9, int), np.arange(9), card())


def made(card: ModelCard, **changed) -> site.Site:
    values = {
        "name": "KLINIK-2",
        "model": card.name,
        "model_sha256": card.sha256,
        "made": "2026-01-01T00:00:00Z",
        "by": "AB",
        "program": "leuko-edge",
        "cells": {"neutrophil": 10, "eosinophil": 4},
        "classes": ("neutrophil", "eosinophil"),
        "weights": ((), ()),
        "bias": (0.5, -0.5),
        "temperature": 1.2,
        "confidence_threshold": 0.4,
        "distance_threshold": None,
        "abnormal_threshold": 0.2,
    }
    return site.Site(**{**values, **changed})


def test_a_site_comes_back_from_its_file_as_it_was(tmp_path):
    one = made(simulated_card())
    one.save(tmp_path / "KLINIK-2.json")
    assert site.load(str(tmp_path / "KLINIK-2.json")) == one
    one.check(simulated_card())


def test_another_model_than_the_sites_is_refused_with_the_command_that_teaches_again():
    other = made(simulated_card(), model_sha256="1" * 64, source="--session 3 4")
    with pytest.raises(ModelError, match="leuko-edge enrol KLINIK-2 --session 3 4"):
        other.check(simulated_card())


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"schema": "leuko-edge-site/2"}', '{"schema": "leuko-edge-site/2", "weights": 3}', "\xff" * 9],
)
def test_a_broken_site_file_is_one_sentence(tmp_path, text):
    (tmp_path / "a.json").write_text(text, encoding="latin-1")
    with pytest.raises(EnvironmentBroken, match="damaged"):
        site.load(str(tmp_path / "a.json"))


def test_a_site_of_a_newer_version_is_told(tmp_path):
    (tmp_path / "a.json").write_text('{"schema": "leuko-edge-site/9"}')
    with pytest.raises(EnvironmentBroken, match="newer"):
        site.load(str(tmp_path / "a.json"))


def test_a_site_of_an_older_version_is_told_with_the_command_that_teaches_again(tmp_path):
    (tmp_path / "a.json").write_text('{"schema": "leuko-edge-site/1", "source": "--session 7"}')
    with pytest.raises(EnvironmentBroken) as told:
        site.load(str(tmp_path / "a.json"))
    assert "--session 7" in str(told.value)


def test_the_sites_limits_are_those_that_its_cells_are_judged_by():
    judged = made(simulated_card()).judged_by(simulated_card())
    assert (judged.confidence_threshold, judged.abnormal_threshold) == (0.4, 0.2)
    assert "site KLINIK-2" in judged.name


@pytest.mark.parametrize("name", ["../x", "", "a\nb", "x" * 80])
def test_a_name_is_one(name, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with pytest.raises(UsageError):
        site.load(name)


@pytest.mark.parametrize(
    "changed",
    [
        {"bias": (float("nan"), 0.0)},
        {"weights": ((1.0,), (1.0, 2.0))},
        {"classes": ("a", "b")},
        {"temperature": 0.0},
        {"confidence_threshold": 1.5},
    ],
)
def test_numbers_that_make_no_sense_are_refused(changed):
    with pytest.raises(ValueError):
        made(simulated_card(), **changed)
