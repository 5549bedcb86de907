"""The flat field on light that is drawn, so that the truth is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from leuko_edge.camera.flat_field import FlatField, Flattener, measure
from leuko_edge.live.gate import Gate
from leuko_edge.model.finder import shipped
from leuko_edge.session import Place
from leuko_edge.simulate import Background, Camera, draw_field
from leuko_edge.vision.field import Field
from leuko_edge.vision.segment import find_cells

SIZE = (640, 480)
UNEVEN = Camera(vignette=0.35, tilt=(0.2, -0.15), white=(170.0, 231.0, 200.0))


def frames(camera: Camera, red_cells: float, n: int = 4, seed: int = 3) -> list[np.ndarray]:
    """`n` pictures of one field; they differ by their noise."""
    rng = np.random.default_rng(seed)
    strewn = Background(red_cells=red_cells, platelets=red_cells / 10)
    drawn = draw_field(rng, width=SIZE[0], height=SIZE[1], um_per_px=0.2, cells=[], camera=camera, background=strewn)
    return [np.clip(drawn.bgr + rng.normal(0, 1.0, drawn.bgr.shape), 0, 255).astype(np.uint8) for _ in range(n)]


def lamp(camera: Camera, size=SIZE) -> np.ndarray:
    return camera.illumination(size[1], size[0])[..., None] * np.array(camera.white, np.float32)


@pytest.mark.parametrize("red_cells", [0.0, 1.5, 5.0])
def test_the_lamp_is_found_whatever_lies_in_the_field(red_cells):
    measured = measure(frames(UNEVEN, red_cells))
    found = cv2.resize(measured.flat.levels, SIZE, interpolation=cv2.INTER_CUBIC) / lamp(UNEVEN)
    assert np.abs(found / np.median(found) - 1).max() < 0.035  # dried plasma alone is 1 % uneven
    assert np.median(found) == pytest.approx(0.98, abs=0.01)  # and takes 2 % of the light
    assert measured.covered == pytest.approx(red_cells * np.pi * 3.7**2 / 1000, abs=0.06)
    assert measured.noise == pytest.approx(1.0, rel=0.5) and measured.flicker < 0.01 and measured.clipped == 0


def test_a_cell_that_moves_away_between_the_frames_leaves_nothing():
    empty = frames(UNEVEN, 0.0, 7)
    plain = measure(empty).flat.levels
    moved = [cv2.circle(bgr.copy(), (60 + 90 * n, 240), 40, (120, 60, 110), -1) for n, bgr in enumerate(empty)]
    measured = measure(moved)
    assert measured.covered < 0.01 and np.abs(measured.flat.levels / plain - 1).max() < 0.01


def test_where_the_light_is_weakest_is_said_in_words():
    flat = measure(frames(Camera(vignette=0.0, tilt=(-0.3, 0.0)), 0.0)).flat
    assert flat.darkest.endswith("right") and flat.evenness == pytest.approx(0.85 / 1.15, abs=0.03)


def test_a_flattened_picture_is_even_and_white_and_of_the_same_kind():
    bgr = frames(UNEVEN, 0.0)[0]
    got = Flattener(measure(frames(UNEVEN, 0.0)).flat)(bgr)
    assert (got.shape, got.dtype) == (bgr.shape, np.uint8)
    coarse = cv2.resize(got, (8, 6), interpolation=cv2.INTER_AREA).astype(float)
    before = cv2.resize(bgr, (8, 6), interpolation=cv2.INTER_AREA).astype(float)
    assert np.ptp(before) > 80 and np.ptp(coarse) < 6 and coarse.min() > 200
    assert (got == 255).mean() < 0.001


def test_the_flat_field_is_stretched_to_the_size_of_the_pictures():
    flat = measure(frames(UNEVEN, 0.0)).flat
    for width, height in ((320, 240), (1280, 960)):
        got = Flattener(flat)(np.rint(lamp(UNEVEN, (width, height))).astype(np.uint8))
        assert got.shape == (height, width, 3) and np.ptp(got[::8, ::8]) <= 10


def test_no_pixel_is_wrong_by_more_than_a_level():
    levels = np.linspace(110, 220, 12 * 16, dtype=np.float32).reshape(12, 16, 1).repeat(3, axis=2)
    flat = FlatField(levels)
    bgr = np.random.default_rng(1).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    exact = np.minimum(bgr * flat.factors((160, 120)), 255)
    assert np.abs(Flattener(flat)(bgr) - exact).max() <= 1.0


def test_a_flat_field_without_light_is_refused():
    for levels in (np.zeros((6, 8, 3), np.float32), np.ones((6, 8), np.float32), np.ones((1, 8, 3), np.float32)):
        with pytest.raises(ValueError, match="levels"):
            FlatField(levels)


def test_optics_finds_the_same_cells_and_scale_through_a_flat_field_and_the_gate_sees_a_better_light():
    flat = measure(frames(UNEVEN, 0.5)).flat
    wanted = ["neutrophil", "lymphocyte", "monocyte", "eosinophil", "basophil"]
    drawn = draw_field(
        np.random.default_rng(8), width=SIZE[0], height=SIZE[1], um_per_px=0.2, cells=wanted, camera=UNEVEN
    )
    flattened = Flattener(flat)(drawn.bgr)
    raw, even = Field.from_bgr(drawn.bgr), Field.from_bgr(flattened)
    assert even.scale.um_per_px == pytest.approx(raw.scale.um_per_px, rel=0.02)
    assert even.scale.um_per_px == pytest.approx(0.2, rel=0.06)
    assert np.ptp(even.white) < 0.4 * np.ptp(raw.white)  # what is left for optics to even out
    for field in (raw, even):
        centres = np.array([cell.centre for cell in find_cells(field, shipped())])
        missed = [c for c in drawn.truth if np.hypot(*(centres - c.centre).T).min() > 3 / 0.2]
        assert not missed and len(centres) <= len(wanted) + 1
    place = Place("tracking", 0, 0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    assert Gate().judge(flattened, place).light == "good"
