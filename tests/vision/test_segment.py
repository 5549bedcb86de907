"""White cells by their nuclei: each once, with its cytoplasm, at any scale and in any light; nothing else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from laid import SINGLE, Place, body, lay, overlap, rng, turned, with_lamp_spot

from leuko_edge.model.finder import shipped
from leuko_edge.simulate import Background, Camera, Drawn, DrawnCell, Patch, Stain, draw_cell, draw_field
from leuko_edge.types import ERYTHROBLAST, LEUKOCYTES, Cell
from leuko_edge.vision.field import Field
from leuko_edge.vision.segment import find_cells

NO_PLATELETS = Background(pairs=0.0, rouleaux=0.0, platelets=0.0)
TIGHT = 0.7
"""Least overlap of the found box with the true one."""


def found(bgr: np.ndarray, um_per_px: float | None = 0.1) -> list[Cell]:
    return find_cells(Field.from_bgr(bgr, um_per_px), shipped())


def holds(cell: Cell, true: DrawnCell) -> bool:
    x, y, w, h = true.box
    return x <= cell.centre[0] <= x + w and y <= cell.centre[1] <= y + h


def assert_each_once(drawn: Drawn, um_per_px: float | None = None) -> None:
    cells = found(drawn.bgr, um_per_px)
    for true in drawn.truth:
        own = [cell for cell in cells if holds(cell, true)]
        assert len(own) == 1, true.label
        assert overlap(own[0].box, true.box) > TIGHT, true.label
    assert len(cells) == len(drawn.truth)


def drawn_at(um_per_px: float, labels: tuple[str, ...], seed: int = 1, **more: object) -> Drawn:
    look = more.pop("background", NO_PLATELETS)
    return draw_field(rng(seed), um_per_px=um_per_px, cells=labels, background=look, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("um_per_px", "width"), [(0.06, 1440), (0.1, 960), (0.15, 640), (0.2, 640)], ids=["0.06", "0.1", "0.15", "0.2"]
)
def test_every_drawn_leukocyte_is_found_once_at_every_scale(um_per_px, width):
    assert_each_once(drawn_at(um_per_px, LEUKOCYTES, width=width, height=width * 3 // 4))


@pytest.mark.parametrize(
    "light",
    [
        Camera(white=(150.0, 225.0, 235.0)),
        Camera(white=(235.0, 200.0, 160.0)),
        Camera(white=(140.0, 190.0, 150.0)),
        Camera(white=(90.0, 100.0, 110.0)),
        Camera(vignette=0.35, tilt=(0.15, -0.1)),
        Camera(jpeg_quality=70, shot_noise=3.0),
    ],
    ids=["yellow", "blue", "green", "dim", "vignette", "jpeg and noise"],
)
def test_every_drawn_leukocyte_is_found_once_in_any_light(light):
    assert_each_once(drawn_at(0.15, LEUKOCYTES, seed=2, width=640, height=480, camera=light))


@pytest.mark.parametrize("seed", range(4))
def test_another_days_stain_hides_no_leukocyte(seed):
    stain, camera = Stain().varied(rng(seed)), Camera().varied(rng(seed))
    drawn = drawn_at(0.15, LEUKOCYTES, seed, width=640, height=480, stain=stain, camera=camera)
    cells = found(drawn.bgr, None)
    assert [sum(holds(cell, true) for cell in cells) for true in drawn.truth] == [1] * len(LEUKOCYTES)


@pytest.mark.parametrize("label", [*LEUKOCYTES, ERYTHROBLAST])
def test_a_nucleus_of_any_shape_is_one_cell(label):
    for seed in range(6):
        (cell,) = found(lay([(body(label, seed), 30, 24)], 600, 480))
        assert np.hypot(cell.centre[0] - 300, cell.centre[1] - 240) < 35, seed  # px: 3.5 µm


def two_lymphocytes(seed: int, gap_um: float) -> list[Place]:
    left, right = body("lymphocyte", seed), body("lymphocyte", seed + 100)
    apart = (left.box[2] + right.box[2]) * 0.05 + gap_um
    return [(left, 30 - apart / 2, 24), (right, 30 + apart / 2, 24)]


@pytest.mark.parametrize(("gap_um", "seeds"), [(-0.5, range(1, 4)), (0.0, range(1, 8)), (1.0, range(1, 8))])
def test_two_touching_lymphocytes_of_round_nucleus_are_two_cells(gap_um, seeds):
    for seed in seeds:
        left, right = found(lay(two_lymphocytes(seed, gap_um), 600, 480))
        assert left.centre[0] < 300 < right.centre[0]
        assert overlap(left.box, right.box) < 0.2


def pale(lobes: tuple[tuple[int, int], ...], reach: int = 80) -> np.ndarray:
    """A cell of 16 µm in the middle, as pale as background and as pink as the red cells that touch it, at 0.1 µm/px."""
    bgr = np.full((480, 640, 3), (228, 230, 232), np.uint8)
    for x in range(40, 640, 96):
        for y in (50, 430):
            cv2.circle(bgr, (x, y), 37, (165, 140, 190), -1, cv2.LINE_AA)
    for x, y in ((320 - reach - 36, 240), (320 + 10, 240 + reach + 35), (320 + reach + 36, 225)):
        cv2.circle(bgr, (x, y), 37, (165, 140, 190), -1, cv2.LINE_AA)
    cv2.circle(bgr, (320, 240), reach, (200, 188, 212), -1, cv2.LINE_AA)
    for x, y in lobes:
        cv2.circle(bgr, (320 + x, 240 + y), 27, (120, 40, 90), -1, cv2.LINE_AA)
    return np.clip(cv2.GaussianBlur(bgr, (0, 0), 2) + rng(1).normal(0, 2, bgr.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "lobes", [((0, 0),), ((-40, -10),), ((-42, 0), (42, 5))], ids=["central", "eccentric", "two far apart"]
)
def test_pale_cytoplasm_beside_red_cells_belongs_to_its_one_cell(lobes):
    (cell,) = found(pale(lobes))
    assert overlap(cell.box, (240, 160, 160, 160)) > TIGHT


@pytest.mark.parametrize("um_per_px", [0.1, 0.2])
@pytest.mark.parametrize("seed", range(3))
def test_single_red_cells_alone_give_no_candidates(seed, um_per_px):
    assert found(lay(um_per_px=um_per_px, look=NO_PLATELETS, seed=seed), um_per_px) == []


def platelets(count: int, um_per_px: float) -> list[Patch]:
    """Single ones; clumps are as large as nuclei and the classifier's to tell."""
    drawn = (draw_cell(rng(seed), "platelet", um_per_px) for seed in range(1000))
    single = (patch for patch in drawn if patch.mask.sum() * um_per_px**2 < 10)
    return [next(single) for _ in range(count)]


