from dataclasses import replace

import cv2
import numpy as np
import pytest

from leuko_edge.simulate import draw_field
from leuko_edge.vision.crop import WHITE, cut
from leuko_edge.vision.field import Field
from leuko_train.data.augment import STRENGTHS, Strength, Window, blank, end, random_view, restain, warp
from leuko_train.data.views import identity_view, seeded_views, seeds_for

NOTHING = Strength(
    scale=(1, 1),
    shift_um=0,
    stain_balance=0,
    stain_off_diagonal=0,
    stain_diagonal=0,
    density_gain=(1, 1),
    density_gamma=(1, 1),
    background=0,
    white_balance=0,
    tilt=0,
    blur=0,
    sharpen=0,
    noise=0,
    jpeg=0,
)


def disc(diameter_um: float = 12.0, centre: tuple[int, int] = (72, 72)) -> np.ndarray:
    """A purple disc on background at 0.25 µm/px, its middle on the corner between four pixels."""
    fine = np.full((1152, 1152, 3), WHITE, np.uint8)
    cv2.circle(fine, (centre[0] * 8, centre[1] * 8), round(diameter_um / 0.25 * 4), (120, 60, 150), -1)
    return cv2.resize(fine, (144, 144), interpolation=cv2.INTER_AREA)


def measured(view: np.ndarray, um_per_px: float = 0.375) -> tuple[float, np.ndarray]:
    """Diameter in µm by area, and the middle (x, y) in pixels from the view's own middle."""
    share = (WHITE - view[..., 1].astype(float)) / (WHITE - 60)
    rows, columns = np.indices(share.shape)
    middle = np.array([(columns * share).sum(), (rows * share).sum()]) / share.sum()
    return 2 * np.sqrt(share.sum() / np.pi) * um_per_px, middle - (len(view) - 1) / 2


def test_the_plain_view_keeps_size_and_middle():
    diameter, off = measured(identity_view(disc()[None])[0])
    assert diameter == pytest.approx(12, abs=0.1)
    assert np.abs(off).max() < 0.05


def test_the_plain_view_is_the_area_average_of_the_central_window():
    smooth = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (144, 144, 3), np.uint8), (0, 0), 2)
    area = cv2.resize(smooth[24:120, 24:120], (64, 64), interpolation=cv2.INTER_AREA)
    assert np.abs(identity_view(smooth[None])[0].astype(int) - area).mean() < 1.5


@pytest.mark.parametrize("um_per_px", [0.1, 0.2])
def test_the_plain_view_is_what_the_device_cuts(um_per_px):
    drawn = draw_field(
        np.random.default_rng(1), width=640, height=480, um_per_px=um_per_px, cells=("neutrophil", "lymphocyte")
    )
    field, centres = Field.from_bgr(drawn.bgr, um_per_px), [cell.centre for cell in drawn.truth]
    device, stored = cut(field, centres, 24.0, 64), cut(field, centres, 36.0, 144)
    difference = np.abs(identity_view(stored).astype(int) - device)
    assert difference.mean() < 1.5
    shifted = np.abs(np.roll(identity_view(stored), 1, axis=2).astype(int) - device)
    assert difference.mean() < 0.5 * shifted.mean()  # not a pixel off


@pytest.mark.parametrize(("um", "size"), [(24.0, 64), (20.0, 80), (30.0, 48)])
def test_other_windows_keep_micrometres(um, size):
    view = identity_view(disc()[None], Window(um, size))[0]
    assert view.shape == (size, size, 3)
    assert measured(view, um / size)[0] == pytest.approx(12, abs=0.15)


def test_scale_enlarges_and_shift_moves_by_micrometres():
    assert measured(warp(disc(8), Window(), scale=1.25))[0] == pytest.approx(10, abs=0.15)
    _, off = measured(warp(disc(8), Window(), shift_um=(1.5, 0)))
    np.testing.assert_allclose(off, (-4, 0), atol=0.05)  # the window moves right, the cell left


