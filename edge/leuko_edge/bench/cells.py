"""How long the network takes for a cell, singly and by eights, with one thread and with more."""

from __future__ import annotations

import itertools
import os
import time
from typing import NamedTuple

import numpy as np

from ..model.card import load_verified
from ..model.classify import Classifier
from ..model.litert import BATCH, default_threads
from .spread import Spread

LEAST_RUNS = 5


class CellTime(NamedTuple):
    """Milliseconds a cell, of `batch` cells at once with `threads` threads."""

    threads: int
    batch: int
    ms: Spread


def time_cells(model: str | None, seconds: float) -> list[CellTime]:
    """For each number of threads and each batch; `seconds` for all of them together, or a little more.

    What the crops show does not matter to the time: every cell takes the same path through the network.
    """
    card, content = load_verified(model)
    ways = list(itertools.product(numbers_of_threads(), (1, BATCH)))
    rng = np.random.default_rng(1)
    crops = rng.integers(0, 256, (BATCH, card.input_size, card.input_size, 3), dtype=np.uint8)
    found = []
    for threads, batch in ways:
        with Classifier(card, content, threads) as classifier:
            classifier.probabilities(crops[:batch])  # the first run packs the weights
            found.append(CellTime(threads, batch, _timed(classifier, crops[:batch], seconds / len(ways))))
    return found


def numbers_of_threads() -> tuple[int, ...]:
    """From one to as many as there are cores; of many cores not each number."""
    cores = os.cpu_count() or 1
    return tuple(range(1, cores + 1)) if cores <= default_threads() else (1, 2, 4, cores)


def _timed(classifier: Classifier, crops: np.ndarray, seconds: float) -> Spread:
    taken: list[float] = []
    end = time.monotonic() + seconds
    while len(taken) < LEAST_RUNS or time.monotonic() < end:
        began = time.perf_counter()
        classifier.probabilities(crops)
        taken.append(1000 * (time.perf_counter() - began) / len(crops))
    return Spread.of(taken)
