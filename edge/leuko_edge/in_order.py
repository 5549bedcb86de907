"""Work on one thing after another by several threads, the results in the things' own order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

Thing = TypeVar("Thing")
Result = TypeVar("Result")


def in_order(
    work: Callable[[Thing], Result], things: Iterable[Thing], workers: int, alone: Callable[[Thing], bool]
) -> Iterator[tuple[Thing, Result]]:
    """Each of `things` with what `work` makes of it.

    The caller's thread takes the things; at most `workers` + 1 of them are held at a time, and one that is to be worked
    on `alone` has no other beside it. What `work` raises is raised when its turn comes. Once the iterator is left,
    by an interrupt too, what is begun is ended and nothing else is begun.
    """
    if workers < 2:
        for thing in things:
            result = work(thing)
            yield thing, result
            del thing, result  # while the next is made, this is the taker's alone
        return
    from concurrent.futures import ThreadPoolExecutor

    pending: deque[tuple[Thing, Future[Result]]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for thing in things:
            if alone(thing):
                while pending:
                    yield _first(pending)
                result = work(thing)
                yield thing, result
                del result
            else:
                pending.append((thing, pool.submit(work, thing)))
            del thing
            if len(pending) > workers:
                yield _first(pending)
        while pending:
            yield _first(pending)
    finally:
        pool.shutdown(cancel_futures=True)


def _first(pending: deque[tuple[Thing, Future[Result]]]) -> tuple[Thing, Result]:
    thing, future = pending.popleft()
    return thing, future.result()
