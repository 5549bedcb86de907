"""The light: casts, vignettes, lamp spots and black frames are understood; pictures that show no smear are refused."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
from laid import body, lay, rng, turned, with_lamp_spot

from leuko_edge.errors import PictureError
from leuko_edge.simulate import Camera
from leuko_edge.types import Scale
from leuko_edge.vision.field import Field, optical_density, shrink
from leuko_edge.vision.illumination import sharpness
from leuko_edge.vision.scale import ScaleUnknown

PLAIN = Camera(vignette=0.0, tilt=(0.0, 0.0))
CASTS = {
    "vignette": replace(PLAIN, vignette=0.35, tilt=(0.15, -0.1)),
    "yellow": replace(PLAIN, white=(150.0, 225.0, 235.0)),
    "blue": replace(PLAIN, white=(235.0, 200.0, 160.0)),
    "green": replace(PLAIN, white=(140.0, 190.0, 150.0)),
    "dim": replace(PLAIN, white=(90.0, 100.0, 110.0)),
}


@cache
def _drawn(camera: Camera) -> np.ndarray:
    return lay([(body("neutrophil"), 20, 24), (body("lymphocyte"), 45, 30)], camera=camera)


def smear(camera: Camera = PLAIN) -> np.ndarray:
    return _drawn(camera).copy()


def white_of(bgr: np.ndarray) -> np.ndarray:
    """The measured background (h, w, 3) at the picture's size."""
    return cv2.resize(Field.from_bgr(bgr, 0.1).white, bgr.shape[1::-1])


def red_cell_density(bgr: np.ndarray) -> np.ndarray:
    """Median density (B, G, R) where the smear under plain light shows red cells."""
    plain = optical_density(smear(), white_of(smear()))[..., 1]
    return np.median(optical_density(bgr, white_of(bgr))[(plain > 0.08) & (plain < 0.25)], axis=0)


@pytest.mark.parametrize("light", CASTS)
def test_the_background_found_is_the_lamps_light(light):
    camera = CASTS[light]
    true = camera.illumination(480, 640)[..., None] * np.array(camera.white)
    assert np.percentile(np.abs(white_of(smear(camera)) / true - 1), 99) < 0.06


@pytest.mark.parametrize("light", CASTS)
def test_red_cells_have_the_same_density_under_any_light(light):
    np.testing.assert_allclose(red_cell_density(smear(CASTS[light])), red_cell_density(smear()), atol=0.008)


def test_a_lamp_spot_is_followed_by_the_background():
    bgr = with_lamp_spot(smear(replace(PLAIN, white=(150.0, 150.0, 150.0))), 300, 380, 60)
    white = white_of(bgr)
    assert white[380, 300].min() > 1.15 * white[60, 60].max()


def test_density_is_zero_on_background_and_minus_log_of_what_passes():
    white = np.full((4, 4, 3), 199, np.float32)
    assert optical_density(np.full((8, 8, 3), 199, np.uint8), white).max() == 0
    np.testing.assert_allclose(optical_density(np.full((8, 8, 3), 19, np.uint8), white), 1, atol=1e-6)
    assert optical_density(np.full((8, 8, 3), 255, np.uint8), white).max() == 0  # never negative


@pytest.mark.parametrize("degrees", [10, 25, 45, 90])
def test_the_black_frame_of_a_turned_picture_is_invalid_and_little_else(degrees):
    frame = turned(np.full((480, 640, 3), 255, np.uint8), degrees)[..., 0] == 0
    valid = Field.from_bgr(turned(smear(), degrees), 0.1).valid.astype(np.uint8)
    valid = cv2.resize(valid, (640, 480), interpolation=cv2.INTER_NEAREST).astype(bool)
    assert not (valid & frame).any()
    assert (~valid & ~frame).mean() < 0.05


def test_a_nucleus_cut_by_the_edge_is_not_taken_for_a_frame():
    bgr = smear()
    cv2.circle(bgr, (0, 240), 35, (12, 8, 10), -1)
    assert Field.from_bgr(bgr, 0.1).valid.all()


def test_density_is_resampled_to_the_scale_asked_for():
    density, valid = Field.from_bgr(smear(), 0.1).density(0.25)
    assert density.shape == (192, 256, 3) and valid.shape == (192, 256)


def test_measuring_leaves_the_picture_as_it_is():
    bgr = smear()
    field = Field.from_bgr(bgr)
    assert field.bgr is bgr and np.array_equal(bgr, smear())


def test_a_given_scale_overrides_what_the_red_cells_say():
    assert Field.from_bgr(smear(), um_per_px=0.2).scale == Scale(0.2, "given")
    assert Field.from_bgr(smear(), um_per_px=0.2, fallback=Scale(0.3, "pooled")).scale.origin == "given"


def test_a_scale_that_is_known_is_taken_as_it_is_with_its_origin():
    assert Field.from_bgr(smear(), Scale(0.3, "pooled")).scale == Scale(0.3, "pooled")


