"""Circles on outlines: of whole, touching and cut cells; and the median that the light rests on."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leuko_edge.vision.circles import circles
from leuko_edge.vision.median import median, percentile


def density(*discs: tuple[int, int, int]) -> np.ndarray:
    """Discs (x, y, radius) of density 0.2 on 0, 200 × 300."""
    drawn = np.zeros((200, 300), np.float32)
    for x, y, radius in discs:
        cv2.circle(drawn, (x, y), radius, 0.2, -1)
    return drawn


LEVELS = (0.1, None)  # what is stained, and that nuclei are not most of it


def fitted(*discs: tuple[int, int, int]) -> list[tuple[float, float, float, float]]:
    """(x, y, diameter, share of a turn) of each circle, left to right."""
    x, y, diameters, _, turns, _, _ = circles(density(*discs), np.ones((200, 300), bool), LEVELS)
    return sorted(zip(x, y, diameters, turns / (2 * np.pi), strict=True))


@pytest.mark.parametrize("radius", [15, 22, 40])
def test_a_round_cell_is_one_circle_of_a_whole_turn(radius):
    ((x, y, diameter, share),) = fitted((150, 100, radius))
    assert (x, y) == pytest.approx((150, 100), abs=0.5)
    assert diameter == pytest.approx(2 * radius, abs=1.5) and share == pytest.approx(1, abs=0.02)


def test_cells_that_touch_are_a_circle_each_and_so_are_cells_of_another_size():
    found = fitted((60, 60, 20), (97, 60, 20), (200, 120, 35))
    assert [round(x / 5) * 5 for x, *_ in found] == [60, 95, 200]
    assert [d for _, _, d, _ in found] == pytest.approx([40, 40, 70], abs=2)
    assert found[0][3] < 0.9 and found[2][3] == pytest.approx(1, abs=0.02)


def test_a_cell_cut_by_the_border_is_an_arc_of_its_whole_circle():
    ((x, _, diameter, share),) = fitted((5, 100, 25))
    assert x == pytest.approx(5, abs=1) and diameter == pytest.approx(50, abs=2) and 0.3 < share < 0.7


def test_a_line_and_an_empty_picture_have_no_circle():
    line = np.zeros((200, 300), np.float32)
    line[95:105, 20:280] = 0.2
    for drawn in (line, np.zeros_like(line)):
        assert len(circles(drawn, np.ones((200, 300), bool), LEVELS)[0]) == 0


@given(st.lists(st.floats(-10, 10, width=32), min_size=1, max_size=50))
def test_the_median_is_numpys_to_the_last_bit(values):
    given_values = np.array(values, np.float32)
    assert median(given_values) == float(np.median(given_values))


@given(st.lists(st.integers(0, 255), min_size=1, max_size=50), st.sampled_from([0, 10, 45, 50, 95, 99, 100]))
def test_a_percentile_is_numpys(values, percent):
    assert percentile(np.array(values, np.uint8), percent) == pytest.approx(float(np.percentile(values, percent)))
    scaled = np.array(values, np.float32) / 255
    assert percentile(scaled, percent) == pytest.approx(float(np.percentile(scaled, percent)), abs=1e-6)


def test_a_circle_is_as_dense_as_what_it_holds_also_at_the_picture_s_edge():
    drawn = np.maximum(density((60, 60, 20), (10, 150, 20)), 2 * density((200, 120, 35)))
    x, _, _, _, _, dark, _ = circles(drawn, np.ones((200, 300), bool), LEVELS)
    assert dark[np.argsort(x)] == pytest.approx([0.2, 0.2, 0.4], abs=0.01)
