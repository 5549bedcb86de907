"""What the pictures of one run know together of their scale."""

from __future__ import annotations

import pytest

from leuko_edge.types import Scale
from leuko_edge.vision.scale_pool import Scales

FIELD, CROP, OTHER = (480, 640), (90, 100), (93, 88)


def run(measured: dict[tuple[int, ...], list[float]], guessed: dict[tuple[int, ...], list[float]]) -> Scales:
    return Scales(measured, {size: [guess(um) for um in values] for size, values in guessed.items()})


def guess(um: float, within: float = 1.5) -> Scale:
    return Scale(um, "assumed", within=within)


def test_nothing_known_is_no_scale():
    assert run({}, {}).usual(FIELD) is None


def test_the_measurements_of_pictures_of_a_size_are_the_scale_of_the_others_of_that_size():
    scales = run({FIELD: [0.1, 0.11, 0.12], CROP: [0.3]}, {FIELD: [0.3]})
    assert scales.usual(FIELD) == Scale(0.11, "pooled")


def test_one_measurement_does_not_overrule_many_nuclei_that_contradict_it():
    guessed = [0.1, 0.11, 0.09, 0.12, 0.1]
    assert run({CROP: [0.3]}, {CROP: guessed}).usual(CROP) == guess(0.1)
    assert run({CROP: [0.12]}, {CROP: guessed}).usual(CROP) == Scale(0.12, "pooled")


def test_single_cells_each_of_its_own_size_take_what_is_measured_in_the_others():
    scales = run({(n, n): [0.1 + n / 1e4] for n in range(90, 95)}, {OTHER: [0.13], CROP: [0.08]})
    assert scales.usual(OTHER) == scales.usual(CROP) == Scale(pytest.approx(0.1092), "pooled")


def test_measurements_that_disagree_or_that_the_nucleus_contradicts_are_not_lent_to_another_size():
    assert run({(90, 90): [0.05], (91, 91): [0.1], (92, 92): [0.2]}, {CROP: [0.11]}).usual(CROP) == guess(0.11)
    assert run({FIELD: [0.05, 0.05, 0.05]}, {CROP: [0.11]}).usual(CROP) == guess(0.11)


def test_single_cells_each_of_its_own_size_take_the_middle_of_all_guesses_where_these_agree():
    guessed = {(90 + n, 90): [value] for n, value in enumerate([0.08, 0.09, 0.1, 0.11, 0.3])}
    assert run({}, guessed).usual((94, 90)) == guess(0.1)


def test_guesses_of_two_magnifications_are_not_mixed():
    guessed = {(90 + n, 90): [value] for n, value in enumerate([0.1, 0.1, 0.4, 0.4])}
    assert run({}, guessed).usual((90, 90)) == guess(0.1)
    assert run({}, guessed).usual((93, 90)) == guess(0.4)


def test_a_size_is_settled_by_a_third_as_many_measurements_as_there_are_guesses():
    assert not run({}, {CROP: [0.1]}).settled(CROP) and not run({FIELD: [0.1]}, {}).settled(CROP)
    assert run({CROP: [0.3, 0.3]}, {CROP: [0.1] * 6}).settled(CROP)
    assert not run({CROP: [0.3, 0.3]}, {CROP: [0.1] * 7}).settled(CROP)


def test_many_guesses_are_as_sure_as_most_of_them():
    sure, doubtful = guess(0.1), guess(0.1, within=3.0)
    for several, within in (([sure, sure, doubtful], 1.5), ([sure, doubtful, doubtful], 3.0)):
        assert Scales({}, {CROP: several}).usual(CROP) == guess(0.1, within)