@pytest.mark.parametrize("um_per_px", [0.1, 0.15])
def test_single_platelets_give_no_candidates(um_per_px):
    places = [(patch, 8 + 9 * (n % 5), 8 + 9 * (n // 5)) for n, patch in enumerate(platelets(20, um_per_px))]
    beside_a_cell = [*places, (body("lymphocyte", 1, um_per_px), 54, 20)]
    assert found(lay(places, round(64 / um_per_px), round(48 / um_per_px), um_per_px), um_per_px) == []
    assert len(found(lay(beside_a_cell, round(64 / um_per_px), round(48 / um_per_px), um_per_px), um_per_px)) == 1


@pytest.mark.parametrize("radius", [20, 60, 120])
@pytest.mark.parametrize("gain", [0.2, 0.6])
def test_a_bright_lamp_spot_is_no_cell_and_hides_none(radius, gain):
    bgr = lay([(body("neutrophil"), 15, 36), (body("lymphocyte"), 50, 12)])
    assert len(found(with_lamp_spot(bgr, 320, 240, radius, gain))) == 2
    assert found(with_lamp_spot(lay(), 320, 240, radius, gain)) == []


@pytest.mark.parametrize("degrees", [3, 6, 10, 25, 45])
def test_a_turned_pictures_black_frame_is_no_cell(degrees):
    bgr = turned(lay([(body("neutrophil"), 30, 24), (body("lymphocyte"), 42, 28)]), degrees)
    assert len(found(bgr)) == 2
    again = cv2.imdecode(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 80])[1], cv2.IMREAD_COLOR)
    assert len(found(again)) == 2


@pytest.mark.parametrize(("x", "y"), [(3, 24), (57, 24), (30, 2), (57, 46)], ids=["left", "right", "top", "corner"])
def test_a_cell_cut_by_the_border_is_marked(x, y):
    cut, whole = sorted(
        found(lay([(body("neutrophil"), x, y), (body("lymphocyte"), 30, 24)], 600, 480)),
        key=lambda cell: not cell.at_border,
    )
    assert cut.at_border and not whole.at_border
    left, top, width, height = cut.box
    assert left >= 0 and top >= 0 and left + width <= 600 and top + height <= 480


def test_a_cell_cut_by_a_black_frame_is_marked():
    bgr = lay([(body("neutrophil"), 20, 24), (body("lymphocyte"), 45, 24)])
    bgr[:, :200] = 0
    cut, whole = found(bgr)
    assert cut.at_border and not whole.at_border


def test_looking_changes_nothing_and_the_same_field_gives_the_same_cells():
    field = Field.from_bgr(drawn_at(0.15, LEUKOCYTES, width=640, height=480).bgr)
    before = [part.copy() for part in (field.bgr, field.white, field.valid)]
    first, again = find_cells(field, shipped()), find_cells(field, shipped())
    for part, old in zip((field.bgr, field.white, field.valid), before, strict=True):
        np.testing.assert_array_equal(part, old)
    assert [(c.box, c.centre, c.at_border) for c in first] == [(c.box, c.centre, c.at_border) for c in again]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.contour, other.contour)


def test_cells_come_from_left_to_right_with_outlines_inside_their_boxes():
    cells = found(drawn_at(0.15, LEUKOCYTES, width=640, height=480).bgr, 0.15)
    assert [c.box[0] for c in cells] == sorted(c.box[0] for c in cells)
    for cell in cells:
        x, y, w, h = cell.box
        assert cell.centre == (x + w / 2, y + h / 2)
        low, high = cell.contour.min(axis=0), cell.contour.max(axis=0)
        assert (low >= (x - 1, y - 1)).all() and (high <= (x + w, y + h)).all()
        assert cv2.contourArea(cell.contour) > 0.4 * w * h


def test_an_empty_field_has_no_cells():
    assert found(lay(look=None)) == []
    assert found(np.full((100, 100, 3), 200, np.uint8)) == []


def test_the_same_smear_gives_the_same_cells_at_twice_the_pixels():
    bgr = lay([(body("neutrophil"), 15, 30), (body("monocyte"), 45, 15)], um_per_px=0.1, look=SINGLE)
    large = cv2.resize(bgr, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    small, twice = found(bgr, 0.1), found(large, 0.05)
    assert len(small) == len(twice) == 2
    for one, other in zip(small, twice, strict=True):
        assert overlap([2 * v for v in one.box], other.box) > 0.9
