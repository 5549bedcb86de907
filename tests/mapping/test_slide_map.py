"""Where every frame lies on the slide: followed, lost, found again; corrected later, and never merged by mistake."""

from itertools import pairwise

import numpy as np
import pytest
from slideworld import HEIGHT, WIDTH, Eyepiece, slide

from leuko_edge.mapping.keyframes import Keyframes
from leuko_edge.mapping.slide_map import SlideMap
from leuko_edge.mapping.view import View


@pytest.fixture
def camera() -> Eyepiece:
    return Eyepiece(slide())


def way(*stops: tuple[float, float], step: float = 110) -> np.ndarray:
    """Places (n, 2) from stop to stop, `step` px apart at most, every stop among them."""
    path = [np.array([stops[0]], float)]
    for a, b in pairwise(stops):
        n = max(1, int(np.ceil(np.hypot(b[0] - a[0], b[1] - a[1]) / step)))
        path.append(np.linspace(a, b, n + 1)[1:])
    return np.concatenate(path) + 0.37


def shown(slide_map: SlideMap, camera: Eyepiece, path: np.ndarray) -> list:
    return [slide_map.locate(camera.at(x, y)) for x, y in path]


def now(slide_map: SlideMap, places: list) -> np.ndarray:
    """(n, 3) area, x and y of places as the map has them now."""
    return np.array([slide_map.position(place.key, place.dx, place.dy) for place in places])


def wrong(slide_map: SlideMap, places: list, path: np.ndarray) -> np.ndarray:
    """(n,) px by which places differ from the path, but for where the area's corner happens to lie."""
    off = now(slide_map, places)[:, 1:] - path
    return np.hypot(*(off - np.median(off, axis=0)).T)


def test_a_tour_in_rows_and_back_is_followed_to_a_fraction_of_a_pixel(camera):
    tour = way((0, 0), (1900, 0), (1900, 330), (0, 330), (0, 660), (1900, 660))
    path = np.concatenate([tour, tour[::-1]])
    slide_map = SlideMap()
    places = shown(slide_map, camera, path)
    assert [place.state for place in places] == ["new"] + ["tracking"] * (len(path) - 1)
    assert np.median(wrong(slide_map, places, path)) < 0.5
    assert wrong(slide_map, places, path).max() < 2
    moved = np.hypot(*np.diff(path, axis=0).T)
    assert np.abs([place.step for place in places[1:]] - moved).max() < 2
    assert min(place.confidence for place in places) > 0.7


def test_fields_that_share_less_than_a_third_are_joined(camera):
    path = way((0, 0), (1800, 0), step=450)
    slide_map = SlideMap()
    places = shown(slide_map, camera, path)
    assert {place.state for place in places[1:]} == {"tracking"}
    assert wrong(slide_map, places, path).max() < 1


def test_resting_adds_neither_places_nor_drift(camera):
    slide_map = SlideMap()
    places = shown(slide_map, camera, np.full((40, 2), 500.0))
    assert len({place.key for place in places}) == 1
    assert wrong(slide_map, places, np.full((40, 2), 500.0)).max() < 0.3


def test_a_jump_is_lost_and_then_a_new_area_that_is_told_apart(camera):
    slide_map = SlideMap(settle=3)
    shown(slide_map, camera, way((0, 0), (500, 0)))
    places = shown(slide_map, camera, way((1500, 1300), (1700, 1300), step=51))
    assert [place.state for place in places] == ["lost", "lost", "new", "tracking", "tracking"]
    assert slide_map.areas == 2
    assert places[2].area != 0


def test_moving_frames_do_not_prove_a_new_area(camera):
    slide_map = SlideMap(settle=2)
    shown(slide_map, camera, way((0, 0), (300, 0)))
    states = [slide_map.locate(camera.at(1500, 1300), still=still).state for still in (False, False, False, True, True)]
    assert states == ["lost", "lost", "lost", "lost", "new"]


def test_an_empty_field_is_lost_and_the_place_is_found_again_after_it(camera):
    empty = Eyepiece(np.full((HEIGHT, WIDTH), 225, np.float32))
    slide_map = SlideMap()
    first = shown(slide_map, camera, way((400, 400), (700, 400)))
    assert {place.state for place in shown(slide_map, empty, np.zeros((5, 2)))} == {"lost"}
    again = slide_map.locate(camera.at(590.37, 470.37))
    assert again.state == "found"
    assert again.area == first[-1].area
    assert np.hypot(again.x - first[-1].x + 110, again.y - first[-1].y - 70) < 1


