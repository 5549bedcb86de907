"""What is picture and what is frame: eyepieces not quite black, padding of one colour, and what only looks so."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from laid import body, lay, rng

from leuko_edge.model.finder import shipped
from leuko_edge.vision.border import valid_area
from leuko_edge.vision.field import Field
from leuko_edge.vision.segment import find_cells


def smear() -> np.ndarray:
    return lay([(body("neutrophil"), 22, 24), (body("lymphocyte"), 42, 24)])


def through_an_eyepiece(bgr: np.ndarray, level: float, softness: float, radius: int = 200) -> np.ndarray:
    """The middle of the picture in a circle; around it `level`, as a phone sees the tube."""
    height, width = bgr.shape[:2]
    disc = cv2.circle(np.zeros((height, width), np.float32), (width // 2, height // 2), radius, 1, -1)
    share = cv2.GaussianBlur(disc, (0, 0), softness)[..., None]
    shown = bgr * share + level * (1 - share) + rng(1).normal(0, 2, bgr.shape)
    return np.clip(shown, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("level", [0, 25, 38])
@pytest.mark.parametrize("softness", [1, 8])
def test_an_eyepiece_is_no_stain_however_black_and_soft_its_edge(level, softness):
    bgr = through_an_eyepiece(smear(), level, softness)
    field = Field.from_bgr(bgr)
    assert field.scale.origin == "red cells" and field.scale.um_per_px == pytest.approx(0.1, rel=0.08)
    assert len(find_cells(field, shipped())) == 2
    valid = valid_area(bgr)
    assert valid[240, 320] and not valid[5, 5] and 0.3 < valid.mean() < 0.42


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("quality", [100, 60])
def test_padding_of_one_colour_is_neither_background_nor_stain(level, quality):
    padded = cv2.copyMakeBorder(smear(), 60, 60, 0, 90, cv2.BORDER_CONSTANT, value=(level,) * 3)
    padded = cv2.imdecode(cv2.imencode(".jpg", padded, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    field = Field.from_bgr(padded)
    assert field.scale.origin == "red cells" and field.scale.um_per_px == pytest.approx(0.1, rel=0.08)
    assert len(find_cells(field, shipped())) == 2
    valid = valid_area(padded)
    assert not valid[:58].any() and not valid[:, 645:].any() and valid[70:530, 10:630].all()


def test_an_empty_background_without_noise_is_no_padding():
    """As of a picture whose background is overexposed, or was cleaned by hand."""
    bgr = np.full((240, 320, 3), 255, np.uint8)
    cv2.circle(bgr, (160, 120), 40, (120, 50, 90), -1, cv2.LINE_AA)
    assert valid_area(bgr).all()
    assert valid_area(np.full((240, 320, 3), 255, np.uint8)).all()


def test_a_dark_nucleus_that_fills_a_corner_is_no_frame():
    bgr = smear()
    cv2.circle(bgr, (0, 0), 60, (110, 20, 60), -1, cv2.LINE_AA)
    assert valid_area(bgr).all()
