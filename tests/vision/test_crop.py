"""Crops: the right place to a fraction of a pixel, the right size in micrometres, background white wherever it is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from laid import SINGLE, body, lay, turned

from leuko_edge.model.finder import shipped
from leuko_edge.simulate import Camera
from leuko_edge.types import Scale
from leuko_edge.vision.crop import WHITE, cut
from leuko_edge.vision.field import Field
from leuko_edge.vision.segment import find_cells
from leuko_train.data.views import identity_view

LIGHT = 230


def field_of(bgr: np.ndarray, um_per_px: float, valid: np.ndarray | None = None) -> Field:
    """A field whose empty background is LIGHT everywhere."""
    white = np.full((12, 16, 3), LIGHT, np.float32)
    return Field(bgr, white, np.ones((12, 16), bool) if valid is None else valid, Scale(um_per_px, "given"), 1.0)


def dot(x: float, y: float, radius: float, width: int = 320, height: int = 240) -> np.ndarray:
    """A soft dark dot whose middle lies at x, y: the middle of the first pixel is 0.5, 0.5."""
    rows, columns = np.indices((height, width)) + 0.5
    depth = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * radius**2))
    return np.repeat((LIGHT - 180 * depth).round().astype(np.uint8)[..., None], 3, axis=2)


def middle(crop: np.ndarray) -> np.ndarray:
    """x, y of what is dark, from the crop's upper left corner."""
    dark = WHITE - crop[..., 1].astype(float)
    dark[dark < 4] = 0
    rows, columns = np.indices(dark.shape) + 0.5
    return np.array([(columns * dark).sum(), (rows * dark).sum()]) / dark.sum()


@pytest.mark.parametrize("um_per_px", [0.06, 0.1, 0.16, 0.24])
@pytest.mark.parametrize(("off_x", "off_y"), [(0.0, 0.0), (0.3, -0.4), (5.25, 3.5)])
def test_a_dot_ends_where_it_belongs_to_a_fraction_of_a_pixel(um_per_px, off_x, off_y):
    x, y = 160.3, 119.8
    field = field_of(dot(x, y, 0.8 / um_per_px), um_per_px)
    crop = cut(field, [(x - off_x, y - off_y)], 12.0, 64)[0]
    expected = 32 + np.array([off_x, off_y]) * um_per_px / (12 / 64)
    np.testing.assert_allclose(middle(crop), expected, atol=0.12)


@pytest.mark.parametrize("um_per_px", [0.06, 0.1, 0.15, 0.25, 0.4])
@pytest.mark.parametrize(("window_um", "size"), [(24.0, 64), (36.0, 144)])
def test_ten_micrometres_stay_ten_micrometres(um_per_px, window_um, size):
    radius = 5 / um_per_px
    side = round(30 / um_per_px)
    fine = np.full((side * 4, side * 4, 3), LIGHT, np.uint8)
    cv2.circle(fine, (side * 2, side * 2), round(radius * 4), (60, 60, 60), -1)
    bgr = cv2.resize(fine, (side, side), interpolation=cv2.INTER_AREA)
    crop = cut(field_of(bgr, um_per_px), [(side / 2, side / 2)], window_um, size)[0]
    share = (WHITE - crop[..., 0].astype(float)) / (WHITE - 60 * WHITE / LIGHT)
    assert 2 * np.sqrt(share.sum() / np.pi) * window_um / size == pytest.approx(10, rel=0.015)


