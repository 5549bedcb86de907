"""The comparison's statistics, by the values that were published and by what the papers prove."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from scipy import stats

from leuko_edge.validation.abnormal import Calls
from leuko_edge.validation.agreement import bland_altman, pearson, spearman
from leuko_edge.validation.counting import allowed, share_of
from leuko_edge.validation.linearity import cusum
from leuko_edge.validation.regression import Line, deming, passing_bablok

# Bland & Altman 1986, table 1: peak expiratory flow of 17 subjects, l/min, first measurement with each meter.
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]


def test_bland_and_altmans_peak_flow_example_comes_out_as_printed():
    found = bland_altman(WRIGHT, MINI, factor=2)
    assert found is not None and found.n == 17
    assert [round(value, 1) for value in (found.bias, found.sd)] == [-2.1, 38.8]
    assert [round(value, 1) for value in found.bias_ci] == [-22.0, 17.8]
    assert pearson(WRIGHT, MINI) == pytest.approx(0.94, abs=0.005)
    # Printed are -79.7 and 75.5, with -114.3 to -45.1 and 40.9 to 110.1, of the rounded mean and deviation.
    rounded = (round(found.bias, 1), round(found.sd, 1))
    assert [round(rounded[0] + sign * 2 * rounded[1], 1) for sign in (-1, 1)] == [-79.7, 75.5]
    assert (found.lower, found.upper) == pytest.approx((-79.7, 75.5), abs=0.1)
    assert found.lower_ci == pytest.approx((-114.3, -45.1), abs=0.3)
    assert found.upper_ci == pytest.approx((40.9, 110.1), abs=0.3)


def test_two_pairs_have_no_limits_and_what_does_not_vary_has_no_correlation():
    assert bland_altman([1, 2], [1, 3]) is None
    assert pearson([1, 1, 1], [1, 2, 3]) is None and spearman([1, 2, 3], [2, 2, 2]) is None


def noisy(count: int, seed: int = 3) -> tuple[list[float], list[float]]:
    numbers = random.Random(seed)
    x = [numbers.uniform(10, 80) for _ in range(count)]
    return x, [value + numbers.gauss(0, 4) for value in x]


def test_passing_bablok_finds_a_straight_line_exactly():
    x = [1.0, 2, 4, 7, 11, 16, 22]
    line = passing_bablok(x, [3 + 2 * value for value in x])
    assert line is not None and (line.slope, line.intercept) == (2, 3)
    assert line.slope_ci == (2, 2) and line.intercept_ci == (3, 3)
    same = passing_bablok(x, x)
    assert same is not None and same.identity and not line.identity


def test_passing_bablok_of_six_points_as_reckoned_by_hand():
    """Of 15 slopes, -2, -1/2, 1/6, 1/4, 1/2, 1/2, 2/3, 4/5, 7/8, 1, 1, 1, 5/4, 3/2 and 3, one is below -1: the median
    is not the eighth but the ninth. 1.96 √(6·5·17/18) is 10.4, (15 - 10.4)/2 about 2: the third and the last bound
    it."""
    line = passing_bablok([1, 2, 3, 4, 5, 6], [1, 4, 2, 3, 4.5, 5])
    assert line is not None and line.slope == 0.875
    assert line.slope_ci == (pytest.approx(1 / 6), 3)


def test_passing_bablok_with_the_methods_exchanged_is_the_same_line():
    """Theorem of the 1983 paper: b becomes 1/b. With an odd number of slopes it is so to the last digit."""
    x, y = noisy(23)  # 253 slopes
    there, back = passing_bablok(x, y), passing_bablok(y, x)
    assert there is not None and back is not None
    assert back.slope == pytest.approx(1 / there.slope, rel=1e-9)
    assert back.slope_ci == pytest.approx((1 / there.slope_ci[1], 1 / there.slope_ci[0]), rel=1e-9)
    assert back.intercept == pytest.approx(-there.intercept / there.slope, rel=1e-6)


def test_passing_bablok_in_another_unit_and_from_another_zero_is_the_same_line():
    x, y = noisy(20)
    plain, moved = passing_bablok(x, y), passing_bablok([8 * v + 5 for v in x], [8 * v + 5 for v in y])
    assert plain is not None and moved is not None
    assert moved.slope == pytest.approx(plain.slope, rel=1e-6)
    assert moved.intercept == pytest.approx(8 * plain.intercept + 5 - 5 * plain.slope, rel=1e-5)


def test_passing_bablok_does_not_depend_on_the_order_of_equal_samples():
    x, y = [10, 10, 10, 20, 30, 40, 50, 60], [9, 12, 10, 22, 29, 41, 47, 62]
    straight, turned = passing_bablok(x, y), passing_bablok(x[::-1], y[::-1])
    assert straight == turned and straight is not None


def test_one_wild_sample_does_not_move_passing_and_babloks_line_and_moves_demings():
    x, y = noisy(40)
    wild = [*y[:-1], y[-1] + 400]
    before, after = passing_bablok(x, y), passing_bablok(x, wild)
    assert before is not None and after is not None and abs(after.slope - before.slope) < 0.05
    one, other = deming(x, y), deming(x, wild)
    assert one is not None and other is not None and abs(other.slope - one.slope) > 0.05


def test_what_has_no_slope_has_no_line():
    assert passing_bablok([0] * 9, [0] * 9) is None and deming([0] * 9, [0] * 9) is None
    assert passing_bablok([1, 2], [1, 2]) is None


def test_deming_with_equal_errors_is_the_principal_axis_and_with_a_perfect_method_the_least_squares_line():
    x, y = noisy(30)
    line = deming(x, y)
    assert line is not None
    axis = np.linalg.eigh(np.cov(x, y))[1][:, -1]
    assert line.slope == pytest.approx(axis[1] / axis[0], rel=1e-9)
    exact_x = deming(x, y, ratio=1e9)
    assert exact_x is not None and exact_x.slope == pytest.approx(stats.linregress(x, y).slope, rel=1e-6)


def test_demings_interval_holds_the_true_slope_about_as_often_as_it_says():
    numbers = np.random.default_rng(5)
    held = 0
    for _ in range(300):
        truth = numbers.uniform(10, 80, 40)
        line = deming(truth + numbers.normal(0, 3, 40), truth + numbers.normal(0, 3, 40))
        assert line is not None
        held += line.slope_ci[0] <= 1 <= line.slope_ci[1]
    assert 0.91 <= held / 300 <= 0.985


def test_passing_babloks_interval_holds_the_true_slope_about_as_often_as_it_says():
    numbers = np.random.default_rng(6)
    held = 0
    for _ in range(300):
        truth = numbers.uniform(10, 80, 40)
        line = passing_bablok(truth + numbers.normal(0, 3, 40), truth + numbers.normal(0, 3, 40))
        assert line is not None
        held += line.slope_ci[0] <= 1 <= line.slope_ci[1]
    assert 0.91 <= held / 300 <= 0.985


def test_the_sum_along_the_line_as_reckoned_by_hand():
    """About y = x lie, from the left: above, above, on it, below, below, below. 2 above and 3 below add √(3/2) and take
    √(2/3) away: the sum climbs to 2 · 1.2247, and √(3 + 1) is 2."""
    x, y = [1, 2, 3, 4, 5, 6], [2, 3, 3, 3, 4, 5]
    found = cusum(x, y, Line(1, (1, 1), 0, (0, 0)))
    assert (found.above, found.below) == (2, 3)
    assert found.statistic == pytest.approx(2 * math.sqrt(3 / 2) / 2) and found.linear
    assert cusum(x[::-1], y[::-1], Line(1, (1, 1), 0, (0, 0))) == found
    assert cusum(x, x, Line(1, (1, 1), 0, (0, 0))).statistic == 0


def test_a_straight_line_is_called_curved_about_as_seldom_as_the_paper_says_and_a_curve_is_seen():
    numbers = np.random.default_rng(8)
    curved = bent = 0
    for _ in range(200):
        truth = numbers.uniform(0, 80, 60)
        x, y = truth + numbers.normal(0, 3, 60), truth + numbers.normal(0, 3, 60)
        bow = y + 0.008 * (truth - 40) ** 2
        for values in (y, bow):
            line = passing_bablok(x, values)
            assert line is not None
            if values is y:
                curved += not cusum(x, values, line).linear
            else:
                bent += not cusum(x, values, line).linear
    assert curved / 200 <= 0.1 and bent / 200 >= 0.9


@pytest.mark.parametrize(
    ("first", "second", "may"),
    [((3, 4), (1, 4), True), ((10, 100), (10, 100), True), ((0, 100), (5, 100), True), ((0, 100), (6, 100), False)],
)
def test_counts_differ_where_fishers_exact_test_says_so(first, second, may):
    """The first is Fisher's lady with her tea, of p = 0.486 two-sided; 0 against 6 of a hundred is p = 0.029."""
    assert allowed(first, second) is may and allowed(second, first) is may


