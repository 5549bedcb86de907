"""Two views of one slide: their shift to a fraction of a pixel, and no shift believed where there is none."""

from itertools import combinations

import cv2
import numpy as np
import pytest
from slideworld import HEIGHT, WIDTH, Eyepiece, slide

from leuko_edge.mapping.follow import CLOSE, LEAP
from leuko_edge.mapping.registration import refine, search
from leuko_edge.mapping.slide_map import KNOW
from leuko_edge.mapping.view import SIDE, Dirt, View, reduced

RATIO = WIDTH / SIDE


def seen(bgr: np.ndarray) -> View:
    return View.of(reduced(bgr))


def off_by(shift, dx: float, dy: float) -> float:
    """How wrong a shift is, in px of the full frame."""
    assert shift is not None
    return float(np.hypot(shift.dx * RATIO - dx, shift.dy * RATIO - dy))


@pytest.mark.parametrize("move", [(0.0, 0.0), (0.7, -0.4), (13.3, 8.6), (-151.7, 96.2), (445.3, 4.1), (5.5, -330.8)])
def test_a_known_shift_is_measured_to_half_a_pixel_of_the_full_frame(move):
    camera = Eyepiece(slide())
    shift = search(seen(camera.at(700.3, 600.8)), seen(camera.at(700.3 + move[0], 600.8 + move[1])))
    assert off_by(shift, *move) < 0.5
    assert shift.meets(KNOW)


def test_blur_and_heavy_noise_cost_little():
    sharp, poor = Eyepiece(slide()), Eyepiece(slide(), noise=8)
    blurred = cv2.GaussianBlur(poor.at(823.4, 655.1), (0, 0), 3)
    shift = search(seen(sharp.at(700, 600)), seen(blurred))
    assert off_by(shift, 123.4, 55.1) < 1
    assert shift.meets(LEAP)


@pytest.mark.parametrize("move", [1.5, 4.0, 60.0])
def test_the_lamp_does_not_pull_a_shift_towards_zero(move):
    camera = Eyepiece(slide(), vignette=0.8)
    assert off_by(search(seen(camera.at(700, 600)), seen(camera.at(700 + move, 600))), move, 0) < 0.3


def test_dust_on_the_sensor_is_learnt_and_then_does_not_pull_either():
    camera, dirt, rng = Eyepiece(slide(), dust=40), Dirt(), np.random.default_rng(2)
    for _ in range(30):
        dirt.learn(reduced(camera.at(rng.uniform(0, 1900), rng.uniform(0, 1400))))
    pairs = [((x, 500.0), (x + 5.0, 497.0)) for x in (300.0, 900.0, 1500.0)]
    wrong = {"learnt": [], "not learnt": []}
    for a, b in pairs:
        bands = reduced(camera.at(*a)), reduced(camera.at(*b))
        wrong["not learnt"].append(off_by(search(*(View.of(band) for band in bands)), 5, -3))
        wrong["learnt"].append(off_by(search(*(View.of(dirt.removed(band)) for band in bands)), 5, -3))
    assert max(wrong["learnt"]) < 0.5
    assert np.mean(wrong["learnt"]) < 0.5 * np.mean(wrong["not learnt"])


def test_learning_dirt_on_a_clean_sensor_removes_next_to_nothing():
    camera, dirt, rng = Eyepiece(slide()), Dirt(), np.random.default_rng(3)
    for _ in range(30):
        dirt.learn(reduced(camera.at(rng.uniform(0, 1900), rng.uniform(0, 1400))))
    band = reduced(camera.at(700, 600))
    assert np.mean(dirt.removed(band) != band) < 0.01


def test_different_places_are_never_believed_to_be_one():
    camera = Eyepiece(slide())
    places = [(x, y) for y in (0, 480, 960, 1400) for x in (0, 640, 1280, 1950)]
    views = [seen(camera.at(x + 0.3, y + 0.6)) for x, y in places]
    tried = [search(a, b) for a, b in combinations(views, 2)]
    shifts = [shift for shift in tried if shift is not None]
    assert len(shifts) > 60
    assert not [shift for shift in shifts if shift.meets(LEAP) or shift.meets(CLOSE) or shift.meets(KNOW)]


def test_one_dark_nucleus_upon_another_is_not_a_shared_place():
    rng = np.random.default_rng(4)
    frames = []
    for centre in ((200, 200), (420, 300)):
        bgr = np.full((HEIGHT, WIDTH, 3), 225, np.uint8)
        cv2.circle(bgr, centre, 35, (120, 60, 110), -1)
        frames.append(seen(cv2.add(bgr, rng.integers(0, 6, bgr.shape, dtype=np.uint8))))
    shift = search(*frames)
    assert shift is None or not any(shift.meets(demand) for demand in (KNOW, CLOSE, LEAP))


def test_an_empty_field_shows_nothing_and_shifts_nowhere():
    camera = Eyepiece(np.full((HEIGHT, WIDTH), 225, np.float32), dust=0)
    a, b = seen(camera.at(0, 0)), seen(camera.at(0, 0))
    assert a.texture < 0.05
    shift = refine(a, b, (0.0, 0.0))
    assert shift is None or not shift.meets(LEAP)


def test_a_black_frame_round_the_field_of_view_does_not_hold_the_shift():
    camera = Eyepiece(slide())
    y, x = np.ogrid[:HEIGHT, :WIDTH]
    outside = np.hypot(x - WIDTH / 2, y - HEIGHT / 2) > 0.55 * HEIGHT
    views = []
    for place in ((700, 600), (731, 589)):
        bgr = camera.at(*place)
        bgr[outside] = 3
        views.append(seen(bgr))
    assert off_by(search(*views), 31, -11) < 0.5
