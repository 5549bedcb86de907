"""Processes that draw views while the network trains on those before: a GPU is quicker than one of them."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor

import numpy as np

from .augment import Strength, Window
from .views import seeded_views

TASK = 256  # views that a process draws at a time

_crops: np.ndarray  # of the process
_outlines: np.ndarray | None


def _open(crops: str | np.ndarray, outlines: str | np.ndarray | None) -> None:
    global _crops, _outlines
    _crops, _outlines = _mapped(crops), None if outlines is None else _mapped(outlines)


def _mapped(values: str | np.ndarray) -> np.ndarray:
    return np.load(values, mmap_mode="r") if isinstance(values, str) else values


def _file(values: np.ndarray) -> str | np.ndarray:
    return str(values.filename) if isinstance(values, np.memmap) else values


def _draw(chosen: np.ndarray, seeds: np.ndarray, strength: Strength, window: Window) -> np.ndarray:
    return seeded_views(_crops, chosen, seeds, strength, window, _outlines)


class ViewPool:
    """`count` processes over the crops of a cell set. They share its file, where it has one."""

    def __init__(self, crops: np.ndarray, count: int, outlines: np.ndarray | None = None) -> None:
        context = multiprocessing.get_context("spawn")  # a GPU's threads do not survive a fork
        self._pool = ProcessPoolExecutor(
            count, context, _open, (_file(crops), None if outlines is None else _file(outlines))
        )

    def views(self, chosen: np.ndarray, seeds: np.ndarray, strength: Strength, window: Window) -> Iterator[np.ndarray]:
        """Begins now; gives (256, size, size, 3) uint8 by turns, in order, waiting for what is not ready."""
        tasks: list[Future[np.ndarray]] = [
            self._pool.submit(_draw, chosen[i : i + TASK], seeds[i : i + TASK], strength, window)
            for i in range(0, len(chosen), TASK)
        ]
        tasks.reverse()  # what is done with is let go
        return (tasks.pop().result() for _ in range(len(tasks)))

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