def test_every_known_place_is_found_again_after_a_jump(camera):
    slide_map = SlideMap()
    tour = way((0, 0), (1900, 0), (1900, 330), (0, 330), (0, 660), (1900, 660))
    places, path = shown(slide_map, camera, tour), [*tour]
    rng = np.random.default_rng(5)
    for _ in range(6):
        shown(slide_map, Eyepiece(slide(2)), np.array([[200.0, 200.0]]))  # another slide, for one frame
        spot = rng.uniform((0, 0), (1900, 660))
        for _ in range(4):
            place = slide_map.locate(camera.at(*spot))
            if place.state == "found":
                break
        assert place.state == "found"
        places.append(place)
        path.append(spot)
    assert slide_map.areas == 1
    assert wrong(slide_map, places, np.array(path)).max() < 2


def test_different_places_are_never_joined():
    slide_map = SlideMap(settle=2)
    spots = [(x, y) for y in (0, 480, 960, 1440) for x in (0, 650, 1300, 1950)]
    states = []
    for seed in (1, 2):
        camera = Eyepiece(slide(seed))
        states += [place.state for spot in spots for place in shown(slide_map, camera, np.full((3, 2), spot))]
    assert "found" not in states
    assert slide_map.areas == states.count("new") == 2 * len(spots)


def test_an_area_that_proves_part_of_an_older_one_takes_its_coordinates(camera):
    slide_map = SlideMap()
    old_way, new_way = way((0, 0), (500, 0)), way((1700, 1200), (1700, 100), (500, 0))
    old, new = shown(slide_map, camera, old_way), shown(slide_map, camera, new_way)
    assert "found" in [place.state for place in new]
    assert slide_map.areas == 1
    counted = [(place, at) for place, at in zip(new, new_way, strict=True) if place.state != "lost"]
    places, path = old + [place for place, _ in counted], np.concatenate([old_way, [at for _, at in counted]])
    assert set(now(slide_map, places)[:, 0]) == {0}
    assert wrong(slide_map, places, path).max() < 2


def test_a_new_slide_forgets_the_places_but_not_where_they_were(camera):
    slide_map = SlideMap()
    before = shown(slide_map, camera, way((0, 0), (300, 0)))
    kept = now(slide_map, before)
    slide_map.new_slide()
    after = shown(slide_map, camera, np.full((4, 2), 0.37))
    assert after[-1].area == 1
    assert "found" not in [place.state for place in after]
    assert (now(slide_map, before) == kept).all()


def test_frames_of_another_size_are_refused(camera):
    slide_map = SlideMap()
    slide_map.locate(camera.at(0, 0))
    with pytest.raises(ValueError, match="480, 640"):
        slide_map.locate(np.zeros((240, 320, 3), np.uint8))


def blank() -> View:
    return View(np.zeros((240, 320), np.int8), np.zeros((60, 80), np.float32), 0.0, 0.0)


def test_drift_round_a_loop_is_spread_over_it_once_it_closes():
    frames = Keyframes((320, 240), most=10)
    turn = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    true = 3000 * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    drift = np.array([0.4, -0.3])  # px at every step
    frames.add(blank(), true[0], 0)
    for n in range(1, len(true)):
        step = true[n] - true[n - 1] + drift
        frames.add(blank(), frames.places[n - 1] + step, 0)
        frames.link(n - 1, n, step, 0.6)
    before = np.hypot(*(frames.places[-1] - true[-1]))
    assert before > 90
    frames.link(len(true) - 1, 0, true[0] - true[-1], 0.6)
    for _ in range(60):
        frames.settle()
    off = frames.places - true
    assert np.hypot(*(off - off.mean(axis=0)).T).max() < 1


def test_only_so_many_keyframes_keep_their_picture_and_all_keep_their_place():
    frames = Keyframes((320, 240), most=10)
    for n in range(100):
        frames.add(blank(), np.array([n * 100.0, 0.0]), 0)
    assert sorted(frames.views) == list(range(90, 100))
    assert frames.places[3, 0] == 300
    assert frames.overlaps(np.array([300.0, 0.0]), 0).max() == 0
