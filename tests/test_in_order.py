"""Several threads, one order: nothing is held beyond what is said, and nothing is begun after the end."""

from __future__ import annotations

import threading
import time

import pytest

from leuko_edge.in_order import in_order


def never(_: object) -> bool:
    return False


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_results_come_in_the_things_order_however_long_each_takes(workers):
    def slow(n: int) -> int:
        time.sleep(0.02 if n % 3 == 0 else 0)
        return n * n

    assert list(in_order(slow, range(20), workers, never)) == [(n, n * n) for n in range(20)]


def test_two_workers_work_at_the_same_time():
    both = threading.Barrier(2, timeout=20)
    assert [n for n, _ in in_order(lambda _: both.wait(), range(4), 2, never)] == [0, 1, 2, 3]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_no_more_things_are_taken_than_are_worked_on(workers):
    taken = []

    def things():
        for n in range(12):
            taken.append(n)
            yield n

    for given, _ in in_order(lambda n: n, things(), workers, never):
        assert len(taken) <= given + 1 + workers


def test_what_is_to_be_alone_has_nothing_beside_it():
    running, most = set(), {}

    def work(n: int) -> None:
        running.add(n)
        time.sleep(0.01)
        most[n] = len(running)
        running.discard(n)

    assert [n for n, _ in in_order(work, range(8), 2, lambda n: n == 4)] == list(range(8))
    assert most[4] == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_comes_in_its_turn_and_ends_the_work(workers):
    begun = []

    def work(n: int) -> int:
        begun.append(n)
        if n == 2:
            raise ArithmeticError("two")
        return n

    given = []
    with pytest.raises(ArithmeticError, match="two"):
        for n, _ in in_order(work, range(100), workers, never):
            given.append(n)
    assert given == [0, 1] and len(begun) <= 3 + workers


def test_whoever_stops_early_waits_for_nothing_that_was_not_begun():
    begun = []
    left = in_order(begun.append, range(100), 2, never)
    next(left)
    left.close()
    assert len(begun) <= 3 and not [t for t in threading.enumerate() if "ThreadPoolExecutor" in t.name]
