"""A cell's answer does not depend on which way round it lies, where the card says that it is shown every way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tiny import TINY

from leuko_edge.model.card import load_verified
from leuko_edge.model.classify import Classifier
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
