"""What finds platelets learns, and how the estimates are judged."""

from __future__ import annotations

import numpy as np
import pytest

from leuko_edge.vision.platelets import WEIGHTS, scores
from leuko_edge.vision.small_bodies import FEATURES, Bodies
from leuko_train.data.items import Box
from leuko_train.estimates.fit import NO, UNSURE, YES, learnt, named
from leuko_train.estimates.measure import Found, correlation


def bodies(*centres: tuple[float, float]) -> Bodies:
    return Bodies(np.zeros((len(centres), len(FEATURES))), np.array(centres), np.ones(len(centres)))


def test_the_body_nearest_to_a_boxs_middle_is_its_platelet_and_what_else_lies_there_is_not_sure():
    found = named(bodies((10, 10), (12, 11), (40, 40)), [Box("platelet", 4, 4, 20, 20)], 0.1)
    assert found.tolist() == [UNSURE, YES, NO]


def test_what_differs_is_learnt_and_as_many_are_found_as_there_were():
    chance = np.random.default_rng(1)
    features = chance.normal(0, 1, (400, len(FEATURES)))
    some = features[:, 2] + features[:, 5] ** 2 > 2  # no straight line parts these
    weights = learnt(features, np.where(some, YES, NO), int(some.sum()))
    found = scores(features, weights) > weights["threshold"]
    assert found.sum() == some.sum() and (found == some).mean() > 0.95


def test_the_shipped_weights_say_what_they_are_of():
    text = WEIGHTS.read_text()
    assert "leuko-train estimates --fit" in text and "bccd" in text and "licences" in text


def test_bias_error_and_correlation_of_counts():
    found = Found("lab", "platelet", hits=5, counts=[(2, 3), (4, 4), (0, 1)])
    assert (found.true, found.found) == (6, 8) and found.bias == pytest.approx(1 / 3)
    assert found.error == pytest.approx(2 / 3)
    assert found.r == pytest.approx(np.corrcoef([2, 4, 0], [3, 4, 1])[0, 1])
    assert correlation([(1, 2), (1, 3), (1, 4)]) is None