def test_crops_are_rgb_and_pictures_bgr():
    bgr = np.full((100, 100, 3), LIGHT, np.uint8)
    bgr[:, :] = (LIGHT, LIGHT // 2, 20)
    red, green, blue = cut(field_of(bgr, 0.2), [(50, 50)], 10.0, 16)[0][8, 8]
    assert red < 30 and 115 < green < 130 and blue == WHITE


@pytest.mark.parametrize(
    "camera",
    [Camera(), Camera(white=(140.0, 190.0, 150.0)), Camera(vignette=0.35, tilt=(0.15, -0.1))],
    ids=["plain", "green", "vignette"],
)
def test_empty_background_becomes_white_whatever_the_light(camera):
    bgr = lay([(body("lymphocyte"), 6, 6), (body("lymphocyte"), 32, 24)], camera=camera)
    for crop in cut(Field.from_bgr(bgr, 0.1), [(60, 60), (320, 240), (600, 440)], 24.0, 64):
        lightest = crop.reshape(-1, 3)[crop.min(axis=2).ravel() > 225]
        assert len(lightest) > 300
        np.testing.assert_allclose(np.median(lightest, axis=0), WHITE, atol=8)


def test_the_same_cell_looks_the_same_under_another_light():
    places = [(body("eosinophil"), 10, 10)]
    plain, yellow = (
        cut(Field.from_bgr(lay(places, camera=camera), 0.1), [(100, 100)], 24.0, 64).astype(int)
        for camera in (Camera(), Camera(white=(150.0, 225.0, 235.0), vignette=0.3))
    )
    assert np.abs(plain - yellow).mean() < 4


def test_outside_the_picture_is_white():
    dark = np.full((80, 100, 3), 40, np.uint8)
    corner, far = cut(field_of(dark, 0.1), [(0, 0), (-500, 900)], 6.0, 60)  # a crop's pixel is one of the picture
    assert (corner[:29] == WHITE).all() and (corner[:, :29] == WHITE).all()
    assert corner[31:, 31:].max() < 60
    assert (far == WHITE).all()


def test_a_black_frame_is_white_and_no_dark_line_runs_along_it():
    frame = turned(np.full((480, 640, 3), 255, np.uint8), 25)[..., 0] == 0
    field = Field.from_bgr(turned(lay(look=SINGLE), 25), 0.1)
    along = cv2.morphologyEx(frame.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero(along)
    centres = [(float(columns[i]), float(rows[i])) for i in range(0, len(rows), len(rows) // 40)]
    crops = cut(field, centres, 24.0, 64)
    assert crops.max(axis=3).min() > 110  # red cells at the darkest
    assert (crops == WHITE).all(axis=3).mean() > 0.25


@pytest.mark.parametrize("um_per_px", [0.08, 0.13, 0.2, 0.3])
def test_training_sees_what_the_device_cuts(um_per_px):
    labels = ("neutrophil", "lymphocyte", "basophil")
    places = [(body(label, 1, um_per_px), 14 + 18 * n, 12) for n, label in enumerate(labels)]
    places.append((body("monocyte", 1, um_per_px), 32, 44))  # cut by the lower border
    size = round(64 / um_per_px), round(46 / um_per_px)
    field = Field.from_bgr(lay(places, *size, um_per_px))
    centres = [cell.centre for cell in find_cells(field, shipped())]
    assert len(centres) >= 4
    device = cut(field, centres, 24.0, 64).astype(int)
    trained = identity_view(cut(field, centres, 36.0, 144)).astype(int)
    assert np.abs(trained - device).mean() < 2
    assert np.percentile(np.abs(trained - device), 99) < 20


def test_no_centres_give_no_crops():
    assert cut(field_of(dot(50, 50, 5), 0.1), [], 24.0, 64).shape == (0, 64, 64, 3)


def test_cutting_changes_nothing_and_does_not_depend_on_company():
    field = Field.from_bgr(lay([(body("neutrophil"), 20, 20)]), 0.1)
    before = field.bgr.copy()
    centres = [(200.0, 200.0), (33.3, 410.7), (630.0, 5.0)]
    together = cut(field, centres, 24.0, 64)
    for centre, crop in zip(centres, together, strict=True):
        np.testing.assert_array_equal(cut(field, [centre], 24.0, 64)[0], crop)
    np.testing.assert_array_equal(field.bgr, before)
