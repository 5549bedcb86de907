import numpy as np
import pytest

pytest.importorskip("keras")
from leuko_train.training import style

LABELS = np.array([0, 0, 0, 1, 1, 2])
LABS = np.array(["north", "south", "east", "north", "south", "north"])


def test_a_partner_is_of_the_same_class_and_of_another_laboratory():
    for seed in range(20):
        found = style.drawn(LABELS, LABS, 1.0, np.random.default_rng(seed)).views
        np.testing.assert_array_equal(LABELS[found], LABELS)
        assert (LABS[found] != LABS)[:5].all()


def test_a_class_that_one_laboratory_alone_shows_keeps_its_style():
    assert style.drawn(LABELS, LABS, 1.0, np.random.default_rng(0)).views[5] == 5


def test_so_many_keep_their_style_as_they_are_told_to():
    labels, labs = np.zeros(4000, int), np.array(["north", "south"] * 2000)
    for share in (0.0, 0.25, 1.0):
        changed = style.drawn(labels, labs, share, np.random.default_rng(0)).views != np.arange(4000)
        assert changed.mean() == pytest.approx(share, abs=0.03)


def test_a_whole_share_of_another_gives_its_mean_and_spread_but_not_its_picture():
    rng = np.random.default_rng(0)
    own, other = rng.normal(2, 1, (3, 8, 8, 4)), rng.normal(5, 3, (3, 8, 8, 4))
    found = style.mixed(own.astype(np.float32), other.astype(np.float32), np.ones(3, np.float32))
    np.testing.assert_allclose(found.mean((1, 2)), other.mean((1, 2)), atol=1e-2)
    np.testing.assert_allclose(found.std((1, 2)), other.std((1, 2)), rtol=1e-2)
    flat = [picture[..., 0].ravel() for picture in (found[0], own[0])]
    assert np.corrcoef(*flat)[0, 1] == pytest.approx(1, abs=1e-4)


def test_none_of_it_leaves_the_features_as_they_are():
    own = np.random.default_rng(0).normal(2, 1, (3, 8, 8, 4)).astype(np.float32)
    own[1, ..., 2] = 0  # a channel that the picture leaves dark
    found = style.mixed(own, own[::-1], np.zeros(3, np.float32))
    np.testing.assert_allclose(found, own, atol=1e-5)
