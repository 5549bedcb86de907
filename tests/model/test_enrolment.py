"""What a laboratory's named cells teach, on answers drawn with a known bias between classes."""

import numpy as np
import pytest

from leuko_edge.errors import EnvironmentBroken, ModelError, UsageError
from leuko_edge.model import enrolment, site
from leuko_edge.model.card import ModelCard
from leuko_edge.model.classify import simulated_card
from leuko_edge.types import CLASSES

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


def taught(each: int, seed: int, wrong: float = 0) -> enrolment.Learnt:
    labels = named(each)
    given = answers(labels, seed)
    said = labels.copy()
    rng = np.random.default_rng(seed)
    lies = rng.choice(len(labels), round(wrong * len(labels)), replace=False)
    said[lies] = (said[lies] + rng.integers(1, 5, len(lies))) % 5
    return enrolment.learn(given, said, CLASSES, np.arange(len(labels)), seed)


def right(found: np.ndarray, labels: np.ndarray) -> float:
    return float((found.argmax(axis=1) == labels).mean())


def applied(learnt: enrolment.Learnt, probabilities: np.ndarray) -> np.ndarray:
    return site.applied(probabilities, list(learnt.classes), learnt.weights, learnt.bias)


@pytest.mark.parametrize("each", [3, 10, 30])
def test_a_bias_between_classes_is_taken_away(each):
    labels = named(200)
    foreign = answers(labels, 99)
    gained = [right(applied(taught(each, seed), foreign), labels) - right(foreign, labels) for seed in range(3)]
    assert np.mean(gained) > 0.05 and min(gained) > 0


def test_a_normal_differential_is_nearer_to_the_truth_afterwards():
    learnt = taught(20, 1)
    assert abs(learnt.after["normal_bias"]) < abs(learnt.before["normal_bias"])
    assert learnt.before["normal_bias_class"] == "eosinophil" and learnt.better


def test_wrong_names_for_a_fifth_of_the_cells_do_not_make_the_site_worse():
    labels = named(200)
    foreign = answers(labels, 99)
    for seed in range(3):
        learnt = taught(10, seed, wrong=0.2)
        assert not learnt.better or right(applied(learnt, foreign), labels) >= right(foreign, labels)


def test_where_nothing_is_to_be_gained_it_says_so():
    labels = named(10)
    sure = np.full((len(labels), len(CLASSES)), 1e-6)
    sure[np.arange(len(labels)), labels] = 1
    learnt = enrolment.learn(sure / sure.sum(axis=1, keepdims=True), labels, CLASSES, np.arange(len(labels)))
    assert learnt.before["balanced_accuracy"] == 1 and learnt.after["balanced_accuracy"] == 1


@pytest.mark.parametrize("penalty", [*enrolment.PENALTIES, (1.0, 0.1)])
def test_no_other_numbers_lose_less_than_those_found(penalty):
    """Where a network is sure and wrong, whole steps of Newton's leap from one side of the least to the other."""
    labels = named(10)
    given = answers(labels, 4) ** 3
    given /= given.sum(axis=1, keepdims=True)
    logs = np.log(np.maximum(given[:, :5], site.LEAST))

    def loss(weights: np.ndarray, bias: np.ndarray) -> float:
        scores = logs @ weights.T + bias
        missed = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(labels)), labels]
        drawn = penalty[0] * ((weights - np.eye(5)) ** 2).sum() + penalty[1] * (bias**2).sum()
        return float(missed.sum() + drawn / 2)

    weights, bias = enrolment.fitted(given, labels, tuple(range(5)), penalty)
    least = loss(weights, bias)
    assert least < loss(np.eye(5), np.zeros(5))
    rng = np.random.default_rng(0)
    for size in (1e-3, 1e-2):
        for _ in range(20):
            assert least <= loss(weights + rng.normal(0, size, (5, 5)), bias + rng.normal(0, size, 5)) + 1e-9


def test_a_class_that_nobody_showed_keeps_its_probability():
    blasts = answers(np.full(50, BLAST), 5)
    found = applied(taught(10, 0), blasts)
    assert np.allclose(found[:, BLAST], blasts[:, BLAST]) and np.allclose(found.sum(axis=1), 1)


def test_a_class_with_two_cells_is_left_as_it_is():
    labels = np.array([0] * 5 + [1] * 5 + [4] * 2)
    learnt = enrolment.learn(answers(labels, 3), labels, CLASSES, np.arange(len(labels)))
    assert learnt.classes == (0, 1)


def test_one_class_alone_teaches_nothing():
    with pytest.raises(ValueError):
        enrolment.learn(answers(np.zeros(9, int), 0), np.zeros(9, int), CLASSES, np.arange(9))


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
        "weights": ((1.0, 0.0), (0.0, 1.0)),
        "bias": (0.5, -0.5),
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
    ["", "[]", "{", '{"schema": "leuko-edge-site/1"}', '{"schema": "leuko-edge-site/1", "weights": 3}', "\xff" * 9],
)
def test_a_broken_site_file_is_one_sentence(tmp_path, text):
    (tmp_path / "a.json").write_text(text, encoding="latin-1")
    with pytest.raises(EnvironmentBroken, match="damaged"):
        site.load(str(tmp_path / "a.json"))


def test_a_site_of_a_newer_version_is_told(tmp_path):
    (tmp_path / "a.json").write_text('{"schema": "leuko-edge-site/9"}')
    with pytest.raises(EnvironmentBroken, match="newer"):
        site.load(str(tmp_path / "a.json"))


@pytest.mark.parametrize("name", ["../x", "", "a\nb", "x" * 80])
def test_a_name_is_one(name, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with pytest.raises(UsageError):
        site.load(name)


@pytest.mark.parametrize(
    "changed", [{"bias": (float("nan"), 0.0)}, {"weights": ((1.0,), (1.0,))}, {"classes": ("a", "b")}]
)
def test_numbers_that_make_no_sense_are_refused(changed):
    with pytest.raises(ValueError):
        made(simulated_card(), **changed)
