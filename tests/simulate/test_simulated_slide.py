"""The simulated slide as a camera sees it: a smear without seams, a stage driven by hand, and their true places."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable

import cv2
import numpy as np
import pytest

from leuko_edge.model.finder import shipped
from leuko_edge.simulate import (
    NO_FAULTS,
    STEADY,
    Faults,
    Hand,
    Pose,
    SlideFilm,
    Smear,
    driven,
    jumping,
    revisiting,
    serpentine,
    there_and_back,
)
from leuko_edge.simulate.exposure import smeared
from leuko_edge.types import Frame
from leuko_edge.vision.field import Field
from leuko_edge.vision.segment import find_cells

CELLS = {"neutrophil": 12, "lymphocyte": 6, "monocyte": 2, "erythroblast": 1, "artefact": 2}
SIZE = (4000, 3000)
VIEW = (640, 480)
GREEN = 1


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def small(seed: int = 1, **more: object) -> Smear:
    return Smear(seed, CELLS, width=SIZE[0], height=SIZE[1], **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def smear() -> Smear:
    return small()


def film(smear: Smear, path: Iterable[tuple[float, float]], faults: Faults = NO_FAULTS, **more: object) -> SlideFilm:
    poses = [Pose(*at) for at in path]
    return SlideFilm(smear, poses, faults=faults, **{"view": VIEW, **more})  # type: ignore[arg-type]


def picture(smear: Smear, x: float, y: float, faults: Faults = NO_FAULTS) -> np.ndarray:
    return next(iter(film(smear, [(x, y)], faults))).bgr


# The smear


def test_all_cells_are_known_before_a_pixel_is_drawn(smear: Smear) -> None:
    assert smear.counts == CELLS and Counter(cell.label for cell in smear.truth) == CELLS
    assert [cell.id for cell in smear.truth] == list(range(sum(CELLS.values())))


def test_cells_lie_whole_inside_the_smear_and_apart_from_one_another(smear: Smear) -> None:
    centres = np.array([cell.centre for cell in smear.truth])
    reach = np.array([cell.reach for cell in smear.truth])
    assert (centres - reach[:, None] >= 100).all() and (centres + reach[:, None] <= np.array(SIZE) - 100).all()
    gaps = np.hypot(*(centres[:, None] - centres[None]).transpose(2, 0, 1)) - reach[:, None] - reach[None]
    assert gaps[~np.eye(len(centres), dtype=bool)].min() >= 29.9


def test_a_cell_is_drawn_where_the_truth_says_and_nowhere_beyond_its_reach(smear: Smear) -> None:
    for cell in smear.truth[:8]:
        x, y, w, h = smear.box(cell.id)
        cx, cy = cell.centre
        assert cx - cell.reach <= x and x + w <= cx + cell.reach and cy - cell.reach <= y and y + h <= cy + cell.reach
        assert smear.piece(x, y, w, h)[GREEN].min() < 100, cell.label


def test_pixels_do_not_depend_on_what_was_looked_at_before() -> None:
    first, second = small(3, memory_mb=0), small(3)
    straight = first.piece(700, 700, 600, 600)
    second.piece(2100, 1100, 50, 50)
    assert np.array_equal(second.piece(700, 700, 600, 600), straight)
    assert not np.array_equal(small(4).piece(700, 700, 600, 600), straight)


def test_tiles_join_without_a_seam(smear: Smear) -> None:
    across = smear.piece(900, 200, 200, 1000)[GREEN].astype(float)
    steps = np.abs(np.diff(across, axis=1)).mean(axis=0)
    assert steps[99] < 1.3 * np.median(steps)  # between columns 999 and 1000, of two tiles
    down = smear.piece(200, 900, 1000, 200)[GREEN].astype(float)
    steps = np.abs(np.diff(down, axis=0)).mean(axis=1)
    assert steps[99] < 1.3 * np.median(steps)


def test_the_smear_goes_on_beyond_its_edges_without_white_cells(smear: Smear) -> None:
    beyond = smear.piece(-900, -900, 800, 800)[GREEN]
    assert beyond.max() > 220 and np.percentile(beyond, 10) < 200
    assert not len(smear.near(-900, -900, 800, 800))


def test_tiles_are_forgotten_when_the_memory_for_them_is_full() -> None:
    smear = small(memory_mb=30)
    first = smear.piece(0, 0, 10, 10)
    for column in range(10):
        smear.piece(5000 + 1000 * column, 0, 10, 10)
    assert smear.tiles_kept == 10
    assert np.array_equal(smear.piece(0, 0, 10, 10), first)


def test_more_cells_than_fit_and_unknown_cells_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit a smear of 900×700"):
        Smear(1, {"monocyte": 40}, width=900, height=700)
    with pytest.raises(ValueError, match="plasma_cell"):
        Smear(1, {"plasma_cell": 1})


# The stage


def test_the_serpentine_shows_every_pixel_and_its_views_overlap() -> None:
    stops = serpentine((4000, 3000), (1280, 960), 0.3)
    seen = np.zeros((3000, 4000), bool)
    for x, y in stops:
        assert x + 1280 <= 4000 and y + 960 <= 3000
        seen[round(y) : round(y) + 960, round(x) : round(x) + 1280] = True
    assert seen.all()
    steps = np.abs(np.diff(np.array(stops), axis=0))
    assert (steps[:, 0] <= 0.7 * 1280 + 1e-6).all() and (steps[:, 1] <= 0.7 * 960 + 1e-6).all()
    assert (steps.min(axis=1) == 0).all()  # along a row or to the next, never across


def test_a_slide_smaller_than_the_view_and_a_full_overlap_are_refused() -> None:
    with pytest.raises(ValueError, match="larger than the slide"):
        serpentine((1000, 3000), (1280, 960))
    with pytest.raises(ValueError, match="overlap"):
        serpentine((4000, 3000), (1280, 960), 1.0)


def test_the_way_back_ends_where_the_tour_began() -> None:
    stops = serpentine((4000, 3000), (1280, 960))
    both = there_and_back(stops)
    assert both[: len(stops)] == stops and both[::-1] == both


def test_a_motor_rests_at_each_stop_and_speeds_up_and_slows_down_between_them() -> None:
    hand = Hand(**{**STEADY.__dict__, "move": 8, "rest": 3})
    path = np.array(list(driven([Pose(0, 0), Pose(896, 0)], hand, rng())))
    assert len(path) == 3 + 8 + 3 and (path[:3] == 0).all() and (path[-4:] == (896, 0)).all()
    steps = np.diff(path[2:11, 0])
    assert (np.diff(steps[:4]) > 0).all() and (np.diff(steps[4:]) < 0).all()


def test_a_hand_reaches_every_stop_and_never_outruns_the_overlap_of_frames() -> None:
    stops = there_and_back(serpentine((9000, 6000), (1280, 960)))
    path = np.array(list(driven(stops, Hand(), rng())))
    nearest = [np.hypot(*(path - stop).T).min() for stop in stops]
    assert max(nearest) < 50
    steps = np.abs(np.diff(path, axis=0))
    assert steps[:, 0].max() < 0.35 * 1280 and steps[:, 1].max() < 0.4 * 960
    assert (np.hypot(*steps.T) < 1).mean() > 0.3  # it rests


def test_a_far_return_takes_more_frames_instead_of_more_speed() -> None:
    path = np.array(list(driven([Pose(0, 0), Pose(9000, 0)], STEADY, rng())))
    assert np.diff(path[:, 0]).max() <= STEADY.top_px + 1e-6


def test_jumps_show_the_same_poses_and_lead_far_away() -> None:
    path = list(driven(serpentine((9000, 6000), (1280, 960)), Hand(), rng()))
    jumped = jumping(path, 10, rng(2))
    assert Counter(jumped) == Counter(path)
    steps = np.hypot(*np.diff(np.array(jumped), axis=0).T)
    assert (steps > 600).sum() == 10
    with pytest.raises(ValueError, match="too short"):
        jumping(path[:15], 10, rng())


def test_revisits_go_back_and_leave_no_stop_out() -> None:
    stops = serpentine((9000, 6000), (1280, 960))
    path = revisiting(stops, rng(), share=0.3)
    times = Counter(path)
    assert set(times) == set(stops) and len(path) > len(stops) * 1.2
    assert path[-1] == stops[-1]


# The film


def frames_of(smear: Smear, seed: int = 0) -> list[Frame]:
    path = driven([Pose(300, 300), Pose(700, 340)], Hand(), rng(5))
    return list(SlideFilm(smear, path, view=VIEW, faults=Faults(dropped=0.2), seed=seed))


def test_the_same_seed_films_the_same_pixels_and_another_seed_others(smear: Smear) -> None:
    first, again, other = frames_of(smear), frames_of(smear), frames_of(smear, 1)
    assert [f.index for f in first] == [f.index for f in again]
    assert all(np.array_equal(a.bgr, b.bgr) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0].bgr, other[0].bgr)


def test_frames_are_of_the_size_asked_for_and_say_that_they_are_simulated(smear: Smear) -> None:
    (frame,) = film(smear, [(10.5, 20.25)], view=(500, 300))
    assert frame.bgr.shape == (300, 500, 3) and "simulated" in frame.source


def test_the_picture_shows_the_slide_at_the_pose_that_is_recorded(smear: Smear) -> None:
    taken = film(smear, [(1300.0, 820.0), (1310.4, 813.7)])
    first, second = (frame.bgr[..., GREEN].astype(np.float32) for frame in taken)
    assert list(taken.poses) == [(0, 1300.0, 820.0), (1, 1310.4, 813.7)]
    (dx, dy), _ = cv2.phaseCorrelate(second, first, cv2.createHanningWindow(VIEW, cv2.CV_32F))
    assert (dx, dy) == pytest.approx((10.4, -6.3), abs=0.25)
    slide = smear.piece(1300, 820, *VIEW)[GREEN].astype(np.float32)
    shift, _ = cv2.phaseCorrelate(slide, first, cv2.createHanningWindow(VIEW, cv2.CV_32F))
    assert shift == pytest.approx((0, 0), abs=0.1)


def test_a_moving_stage_smears_the_picture_along_its_way_and_not_across(smear: Smear) -> None:
    path = [(1300.0 + 250 * n, 820.0) for n in range(3)]
    still, moved = (
        list(film(smear, p, Faults(**{**NO_FAULTS.__dict__, "shutter_s": 0.008}))) for p in ([path[1]], path)
    )
    edges = [
        [
            np.abs(np.diff(cv2.GaussianBlur(bgr[..., GREEN], (0, 0), 1.5).astype(float), axis=axis)).mean()
            for axis in (0, 1)
        ]
        for bgr in (still[0].bgr, moved[1].bgr)
    ]
    assert edges[1][1] < 0.7 * edges[0][1]
    assert edges[1][0] > 0.75 * edges[0][0]


@pytest.mark.parametrize("motion", [(20.0, 0.0), (-13.0, 6.0), (3.0, -31.0), (0.2, 0.1)])
def test_motion_spreads_a_spot_evenly_about_its_place(motion: tuple[float, float]) -> None:
    plane = np.zeros((120, 120), np.uint8)
    plane[59:62, 59:62] = 255
    after, at = smeared(plane, motion)
    rows, columns = np.nonzero(after)
    weight = after[rows, columns].astype(float)
    centre = np.array([(columns * weight).sum(), (rows * weight).sum()]) / weight.sum() + at
    assert centre == pytest.approx((60, 60), abs=1.0)
    assert np.ptp(columns) + 1 == pytest.approx(3 + abs(motion[0]), abs=1.7)
    assert np.ptp(rows) + 1 == pytest.approx(3 + abs(motion[1]), abs=1.7)


def test_twice_the_noise_is_twice_the_noise(smear: Smear) -> None:
    def spread(factor: float) -> float:
        faults = Faults(**{**NO_FAULTS.__dict__, "noise": factor})
        one, two = (frame.bgr.astype(float) for frame in film(smear, [(900, 900)] * 2, faults))
        return float((one - two).std())

    assert 1 < spread(1.0) < 3
    assert spread(2.0) == pytest.approx(2 * spread(1.0), rel=0.1)


def test_captured_frames_are_those_delivered_and_those_dropped(smear: Smear) -> None:
    taken = film(smear, [(900, 900)] * 60, Faults(**{**NO_FAULTS.__dict__, "dropped": 0.3}), view=(64, 48))
    delivered = [frame.index for frame in taken]
    assert 5 < taken.dropped < 35 and len(delivered) + taken.dropped == 60
    assert delivered == sorted(set(delivered)) and [index for index, _, _ in taken.poses] == delivered


def test_a_hand_waits_at_its_stop_until_the_picture_is_sharp_again(smear: Smear) -> None:
    lost = Faults(**{**NO_FAULTS.__dict__, "lost_focus": 1.0})
    taken = list(film(smear, [(900, 900)] * 2, lost))
    planes = [frame.bgr[..., GREEN].astype(np.float32) for frame in taken]
    sharpness = [cv2.Laplacian(cv2.GaussianBlur(plane, (0, 0), 2), cv2.CV_32F).std() for plane in planes]
    assert 2 * 24 <= len(taken) <= 2 * 41
    assert min(sharpness) < 0.6 * max(sharpness)
    assert sharpness[-1] > 0.95 * sharpness[0]


def test_a_film_waits_for_its_reader_and_a_live_camera_does_not(smear: Smear) -> None:
    for live in (False, True):
        taken = film(smear, [(900, 900)] * 20, live=live, fps=100, view=(64, 48))
        for _ in taken:
            time.sleep(0.025)
        assert taken.live is live and (taken.dropped > 0) is live
        assert len(taken.poses) + taken.dropped == 20


def test_cells_seen_whole_are_those_inside_a_delivered_view(smear: Smear) -> None:
    cell = smear.truth[0]
    x, y, _, _ = smear.box(cell.id)
    at_edge, cut = film(smear, [(x, y)]), film(smear, [(x + 1, y)])
    for taken in (at_edge, cut):
        assert len(list(taken)) == 1
    assert cell in at_edge.seen_whole() and cell in at_edge.seen_whole(readable=True)
    assert cell not in cut.seen_whole()
    in_motion = film(smear, [(x - 200 + 100 * n, y) for n in range(3)])
    assert len(list(in_motion)) == 3
    assert cell in in_motion.seen_whole() and cell not in in_motion.seen_whole(readable=True)


def test_a_tour_sees_every_cell_whole(smear: Smear) -> None:
    tour = film(smear, serpentine(SIZE, (1280, 960)), Faults(dropped=0.0, lost_focus=0.0), view=(1280, 960))
    for _ in tour:
        pass
    assert tour.seen_whole() == list(smear.truth)


def test_the_program_finds_the_drawn_cells_in_the_film(smear: Smear) -> None:
    ordinary = Faults(dropped=0.0, lost_focus=0.0)
    taken = film(smear, serpentine(SIZE, (1280, 960)), ordinary, view=(1280, 960))
    looked_for = found = 0
    for frame in taken:
        _, left, top = taken.poses[-1]
        centres = [cell.centre for cell in find_cells(Field.from_bgr(frame.bgr, smear.um_per_px), shipped())]
        for cell in smear.truth:
            x, y = cell.centre[0] - left, cell.centre[1] - top
            if cell.label != "artefact" and cell.reach < x < 1280 - cell.reach and cell.reach < y < 960 - cell.reach:
                looked_for += 1
                found += any(np.hypot(cx - x, cy - y) < 30 for cx, cy in centres)
    assert looked_for >= 15 and found == looked_for