def test_outside_the_crop_is_background():
    view = warp(np.zeros((144, 144, 3), np.uint8), Window(), scale=0.5)
    assert (view[0, 0] == WHITE).all() and (view[32, 32] == 0).all()


def test_a_flip_mirrors():
    crop = disc(8, centre=(80, 72))
    np.testing.assert_array_equal(warp(crop, Window(), flip=True), warp(crop, Window())[:, ::-1])


def test_without_any_strength_only_the_orientation_differs():
    view = random_view(disc(), np.random.default_rng(3), NOTHING, Window())
    assert np.abs(view.astype(int) - identity_view(disc()[None])[0]).mean() < 0.5  # sampling of the edge


def test_white_background_stays_light_under_any_stain():
    white = np.full((1, 144, 144, 3), WHITE, np.uint8)
    views = seeded_views(white, np.zeros(50, int), seeds_for(np.random.default_rng(0), 50), Strength(), Window())
    assert views.mean((1, 2, 3)).min() > 200


def test_a_smaller_amplitude_moves_the_stain_less_and_none_leaves_it():
    rgb = np.full((4, 4, 3), (150, 90, 170), np.uint8)

    def moved(amplitude: float) -> float:
        strength = replace(STRENGTHS["wide"], amplitude=(amplitude, amplitude), background=0.0)
        views = [restain(rgb, np.random.default_rng(seed), strength)[0, 0] for seed in range(200)]
        return float(np.abs(np.array(views) - rgb[0, 0]).mean())

    assert moved(0.0) < 0.01
    assert moved(0.2) < 0.5 * moved(0.6) < 0.5 * moved(1.0)
    low, high = STRENGTHS["mixed"].amplitude
    assert 0 < low < high == 1 and replace(STRENGTHS["mixed"], amplitude=(1.0, 1.0)) == STRENGTHS["wide"]


def test_views_depend_on_the_seed_alone():
    crops, chosen = np.stack([disc(), disc(8)]), np.array([0, 1, 1, 0])
    first, again, other = (
        seeded_views(crops, chosen, seeds_for(np.random.default_rng(seed), len(chosen)), Strength(), Window())
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any(axis=(1, 2, 3)).all()
    assert (first[1] != first[2]).any()  # two views of one cell differ


def test_a_picture_that_ends_round_the_cell_is_white_beyond_and_the_same_within():
    rgb = np.random.default_rng(0).integers(0, 200, (64, 64, 3), np.uint8)
    ended = end(rgb, np.random.default_rng(1), Strength(cut=1.0), 0.375)
    kept = (ended == rgb).all(axis=2)
    assert (ended[~kept] == WHITE).all()
    rows, columns = np.flatnonzero(kept.any(axis=1)), np.flatnonzero(kept.any(axis=0))
    assert kept[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    for width in (len(rows), len(columns)):
        assert 2 * 4.5 / 0.375 - 1 <= width <= 2 * 12 / 0.375 + 1
    assert end(rgb, np.random.default_rng(1), Strength(), 0.375) is rgb


def test_what_lies_round_the_outline_can_be_left_out():
    crop = np.full((208, 208, 3), 90, np.uint8)
    outline = np.zeros((208, 208), np.uint8)
    outline[94:114, 94:114] = 1
    found = blank(crop, outline, margin_um=0.5)
    assert (found[96:112, 96:112] == 90).all() and (found[:80] == WHITE).all() and (found[:, 130:] == WHITE).all()


def test_a_view_without_an_outline_keeps_its_background():
    crop, outline = np.full((208, 208, 3), 90, np.uint8), np.zeros((208, 26), np.uint8)
    always = replace(NOTHING, blank=1.0)
    assert (random_view(crop, np.random.default_rng(0), always, Window(), outline) < 100).all()
    outline[94:114, 12:14] = 255
    view = random_view(crop, np.random.default_rng(0), always, Window(), outline)
    assert (view[:8] > 200).all() and (view[30:34, 30:34] < 100).all()
