"""The simulated smear: reproducible, true to its truth, and different from class to class."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from leuko_edge.simulate import Background, Camera, Drawn, Patch, Slide, Stain, demo, draw_cell, draw_field, transmit
from leuko_edge.simulate.background import lay_red_cells
from leuko_edge.types import CLASSES, LEUKOCYTES

BLUE, GREEN, RED = 0, 1, 2


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def field(*cells: str, seed: int = 1, **more: object) -> Drawn:
    return draw_field(rng(seed), width=640, height=480, cells=cells, **more)  # type: ignore[arg-type]


def some(label: str, count: int = 8) -> list[Patch]:
    return [draw_cell(rng(seed), label, 0.1) for seed in range(count)]


def diameter_um(patch: Patch) -> float:
    return float(np.sqrt(patch.mask.sum() * 4 / np.pi) * patch.um_per_px)


def cytoplasm_density(patch: Patch) -> np.ndarray:
    return patch.density[patch.mask & ~patch.nucleus].mean(0)


def test_the_same_seed_draws_the_same_picture_and_another_seed_another() -> None:
    first, again, other = field("monocyte"), field("monocyte"), field("monocyte", seed=2)
    assert np.array_equal(first.bgr, again.bgr) and first.truth == again.truth
    assert not np.array_equal(first.bgr, other.bgr)


def test_a_field_has_the_size_asked_for_and_lists_the_cells_asked_for_in_order() -> None:
    drawn = field("lymphocyte", "erythroblast", "artefact")
    assert drawn.bgr.shape == (480, 640, 3) and drawn.bgr.dtype == np.uint8
    assert [cell.label for cell in drawn.truth] == ["lymphocyte", "erythroblast", "artefact"]


def test_without_a_list_one_to_four_leukocytes_are_drawn() -> None:
    truth = draw_field(rng(), width=800, height=600).truth
    assert 1 <= len(truth) <= 4 and all(cell.label in LEUKOCYTES for cell in truth)


def test_truth_boxes_lie_inside_the_picture_and_hold_a_dark_nucleus() -> None:
    labels = [*LEUKOCYTES, "erythroblast"]
    drawn = draw_field(rng(3), cells=labels)
    height, width = drawn.bgr.shape[:2]
    red_cells_green = np.percentile(drawn.bgr[..., GREEN], 10)
    for cell in drawn.truth:
        x, y, w, h = cell.box
        assert x >= 0 and y >= 0 and x + w <= width and y + h <= height
        assert cell.centre == (x + w / 2, y + h / 2)
        dark = drawn.bgr[y : y + h, x : x + w, GREEN] < 0.7 * red_cells_green
        assert dark.mean() > 0.12, cell.label


def test_cells_do_not_touch_one_another() -> None:
    truth = draw_field(rng(5), cells=["neutrophil"] * 6).truth
    for i, a in enumerate(truth):
        for b in truth[i + 1 :]:
            apart = np.hypot(a.centre[0] - b.centre[0], a.centre[1] - b.centre[1])
            assert apart > (max(a.box[2:]) + max(b.box[2:])) / 2


def test_more_cells_than_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        draw_field(rng(), width=200, height=200, cells=["monocyte"] * 5)


def test_an_unknown_class_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="plasma_cell"):
        draw_cell(rng(), "plasma_cell", 0.1)


@pytest.mark.parametrize("label", CLASSES)
def test_every_class_is_drawn_whole_within_its_patch(label: str) -> None:
    for patch in some(label, 12):
        assert patch.density.shape == (*patch.cover.shape, 3)
        assert np.isfinite(patch.density).all() and patch.density.max() > 0.3
        edge = np.concatenate([patch.cover[0], patch.cover[-1], patch.cover[:, 0], patch.cover[:, -1]])
        assert patch.mask.any() and edge.max() < 0.4


def test_a_cell_keeps_its_size_in_micrometres_at_any_scale() -> None:
    fine, coarse = (draw_cell(rng(4), "eosinophil", scale) for scale in (0.1, 0.25))
    assert diameter_um(coarse) == pytest.approx(diameter_um(fine), rel=0.03)


def test_densities_add_where_bodies_overlap_and_a_leukocyte_displaces() -> None:
    patch = draw_cell(rng(), "lymphocyte", 0.1)
    h, w = patch.cover.shape
    once, twice, displaced = Slide(w, h), Slide(w, h), Slide(w, h)
    once.add(patch, 0, 0)
    for _ in range(2):
        twice.add(patch, 0, 0)
        displaced.add(patch, 0, 0, displaces=True)
    assert np.allclose(twice.density, 2 * once.density)
    middle = patch.cover > 0.999
    assert np.allclose(displaced.density[middle], once.density[middle], atol=2e-3)
    assert np.allclose(transmit(twice.density), transmit(once.density) ** 2, atol=1e-5)


def test_a_patch_laid_over_the_edge_is_cut_and_one_beyond_it_changes_nothing() -> None:
    patch = draw_cell(rng(), "monocyte", 0.1)
    slide = Slide(60, 50)
    slide.add(patch, 500, 500)
    slide.add(patch, -500, 0)
    assert not slide.density.any()
    slide.add(patch, -70, -70)
    assert np.array_equal(slide.density[:20, :20], patch.density[70:90, 70:90])


def test_the_empty_background_has_the_cameras_white() -> None:
    camera = Camera(white=(200.0, 215.0, 230.0), vignette=0.0, tilt=(0.0, 0.0))
    empty = Background(red_cells=0.0, platelets=0.0)
    drawn = field(camera=camera, background=empty)
    assert np.allclose(np.median(drawn.bgr, axis=(0, 1)), camera.white, atol=8)


def test_the_lamp_leaves_the_corners_darker() -> None:
    light = Camera(vignette=0.2, tilt=(0.0, 0.0)).illumination(90, 120)
    assert light[45, 60] == pytest.approx(1.0, abs=0.01)
    assert light[0, 0] == pytest.approx(0.8, abs=0.01)


def test_red_cells_lie_off_the_leukocytes_and_have_their_size() -> None:
    clear = np.array([[60.0, 45.0, 8.0]])
    look = Background()
    laid = lay_red_cells(rng(), (120.0, 90.0), clear, look)
    gaps = np.hypot(laid[:, 0] - 60, laid[:, 1] - 45)
    assert len(laid) > 50 and (gaps > 8 + 0.9 * laid[:, 2] / 2).all()
    assert laid[:, 2].mean() == pytest.approx(look.red_cell_um, rel=0.03)


def test_leukocytes_have_the_diameters_of_the_atlas() -> None:
    mean = {label: np.mean([diameter_um(p) for p in some(label)]) for label in CLASSES}
    assert 12 <= mean["neutrophil"] <= 14
    assert 8 <= mean["lymphocyte"] <= 11.5
    assert 15 <= mean["monocyte"] <= 18
    assert 12.5 <= mean["eosinophil"] <= 15
    assert 11 <= mean["basophil"] <= 13
    assert 14 <= mean["immature_granulocyte"] <= 18
    assert 12 <= mean["variant_lymphocyte"] <= 18
    assert 12 <= mean["blast"] <= 20
    assert 8 <= mean["erythroblast"] <= 11
    assert mean["platelet"] <= 4


def test_eosinophils_are_red_lymphocytes_blue_and_neutrophils_pale_around_the_nucleus() -> None:
    around = {label: np.mean([cytoplasm_density(p) for p in some(label)], axis=0) for label in LEUKOCYTES}
    assert around["eosinophil"][BLUE] > 3 * around["eosinophil"][RED]  # light left over is red
    assert around["lymphocyte"][RED] > 1.5 * around["lymphocyte"][BLUE]  # light left over is blue
    assert around["neutrophil"][GREEN] < 0.6 * around["eosinophil"][GREEN]
    assert max(around, key=lambda label: around[label].sum()) == "basophil"


def test_a_blast_is_mostly_nucleus_and_a_variant_lymphocyte_mostly_blue_cytoplasm() -> None:
    share = {
        label: np.mean([p.nucleus.sum() / p.mask.sum() for p in some(label)])
        for label in ("blast", "variant_lymphocyte", "lymphocyte")
    }
    assert share["blast"] > 0.55 > 0.5 > share["variant_lymphocyte"] and share["lymphocyte"] > 0.5
    blue = np.mean([cytoplasm_density(p) for p in some("variant_lymphocyte")], axis=0)
    assert blue[RED] > 1.5 * blue[BLUE]


def test_an_erythroblasts_nucleus_is_denser_than_a_monocytes() -> None:
    ink, lace = (
        np.mean([p.density[p.nucleus, GREEN].mean() for p in some(label)]) for label in ("erythroblast", "monocyte")
    )
    assert ink > 1.4 * lace


def test_another_days_stain_and_another_camera_change_the_picture_but_not_the_truth() -> None:
    plain = field("neutrophil")
    other = field("neutrophil", stain=Stain().varied(rng(9)), camera=Camera().varied(rng(9)))
    assert plain.truth == other.truth
    assert np.abs(plain.bgr.astype(int) - other.bgr).mean() > 2


def test_the_demo_shows_exactly_the_differential_it_states() -> None:
    wanted = demo.true_counts(13)
    shown = Counter(
        c.label
        for drawn in demo.fields(seed=3, leukocytes=13, um_per_px=0.14, width=640, height=480)
        for c in drawn.truth
    )
    assert sum(shown[label] for label in LEUKOCYTES) == 13
    assert {label: shown[label] for label in wanted} == wanted


@pytest.mark.parametrize("leukocytes", [1, 7, 100, 333])
def test_the_demos_leukocytes_add_up(leukocytes: int) -> None:
    counts = demo.true_counts(leukocytes)
    assert sum(counts.get(label, 0) for label in LEUKOCYTES) == leukocytes


def test_the_demo_is_reproducible_and_refuses_an_empty_count() -> None:
    first, again = (next(demo.fields(seed=5, leukocytes=10, width=640, height=480)) for _ in range(2))
    assert np.array_equal(first.bgr, again.bgr)
    with pytest.raises(ValueError, match="at least 1"):
        next(demo.fields(leukocytes=0))
