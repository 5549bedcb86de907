import itertools

import pytest

pytest.importorskip("tensorflow")
from leuko_train.training.course import Schedule


def test_the_rate_warms_up_and_falls_to_nothing():
    schedule = Schedule(1e-3, epochs=10, warmup=2)
    rates = [schedule.rate(epoch, 0) for epoch in range(10)]
    assert rates[0] == pytest.approx(1e-3 / 3) and rates[0] < rates[1] < rates[2]
    assert all(after < before for before, after in itertools.pairwise(rates[2:]))
    assert rates[9] < 0.03 * 1e-3


def test_a_time_budget_brings_the_fall_forward():
    schedule = Schedule(1e-3, epochs=100, warmup=0, minutes=10)
    assert schedule.rate(5, seconds=540) == pytest.approx(Schedule(1e-3, 10, 0).rate(9, 0))
    assert schedule.seconds_left(5, seconds=540, an_epoch=100) == pytest.approx(60)
    assert schedule.seconds_left(5, seconds=570, an_epoch=100) == 0


def test_without_a_budget_the_epochs_decide():
    schedule = Schedule(1e-3, epochs=10)
    assert schedule.seconds_left(8, seconds=1e9, an_epoch=7) == 14
    assert schedule.seconds_left(10, seconds=0, an_epoch=7) == 0
