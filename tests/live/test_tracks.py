import numpy as np
import pytest

from leuko_edge.live.tracks import VIEWS, Track, Tracks
from leuko_edge.session import Place

UM = 0.1


class FakeMap:
    """Keyframe k lies at (1000 k, 0) of area 0, until moved."""

    def __init__(self) -> None:
        self.areas: dict[int, int] = {}
        self.shift: dict[int, float] = {}

    def position(self, key: int, dx: float, dy: float) -> tuple[int, float, float]:
        return self.areas.get(key, 0), 1000.0 * key + self.shift.get(key, 0.0) + dx, dy


def at(x: float = 0.0, y: float = 0.0, area: int = 0) -> Place:
    return Place("tracking", area, 0, x, y, x, y, 1.0, 0.0)


@pytest.fixture
def world() -> tuple[FakeMap, Tracks]:
    slide = FakeMap()
    tracks = Tracks(slide.position)
    tracks.add(Track(0, 300.0, 200.0, id=1))
    tracks.add(Track(1, 0.0, 200.0, id=2))  # at 1000, 200
    return slide, tracks


def ids(found: list[Track | None]) -> list[int | None]:
    return [None if track is None else track.id for track in found]


def test_a_cell_is_known_again_from_another_view(world):
    _, tracks = world
    assert ids(tracks.match(at(), [(303.0, 198.0), (600.0, 200.0)], UM)) == [1, None]
    assert ids(tracks.match(at(250.0, 100.0), [(53.0, 98.0)], UM)) == [1]


def test_a_cell_a_whole_nucleus_away_is_another(world):
    assert ids(world[1].match(at(), [(300.0 + 70.0, 200.0)], UM)) == [None]


def test_the_same_coordinates_in_another_area_are_another_cell(world):
    assert ids(world[1].match(at(area=1), [(300.0, 200.0)], UM)) == [None]


def test_two_cells_near_one_track_cannot_both_be_it(world):
    assert ids(world[1].match(at(), [(330.0, 200.0), (310.0, 200.0)], UM)) == [None, 1]


def test_when_the_map_is_corrected_the_tracks_move_along(world):
    slide, tracks = world
    slide.shift[1] = 400.0
    assert ids(tracks.match(at(1000.0), [(0.0, 200.0), (400.0, 200.0)], UM)) == [None, 2]


def test_areas_that_prove_to_be_one_show_what_was_counted_twice(world):
    slide, tracks = world
    slide.areas[2] = 1
    tracks.add(Track(2, 300.0, 200.0, id=3))
    assert tracks.doubled(UM) == []
    slide.areas[2], slide.shift[2] = 0, -2000.0
    assert [(a.id, b.id) for a, b in tracks.doubled(UM)] == [(1, 3)]


def test_the_class_comes_from_the_best_views():
    track = Track(0, 0.0, 0.0)
    for quality in (0.3, 0.4, 0.2, 0.3, 0.4):
        track.see(quality, np.array([0.9, 0.1]))
    for _ in range(VIEWS):
        combined = track.see(1.0, np.array([0.2, 0.8]))
    assert len(track.views) == VIEWS
    np.testing.assert_allclose(combined, [0.2, 0.8])
    assert not track.wants(1.1) and track.wants(1.3)


def test_views_that_agree_do_not_add_up_to_certainty():
    track = Track(0, 0.0, 0.0)
    for _ in range(VIEWS):
        combined = track.see(1.0, np.array([0.7, 0.3]))
    np.testing.assert_allclose(combined, [0.7, 0.3])


@pytest.mark.parametrize(("micrometres", "known"), [(4.8, True), (5.2, False)])
def test_centres_nearer_than_five_micrometres_are_one_cell_and_farther_ones_are_two(world, micrometres, known):
    _, tracks = world
    px = micrometres / UM
    assert ids(tracks.match(at(), [(300.0 + px, 200.0)], UM)) == [1 if known else None]
    assert tracks.near(0, 300.0 + px, 200.0, UM) is known
    tracks.add(Track(0, 300.0 + px, 200.0, id=3))
    assert [(older.id, newer.id) for older, newer in tracks.doubled(UM)] == ([(1, 3)] if known else [])


def test_cells_at_one_place_of_two_areas_are_not_one(world):
    slide, tracks = world
    slide.areas[2] = 1
    tracks.add(Track(2, -1700.0, 200.0, id=3))  # where cell 1 lies, in another area
    assert tracks.doubled(UM) == [] and not tracks.near(2, 300.0, 200.0, UM)


def test_the_four_best_views_are_combined_and_a_cell_that_is_three_tracks_leaves_one(world):
    track = Track(0, 0.0, 0.0)
    for quality in (1.0, 2.0, 3.0, 4.0, 5.0):
        track.see(quality, np.array([0.5, 0.5]))
    assert [view.quality for view in track.views] == [5.0, 4.0, 3.0, 2.0]
    _, tracks = world
    tracks.add(Track(0, 301.0, 200.0, id=3))
    tracks.add(Track(0, 302.0, 200.0, id=4))
    assert [(older.id, newer.id) for older, newer in tracks.doubled(UM)] == [(1, 3), (1, 4)]


def test_a_cell_between_two_tracks_is_the_nearer_one(world):
    _, tracks = world
    tracks.add(Track(0, 330.0, 200.0, id=3))
    assert ids(tracks.match(at(), [(312.0, 200.0)], UM)) == [1]


def test_a_cell_that_was_undone_is_not_counted_twice_with_another(world):
    _, tracks = world
    tracks.add(Track(0, 301.0, 200.0, id=3, undone=True))
    assert tracks.doubled(UM) == []


def test_views_that_disagree_are_combined_to_probabilities_that_add_up_to_one():
    track = Track(0, 0.0, 0.0)
    track.see(1.0, np.array([0.9, 0.1]))
    combined = track.see(1.0, np.array([0.5, 0.5]))
    np.testing.assert_allclose(combined, [0.75, 0.25])  # the root of 0.9 × 0.5 is three times that of 0.1 × 0.5
