"""A trial's breaks: the path less what nobody saw, and a source for each stretch between."""

import numpy as np
import pytest
from live_breaks import AWAY, Stints, interrupted

from leuko_edge.simulate import Faults, Pose, SlideFilm, Smear

PATH = [Pose(10.0 * n, 0.0) for n in range(600)]


def test_so_many_pieces_are_gone_and_the_rest_is_as_it_was():
    left = interrupted(PATH, 4, np.random.default_rng(1))
    steps = np.diff([pose.x for pose in left])
    gaps = steps[steps > 10]
    assert len(gaps) == 4 and (gaps > 10 * AWAY[0]).all() and (gaps <= 10 * AWAY[1]).all()
    assert left[0] == PATH[0] and left[-1] == PATH[-1]


def test_a_path_too_short_for_the_breaks_is_refused():
    with pytest.raises(ValueError, match="too short for 10 breaks"):
        interrupted(PATH, 10, np.random.default_rng(1))


def test_a_film_is_parted_where_it_leaps_and_every_frame_is_in_one_stint():
    poses = [Pose(x, 0.0) for x in (0, 10, 20, 400, 410, 0)]
    smear = Smear(3, {"neutrophil": 2}, width=800, height=240, um_per_px=0.2)
    film = SlideFilm(smear, poses, view=(320, 240), faults=Faults(dropped=0.0), seed=1)
    stints, seen = Stints(film, 160.0), []
    for stint in stints:
        frames = [(frame.index, stints.number) for frame in stint]
        seen.append(frames)
        assert stint.dropped == 0 and stint.name == film.name
    numbers = [[number for _, number in frames] for frames in seen]
    assert [index for frames in seen for index, _ in frames] == [index for index, *_ in film.poses]
    parts = [[film.poses[number][1] for number in part] for part in numbers]
    assert [sorted(set(part)) for part in parts] == [[0, 10, 20], [400, 410], [0]]


def test_a_film_that_never_leaps_is_one_stint():
    smear = Smear(3, {"neutrophil": 2}, width=800, height=240, um_per_px=0.2)
    film = SlideFilm(smear, [Pose(10.0 * n, 0.0) for n in range(4)], view=(320, 240), seed=1)
    assert len([list(stint) for stint in Stints(film, 160.0)]) == 1
