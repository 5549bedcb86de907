"""Westgard's rules, one by one and by their rates."""

from __future__ import annotations

import numpy as np
import pytest
import qc_alarms

from leuko_edge.qc.baseline import FEWEST, Baseline, baseline
from leuko_edge.qc.westgard import Measured, Rule, broken


def one_control(*zs: float) -> list[Measured]:
    return [Measured(str(day), "A", z) for day, z in enumerate(zs)]


@pytest.mark.parametrize(
    ("zs", "rules"),
    [
        ((0.3,), ()),
        ((3.0,), ()),  # on the limit, not beyond it
        ((3.1,), (Rule.ONE_3S,)),
        ((-3.1,), (Rule.ONE_3S,)),
        ((2.1, 2.2), (Rule.TWO_2S,)),
        ((2.1, -2.2), ()),  # another run: no R-4s, and not the same side
        ((2.1, 0.0, 2.2), ()),
        ((1.1, 1.2, 1.3), ()),
        ((1.1, 1.2, 1.3, 1.4), (Rule.FOUR_1S,)),
        ((-1.1, -1.2, 0.9, -1.3), ()),
        ((0.1,) * 9, ()),
        ((0.1,) * 10, (Rule.TEN_X,)),
        ((-0.1,) * 10, (Rule.TEN_X,)),
        ((0.1,) * 9 + (0.0,), ()),  # on the mean is on neither side
        ((1.5,) * 9 + (3.5,), (Rule.ONE_3S, Rule.FOUR_1S, Rule.TEN_X)),
    ],
)
def test_each_rule_is_broken_by_what_the_paper_says_and_by_nothing_less(zs, rules):
    assert broken(one_control(*zs)) == rules


def test_what_was_wrong_before_and_is_right_now_is_no_alarm():
    assert broken(one_control(4.0, 2.5, 2.5, 0.2)) == ()


def test_r_4s_needs_both_sides_within_one_run():
    same = [Measured("monday", "A", 2.1), Measured("monday", "B", -2.1)]
    apart = [Measured("monday", "A", 2.1), Measured("tuesday", "B", -2.1)]
    assert broken(same) == (Rule.R_4S,)
    assert broken(apart) == ()


def test_rows_are_looked_for_within_a_control_and_across_controls():
    across = [Measured("monday", "A", 2.1), Measured("monday", "B", 2.1)]
    within = [Measured("monday", "A", 2.1), Measured("monday", "B", 0.0), Measured("tuesday", "A", 2.1)]
    assert broken(across) == (Rule.TWO_2S,)
    assert broken(within) == (Rule.TWO_2S,)


def test_a_baseline_needs_twenty_runs_and_stays_that_of_the_first():
    values = [float(n % 2) for n in range(FEWEST)]
    assert baseline(values[:-1], 0.1) is None
    found = baseline([*values, 100.0], 0.1)
    assert found is not None
    assert (found.mean, found.runs) == (0.5, FEWEST)
    assert found.sd == pytest.approx(0.513, abs=1e-3)  # of a sample: the root of 5 / 19


def test_photographs_that_never_change_do_not_make_a_rounding_an_alarm():
    found = baseline([0.1] * FEWEST, 0.01)
    assert found is not None
    assert found.z(0.1049) == 0 == found.z(0.0951)  # on neither side: ten of them are no 10-x
    assert found.z(0.11) == pytest.approx(1)


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan")])
def test_a_spread_that_is_none_is_refused(bad):
    with pytest.raises(ValueError, match="above 0"):
        Baseline(1.0, bad)


def test_false_alarms_come_as_often_as_theory_says():
    sites = 120
    alarms, _, total = qc_alarms.quiet(np.random.default_rng(1), sites, 1, learnt=False)
    for rule, chance in qc_alarms.promised().items():
        # Alarms of a rule come in rows, so that their number scatters more than a binomial's.
        assert abs(alarms[rule] - chance * total) <= 5 * (3 * chance * total) ** 0.5, rule


@pytest.mark.parametrize("shift", [1.0, 2.0, 3.0])
def test_a_shift_is_told_as_soon_as_theory_says(shift):
    runs = qc_alarms.told_after(np.random.default_rng(2), 1000, 1, shift, learnt=False)
    assert abs(runs.mean() - qc_alarms.runs_until_told(shift)) <= 4 * runs.std() / 1000**0.5


def test_the_chain_gives_the_known_time_of_a_single_limit():
    """Of the 3 SD limit alone it is 1 / 0.0027 = 370 (Shewhart); the other rules can only shorten it."""
    below, above = qc_alarms.tail(3)
    assert 1 / (below + above) == pytest.approx(370.4, abs=0.1)
    assert qc_alarms.runs_until_told(0) < 370.4
    assert qc_alarms.runs_until_told(4) < 1 / sum(qc_alarms.tail(3, 4)) < 1.2
