"""What a field says of lamp, focus and stain: each change moves its own sign, and leaves the others."""

import cv2
import numpy as np
import pytest

from leuko_edge.model.finder import shipped
from leuko_edge.simulate import Stain, draw_field
from leuko_edge.vision.field import Field
from leuko_edge.vision.segment import find_cells
from leuko_edge.vision.signs import Sign, medians, signs

CELLS = ["neutrophil", "lymphocyte", "monocyte"]


def measured(bgr):
    field = Field.from_bgr(bgr)
    return signs(field, find_cells(field, shipped()))


def drawn(stain=None, um_per_px=0.1):
    return draw_field(np.random.default_rng(5), cells=CELLS, stain=stain, um_per_px=um_per_px).bgr


@pytest.fixture(scope="module")
def usual():
    return measured(drawn())


def lit(bgr, *by):
    return np.clip(bgr * np.array(by), 0, 255).astype(np.uint8)


def moved(before, after):
    """Signs that differ by more than a tenth of themselves, the logarithms by more than 0.02."""
    logs = (Sign.BACKGROUND_BLUE, Sign.BACKGROUND_RED)
    return {
        name for name in before if abs(after[name] - before[name]) > (0.02 if name in logs else 0.1 * abs(before[name]))
    }


def test_a_field_with_cells_shows_every_sign(usual):
    assert set(usual) == set(Sign)
    assert usual[Sign.LIGHT] == pytest.approx((222 + 231 + 238) / 3, abs=15)  # the camera's white, less its vignette
    assert usual[Sign.SCALE] == pytest.approx(0.1, abs=0.01)


def test_a_dimmer_lamp_changes_the_light_alone(usual):
    after = measured(lit(drawn(), 0.7, 0.7, 0.7))
    assert moved(usual, after) == {Sign.LIGHT}
    assert after[Sign.LIGHT] == pytest.approx(0.7 * usual[Sign.LIGHT], rel=0.02)


def test_a_bluer_lamp_changes_the_background_and_not_the_stain(usual):
    after = measured(lit(drawn(), 1.0, 0.92, 0.85))
    assert moved(usual, after) <= {Sign.BACKGROUND_BLUE, Sign.BACKGROUND_RED, Sign.LIGHT}
    assert after[Sign.BACKGROUND_BLUE] - usual[Sign.BACKGROUND_BLUE] == pytest.approx(-np.log10(0.92), abs=0.01)


def test_a_picture_out_of_focus_is_told_by_its_focus(usual):
    after = measured(cv2.GaussianBlur(drawn(), (0, 0), 4))
    assert after[Sign.FOCUS] < 0.75 * usual[Sign.FOCUS]
    assert after[Sign.LIGHT] == pytest.approx(usual[Sign.LIGHT], rel=0.01)


def test_a_weaker_nuclear_stain_is_told_by_the_nuclei_and_not_by_the_lamp(usual):
    dye = Stain()
    after = measured(drawn(Stain(chromatin=tuple(0.7 * v for v in dye.chromatin))))
    assert after[Sign.NUCLEUS_DENSITY] < 0.85 * usual[Sign.NUCLEUS_DENSITY]
    for sign in (Sign.LIGHT, Sign.BACKGROUND_BLUE, Sign.RED_CELL_DENSITY):
        assert sign not in moved(usual, after)


def test_another_objective_is_told_by_the_scale(usual):
    assert measured(drawn(um_per_px=0.12))[Sign.SCALE] == pytest.approx(1.2 * usual[Sign.SCALE], rel=0.05)


def test_a_field_without_white_cells_says_nothing_of_nuclei():
    empty = signs(Field.from_bgr(draw_field(np.random.default_rng(5), cells=[]).bgr), [])
    assert Sign.NUCLEUS_RED not in empty and Sign.RED_CELL_BLUE in empty


def test_medians_are_over_the_fields_that_show_a_sign():
    assert medians([{"a": 1.0, "b": 5.0}, {"a": 3.0}, {"a": 10.0}]) == {"a": 3.0, "b": 5.0}
    assert medians([]) == {}
