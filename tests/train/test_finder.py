"""What the finder learns from: views whose targets fit what is in them, other stains, mosaics of touching cells."""

from __future__ import annotations

import numpy as np
import pytest

from leuko_edge.vision.finder_input import WHITE
from leuko_train.finder.gather import drawn
from leuko_train.finder.pictures import UNKNOWN, Picture, Place
from leuko_train.finder.recolour import recoloured
from leuko_train.finder.scene import SIDE, Scene
from leuko_train.finder.views import Views


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    return list(drawn(fields=4))


def test_views_are_whole_and_their_targets_say_yes_no_or_nobody_knows(pictures):
    views = Views(pictures, seed=0)
    for _ in range(20):
        view = views.draw()
        assert view.shown.shape == (SIDE, SIDE, 6)
        assert view.centre.shape == view.body.shape == (SIDE // 2, SIDE // 2)
        assert set(np.unique([view.centre, view.body])) <= {0, 1, UNKNOWN}


def test_the_same_seed_draws_the_same_views(pictures):
    one, other = (Views(pictures, seed=3).draw() for _ in range(2))
    np.testing.assert_array_equal(one.shown, other.shown)


def test_every_cell_of_a_scene_has_its_disc_in_the_map_of_middles(pictures):
    rng = np.random.default_rng(1)
    for picture in pictures:
        scene = Scene.of(rng, picture)
        middles = scene.centre()
        for place in scene.places:
            if 2 < place.x < SIDE - 2 and 2 < place.y < SIDE - 2:
                assert middles[int(place.y) // 2, int(place.x) // 2] == 1


def test_a_crowded_scene_holds_more_cells_none_on_another():
    rng = np.random.default_rng(2)
    one = Picture(
        "", "pbc", "", "train",
        rgb=np.full((60, 60, 3), WHITE, np.uint8), body=_disc(), places=(Place(30.0, 30.0, (12.0, 12.0)),), unknown=(),
        red=np.array([0.1, 0.2, 0.1], np.float32), nucleus=np.array([0.5, 0.8, 0.3], np.float32),
    )  # fmt: skip
    scene = Scene.of(rng, one)
    scene.crowd(rng, [one], 12)
    assert len(scene.places) > 1
    for n, a in enumerate(scene.places):
        for b in scene.places[:n]:
            assert np.hypot(a.x - b.x, a.y - b.y) > 0.8 * (sum(a.radii) + sum(b.radii)) / 2


def test_another_stain_moves_red_cells_and_leaves_the_background():
    rng = np.random.default_rng(0)
    red, nucleus = np.array([0.05, 0.25, 0.15]), np.array([0.5, 0.8, 0.3])
    density = np.stack([np.zeros((4, 3)), np.tile(red, (4, 1))]).astype(np.float32)
    changed, new_red = recoloured(rng, density, red, nucleus)
    np.testing.assert_allclose(changed[0], 0, atol=1e-6)
    np.testing.assert_allclose(changed[1], np.tile(new_red, (4, 1)), atol=0.03)


def _disc() -> np.ndarray:
    y, x = np.mgrid[:60, :60]
    return (np.hypot(x - 30, y - 30) < 12).astype(np.uint8)
