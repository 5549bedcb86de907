"""Thumbnails at every shift to each other: where the same place lies, one by one and many at once."""

from __future__ import annotations

import numpy as np
import pytest

from leuko_edge.mapping.correlation import Pattern, correlated, correlations

SLIDE = np.random.default_rng(1).normal(0, 0.05, (60, 80)).astype(np.float32)


def thumbnail(x: int, y: int) -> np.ndarray:
    return np.ascontiguousarray(SLIDE[y : y + 30, x : x + 40])


def best(scores: np.ndarray) -> tuple[int, int]:
    """Shift (x, y) of the highest score."""
    row, column = np.unravel_index(scores.argmax(), scores.shape)
    return int(column) - 39, int(row) - 29


@pytest.mark.parametrize("shift", [(0, 0), (7, -3), (-12, 9), (20, 10)])
def test_the_same_place_is_found_at_its_shift(shift):
    here, there = thumbnail(20, 15), thumbnail(20 + shift[0], 15 + shift[1])
    scores = correlated(here, there)
    assert best(scores) == shift and scores.max() > 0.4


def test_many_at_once_are_what_each_is_by_itself():
    many, new = [thumbnail(x, y) for x, y in ((0, 0), (9, 4), (30, 22))], thumbnail(12, 6)
    scores = correlations([Pattern.of(one) for one in many], Pattern.of(new))
    assert scores == pytest.approx(np.stack([correlated(one, new) for one in many]), abs=1e-5)


def test_an_overlap_too_small_to_tell_has_no_score():
    scores = correlated(thumbnail(0, 0), thumbnail(0, 0))
    assert scores[0, 0] == 0 and scores[29, 39] == pytest.approx(1, abs=0.05)
