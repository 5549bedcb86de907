"""From the finder's maps to cells: touching ones parted, none dropped for its size, clumps named as such."""

from __future__ import annotations

import numpy as np
import pytest

from leuko_edge.vision.map_cells import FINE, cells_in

SIDE = 60  # map pixels of 1 µm


def maps(*cells: tuple[float, float, float], cores: bool = True) -> np.ndarray:
    """Bodies of (x, y, radius) µm, a centre in each where `cores`, else in the first alone."""
    y, x = np.mgrid[:SIDE, :SIDE]
    drawn = np.zeros((SIDE, SIDE, 2), np.float32)
    for n, (cx, cy, radius) in enumerate(cells):
        away = np.hypot(x - cx, y - cy)
        drawn[away < radius, 1] = 1.0
        if cores or n == 0:
            drawn[away < 0.45 * radius, 0] = 1.0
    return drawn


def middles(drawn: np.ndarray) -> list[tuple[float, float]]:
    return sorted(tuple((blob.outline.mean(axis=0) / FINE).round()) for blob in cells_in(drawn, 0.5))


def test_empty_maps_hold_no_cell():
    assert cells_in(np.zeros((SIDE, SIDE, 2), np.float32), 0.5) == []


@pytest.mark.parametrize("count", [2, 3, 4])
def test_touching_cells_are_as_many_as_they_have_centres(count):
    row = [(9.0 + 12 * n, 30.0, 6.3) for n in range(count)]
    found = cells_in(maps(*row), 0.5)
    assert len(found) == count
    assert not any(blob.clump for blob in found)


def test_two_bodies_with_one_centre_between_them_are_parted_at_the_waist():
    assert len(cells_in(maps((20, 30, 7), (33, 30, 7), cores=False), 0.5)) == 2


def test_a_long_cell_without_a_waist_stays_one():
    drawn = maps((25, 30, 6), (28, 30, 6), (31, 30, 6), (34, 30, 6), cores=False)
    assert len(cells_in(drawn, 0.5)) == 1


def test_what_is_larger_than_any_cell_is_listed_as_a_clump():
    (blob,) = cells_in(maps((30, 30, 16)), 0.5)
    assert blob.clump


def test_a_platelets_size_is_no_cell():
    assert cells_in(maps((30, 30, 2)), 0.5) == []


def test_each_outline_lies_where_its_body_is():
    assert middles(maps((15, 20, 6), (40, 41, 7))) == [
        pytest.approx((15, 20), abs=1.1),
        pytest.approx((40, 41), abs=1.1),
    ]


FAINT = pytest.mark.parametrize(
    ("centre", "body"), [(0.4, 0.9), (0.9, 0.4), (0.4, 0.4)], ids=["centre", "body", "both"]
)


@FAINT
def test_in_a_picture_of_one_cell_it_is_offered_once_and_whole_however_faintly_the_maps_show_it(centre, body):
    drawn = maps((20, 20, 6))[:40, :40]
    (sure,) = cells_in(drawn, 0.7)
    drawn *= (centre, body)
    drawn[18, 20, 0] *= 0.5  # noise: two peaks in a centre
    (faint,) = cells_in(drawn, 0.7)
    wide = [np.ptp(blob.outline, axis=0) / FINE for blob in (sure, faint)]
    assert wide[1] == pytest.approx(wide[0], abs=1.5)


def test_in_a_field_what_the_maps_show_faintly_is_no_cell():
    drawn = maps((15, 30, 6), (42, 30, 6))
    drawn[:, 30:] *= (0.4, 0.9)
    assert len(cells_in(drawn, 0.7)) == 1


@pytest.mark.parametrize("body", [0.6, 0.95])
def test_a_cell_is_faint_where_its_body_is_shown_without_sureness(body):
    drawn = maps((15, 30, 6), (42, 30, 6))
    drawn[:, 30:] *= (1.0, body)
    assert sorted(blob.faint for blob in cells_in(drawn, 0.7)) == [False, body < 0.8]


def test_in_a_picture_of_one_cell_none_is_faint():
    (blob,) = cells_in(maps((20, 20, 6))[:40, :40] * np.float32([1.0, 0.6]), 0.7)
    assert not blob.faint


def test_a_trace_in_the_maps_is_no_cell():
    assert cells_in(maps((30, 30, 6)) * np.float32(0.2), 0.7) == []
