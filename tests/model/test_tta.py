"""A cell's answer does not depend on which way round it lies, where the card says that it is shown every way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tiny import TINY

from leuko_edge.errors import ModelError
from leuko_edge.model.card import load_verified
from leuko_edge.model.classify import Classifier
from leuko_edge.model.litert import Network
from leuko_edge.model.tta import TURNS, combined, turned

CROPS = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8)


def answer(crops: np.ndarray) -> np.ndarray:
    """A network that looks at one corner alone."""
    shares = crops[:, 0, 0].astype(float) + 1
    return shares / shares.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("turns", "same"),
    [
        (2, lambda crops: np.rot90(crops, 2, (1, 2))),
        (4, lambda crops: np.rot90(crops, 1, (1, 2))),
        (8, lambda crops: np.rot90(crops, 3, (1, 2))[:, ::-1]),
    ],
)
def test_the_answer_is_the_same_for_a_cell_turned(turns, same):
    one, other = (combined(answer(turned(crops, turns)), turns) for crops in (CROPS, same(CROPS)))
    np.testing.assert_allclose(one, other)
    assert not np.allclose(answer(CROPS), answer(same(CROPS)))
    np.testing.assert_allclose(one.sum(axis=1), 1)


def test_every_way_round_is_another_one():
    for turns in TURNS:
        assert len(np.unique(turned(CROPS[:1], turns).reshape(turns, -1), axis=0)) == turns


def test_one_way_round_is_the_crop_and_its_answer():
    assert (turned(CROPS, 1) == CROPS).all()
    assert (combined(answer(CROPS), 1) == answer(CROPS)).all()


def test_a_classifier_combines_the_turns_that_its_card_names():
    card, content = load_verified(TINY)
    crops = np.random.default_rng(1).integers(0, 256, (2, 64, 64, 3), np.uint8)
    with Classifier(card, content, 1) as once, Classifier(replace(card, turns=4), content, 1) as often:
        assert often.probabilities(crops[:0]).shape == (0, len(card.classes))
        np.testing.assert_allclose(
            often.probabilities(crops), combined(once.probabilities(turned(crops, 4)), 4), rtol=1e-5
        )


def test_a_cell_whose_first_answer_is_certain_is_shown_no_other_way_round(monkeypatch):
    card, content = load_verified(TINY)
    rng = np.random.default_rng(2)
    crops = np.stack([rng.integers(0, white, (64, 64, 3), np.uint8) for white in (40, 60, 80, 190, 200, 210)])
    with Classifier(card, content, 1) as once, Classifier(replace(card, turns=4), content, 1) as always:
        first, every = once.answers(crops), always.answers(crops)
    best = np.sort(first.probabilities.max(1))
    middle = float((best[2] + best[3]) / 2)  # three of the six are as certain as that
    with Classifier(replace(card, turns=4, early_exit=middle), content, 1) as often:
        shown, run = [], Network.run
        monkeypatch.setattr(Network, "run", lambda self, views: (shown.append(len(views)), run(self, views))[1])
        found = often.answers(crops)
    assert shown == [6, 9]
    done = first.probabilities.max(1) >= middle
    np.testing.assert_allclose(found.probabilities[done], first.probabilities[done])
    np.testing.assert_allclose(found.probabilities[~done], every.probabilities[~done], rtol=1e-5)


@pytest.mark.parametrize("early_exit", [None, 0.3])
def test_training_combines_the_ways_round_as_the_device_does(early_exit):
    card, content = load_verified(TINY)
    crops = np.random.default_rng(3).integers(0, 256, (8, 64, 64, 3), np.uint8)
    card = replace(card, turns=2, early_exit=early_exit)
    with Classifier(card, content, 1) as device, Classifier(replace(card, turns=1), content, 1) as network:
        every = network.answers(turned(crops, 2))
        here = combined(every.probabilities, 2, early_exit)
        np.testing.assert_allclose(device.answers(crops).probabilities, here, rtol=1e-5)


@pytest.mark.parametrize("value", [0, 1.5, -1])
def test_a_card_with_a_senseless_early_exit_is_refused(value):
    with pytest.raises(ModelError, match="first way round"):
        replace(load_verified(TINY)[0], early_exit=value)
