"""Micrometres per pixel from the red cells, over the scales, densities and lights of many microscopes."""

from __future__ import annotations

import numpy as np
import pytest
from laid import body, lay, rng, turned

from leuko_edge.simulate import Background, Camera, draw_field
from leuko_edge.types import LEUKOCYTES, Scale
from leuko_edge.vision.field import Field
from leuko_edge.vision.scale import ScaleUnknown

RED_CELL_UM = 7.5  # not the module's own constant: a change of it must show here

LOOKS = {
    "apart": Background(red_cell_um=RED_CELL_UM, pairs=0.0, rouleaux=0.0),
    "touching and overlapping": Background(red_cell_um=RED_CELL_UM, red_cells=12.0, pairs=0.45, rouleaux=0.05),
    "pale": Background(red_cell_um=RED_CELL_UM, pallor=0.95),
    "flat": Background(red_cell_um=RED_CELL_UM, pallor=0.1),
}


def measured(bgr: np.ndarray) -> Scale:
    return Field.from_bgr(bgr).scale


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("um_per_px", [0.06, 0.1, 0.15, 0.2])
def test_the_scale_is_found_within_8_percent(um_per_px, look):
    drawn = draw_field(rng(3), width=640, height=480, um_per_px=um_per_px, cells=["neutrophil"], background=LOOKS[look])
    scale = measured(drawn.bgr)
    assert scale.origin == "red cells" and scale.red_cells >= 3
    assert scale.um_per_px == pytest.approx(um_per_px, rel=0.08)


@pytest.mark.parametrize("seed", range(3))
def test_platelets_and_leukocytes_do_not_set_the_scale(seed):
    look = Background(red_cell_um=RED_CELL_UM, platelets=4.0)
    cells = ["monocyte", "neutrophil", "lymphocyte", "monocyte"]
    drawn = draw_field(rng(seed), width=640, height=480, um_per_px=0.12, cells=cells, background=look)
    assert measured(drawn.bgr).um_per_px == pytest.approx(0.12, rel=0.08)


def test_twice_the_pixels_are_half_the_scale():
    bgr = lay(width=640, height=480, um_per_px=0.16)
    coarse = np.ascontiguousarray(bgr.reshape(240, 2, 320, 2, 3).mean(axis=(1, 3)).astype(np.uint8))
    assert measured(coarse).um_per_px == pytest.approx(2 * measured(bgr).um_per_px, rel=0.06)


@pytest.mark.parametrize("light", [Camera(white=(150.0, 190.0, 160.0)), Camera(vignette=0.35, tilt=(0.15, 0.1))])
def test_neither_cast_nor_vignette_changes_the_scale(light):
    plain = measured(lay(um_per_px=0.14)).um_per_px
    assert measured(lay(um_per_px=0.14, camera=light)).um_per_px == pytest.approx(plain, rel=0.03)


@pytest.mark.parametrize("degrees", [15, 30, 90])
def test_the_outline_of_a_black_frame_is_no_red_cell(degrees):
    bgr = lay(um_per_px=0.14)
    assert measured(turned(bgr, degrees)).um_per_px == pytest.approx(measured(bgr).um_per_px, rel=0.06)


def test_more_of_the_smear_shows_more_red_cells():
    few, many = (measured(lay(width=w, height=h, um_per_px=0.12)).red_cells for w, h in ((320, 240), (800, 600)))
    assert 2 <= few < many


@pytest.mark.parametrize("label", LEUKOCYTES)
def test_one_or_two_white_cells_alone_are_not_measured_as_red_cells(label):
    for count in (1, 2):
        places = [(body(label, seed), 12 + 22 * seed, 24) for seed in range(count)]
        with pytest.raises(ScaleUnknown):
            measured(lay(places, 460, 480, look=None))


def test_the_guess_from_a_lone_white_cell_is_the_right_order():
    for label, um_per_px in (("lymphocyte", 0.1), ("monocyte", 0.1), ("neutrophil", 0.2)):
        bgr = lay([(body(label, 2, um_per_px), 14, 14)], round(28 / um_per_px), round(28 / um_per_px), um_per_px, None)
        with pytest.raises(ScaleUnknown) as caught:
            measured(bgr)
        assert caught.value.guess is not None
        assert 0.6 < caught.value.guess.um_per_px / um_per_px < 1.6


def test_a_wide_field_of_small_red_cells_is_measured_too():
    drawn = draw_field(rng(1), width=1300, height=975, um_per_px=0.2, cells=["neutrophil", "lymphocyte"])
    assert measured(drawn.bgr).um_per_px == pytest.approx(0.2, rel=0.1)