def test_red_cells_are_believed_before_the_other_pictures_of_the_run():
    scale = Field.from_bgr(smear(), fallback=Scale(0.3, "pooled")).scale
    assert scale.origin == "red cells" and scale.um_per_px == pytest.approx(0.1, rel=0.08)


def test_too_few_red_cells_are_an_error_that_carries_a_guess():
    bgr = lay([(body("monocyte"), 15, 12)], 300, 240, look=None)
    with pytest.raises(ScaleUnknown, match="--um-per-px") as caught:
        Field.from_bgr(bgr)
    assert caught.value.guess is not None and caught.value.guess.origin == "assumed"
    assert caught.value.guess.um_per_px == pytest.approx(0.1, rel=0.5)
    assert Field.from_bgr(bgr, guess=True).scale == caught.value.guess


def test_too_few_red_cells_take_the_pooled_scale_where_there_is_one():
    bgr = lay([(body("monocyte"), 15, 12)], 300, 240, look=None)
    pooled = Scale(0.12, "pooled")
    assert Field.from_bgr(bgr, fallback=pooled).scale == pooled
    assert Field.from_bgr(bgr, fallback=pooled, guess=True).scale == pooled


@pytest.mark.parametrize("um_per_px", [0.0, -0.1, 0.005, 0.7, float("nan"), float("inf")])
def test_a_scale_that_no_smear_has_is_refused_with_a_sentence(um_per_px):
    with pytest.raises(PictureError, match=r"not that of a smear.*--um-per-px"):
        Field.from_bgr(smear(), um_per_px=um_per_px)


def test_an_area_that_no_photograph_covers_is_refused_with_a_sentence():
    wide = np.tile(smear()[:200, :200], (15, 16, 1))
    with pytest.raises(PictureError, match=r"more than 2 mm².*--um-per-px"):
        Field.from_bgr(wide, um_per_px=0.5)
    assert Field.from_bgr(wide, um_per_px=0.1).scale.origin == "given"


@pytest.mark.parametrize("level", [0, 15])
@pytest.mark.parametrize("more", [{}, {"um_per_px": 0.1}, {"guess": True}])
def test_a_black_picture_is_refused(level, more):
    with pytest.raises(PictureError, match="black"):
        Field.from_bgr(np.full((240, 320, 3), level, np.uint8), **more)


@pytest.mark.parametrize("guess", [False, True])
def test_a_flat_white_picture_is_refused_for_nothing_in_it_has_a_size(guess):
    with pytest.raises(ScaleUnknown, match="--um-per-px") as caught:
        Field.from_bgr(np.full((240, 320, 3), 255, np.uint8), guess=guess)
    assert caught.value.guess is None


@pytest.mark.parametrize("shape", [(100, 100), (100, 2000), (2000, 100), (1, 50), (7, 7)])
def test_no_shape_breaks_the_measurement(shape):
    rows = np.resize(smear(), (*shape, 3))
    try:
        assert Field.from_bgr(rows, guess=True).white.shape[2] == 3
    except PictureError as refused:
        assert "\n" not in str(refused) and len(str(refused)) > 10


def test_focus_falls_with_blur_and_hardly_with_light():
    sharp = smear()[..., 1]
    assert sharpness(cv2.GaussianBlur(sharp, (0, 0), 3)) < 0.7 * sharpness(sharp)
    assert sharpness((sharp * 0.6).astype(np.uint8)) == pytest.approx(sharpness(sharp), rel=0.15)


def test_shrink_never_enlarges_and_keeps_the_proportions():
    assert shrink(smear(), 700).shape == (480, 640, 3)
    assert shrink(smear(), 320).shape == (240, 320, 3)
    assert shrink(np.zeros((3, 3000, 3), np.uint8), 300).shape == (1, 300, 3)


def test_a_frame_does_not_count_as_focus():
    framed = cv2.copyMakeBorder(cv2.GaussianBlur(smear(), (0, 0), 4), 40, 40, 40, 40, cv2.BORDER_CONSTANT)
    bare = Field.from_bgr(framed[40:-40, 40:-40], 0.1).focus
    assert Field.from_bgr(framed, 0.1).focus == pytest.approx(bare, rel=0.35)


def test_a_photograph_of_another_thing_is_refused_with_a_sentence():
    """A drawn landscape: sky, meadow, a red and a yellow roof. No object absorbs light as a stain does."""
    bgr = np.full((480, 640, 3), (250, 225, 200), np.uint8)
    cv2.rectangle(bgr, (0, 300), (640, 480), (60, 160, 70), -1)
    cv2.fillPoly(bgr, [np.array([[80, 300], [200, 180], [330, 300]], np.int32)], (40, 190, 220))
    cv2.fillPoly(bgr, [np.array([[400, 310], [500, 220], [610, 310]], np.int32)], (30, 60, 200))
    bgr = cv2.add(bgr, rng(1).integers(0, 6, bgr.shape, dtype=np.uint8))
    with pytest.raises(PictureError, match="smear"):
        Field.from_bgr(bgr, guess=True)
