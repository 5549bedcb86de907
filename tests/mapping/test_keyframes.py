"""The map's keyframes: which are near, which are linked, and where they lie once areas are joined."""

import numpy as np
import pytest

from leuko_edge.mapping.keyframes import Keyframes
from leuko_edge.mapping.view import View

VIEW = View.of_fine(np.zeros((60, 80), np.int8))


@pytest.fixture
def frames() -> Keyframes:
    """Two side by side in area 0, and one of area 1 at the first one's place."""
    made = Keyframes((80, 60), 10)
    for place, area in (((0, 0), 0), ((40, 0), 0), ((0, 0), 1)):
        made.add(VIEW, np.array(place, float), area)
    return made


def test_only_views_of_the_same_area_overlap(frames):
    assert frames.overlaps(np.array([0.0, 0.0]), 0).tolist() == [1.0, 0.5, 0.0]
    assert frames.overlaps(np.array([0.0, 30.0]), 1).tolist() == [0.0, 0.0, 0.5]


def test_beyond_the_number_that_is_kept_the_oldest_lose_their_picture_and_keep_their_place():
    frames = Keyframes((80, 60), 2)
    for x in (0, 10, 20):
        frames.add(VIEW, np.array([x, 0.0]), 0)
    assert list(frames.views) == [1, 2] and frames.places[:, 0].tolist() == [0, 10, 20]
    assert frames.overlaps(np.array([0.0, 0.0]), 0)[0] == 0  # it can no longer be recognised


def test_a_link_is_known_from_both_its_ends(frames):
    frames.link(1, 0, np.array([-40.0, 0.0]), 1.0)
    assert frames.linked(0, 1) and frames.linked(1, 0) and not frames.linked(0, 2)


def test_a_joined_area_moves_whole_to_where_its_view_was_recognised(frames):
    frames.add(VIEW, np.array([15.0, 5.0]), 1)
    frames.join(1, 2, np.array([8.0, 6.0]), 1.0)
    assert frames.areas.tolist() == [0, 0, 0, 0]
    assert frames.places.tolist() == [[0, 0], [40, 0], [48, 6], [63, 11]]
    assert frames.linked(1, 2)


def test_links_that_contradict_one_another_are_met_halfway(frames):
    frames.link(0, 1, np.array([40.0, 0.0]), 1.0)
    frames.link(0, 1, np.array([44.0, 0.0]), 1.0)
    frames.settle()
    assert frames.places[1, 0] - frames.places[0, 0] == pytest.approx(42.0, abs=0.05)


def test_what_is_taken_back_is_gone_with_its_links(frames):
    frames.link(0, 2, np.array([0.0, 0.0]), 1.0)
    frames.forget_from(2)
    assert frames.count == 2 and list(frames.views) == [0, 1] and not frames.linked(0, 2)
    assert len(frames.places) == len(frames.areas) == 2