def test_of_two_counts_of_the_same_blood_at_least_95_in_100_lie_within_the_band():
    numbers = np.random.default_rng(7)
    for share in (0.02, 0.3, 0.6):
        first, second = numbers.binomial(100, share, 400).tolist(), numbers.binomial(200, share, 400).tolist()
        band = share_of(allowed, [((a, 100), (b, 200)) for a, b in zip(first, second, strict=True)])
        assert band.n == 400 and band.value is not None and band.value >= 0.93
    differing = [((int(a), 100), (30, 100)) for a in numbers.binomial(100, 0.6, 100)]
    found = share_of(allowed, differing).value
    assert found is not None and found < 0.2


def test_kappa_sensitivity_and_specificity_of_a_table_of_four():
    """20, 5, 10 and 15 of 50: two readers agree on 0.70, chance gives 0.50, κ is 0.40."""
    calls = Calls(20, 5, 10, 15)
    assert calls.kappa.value == pytest.approx(0.4)
    assert (calls.sensitivity.k, calls.sensitivity.n) == (20, 30) and calls.specificity.value == 0.75
    assert Calls.of([(True, True), (True, False), (False, False)]) == Calls(1, 1, 0, 1)
    assert Calls(0, 0, 0, 9).kappa.value is None and Calls(0, 0, 0, 9).sensitivity.value is None
