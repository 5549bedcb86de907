"""The simulated slide as a source, the twin of a folder of photographs: the pipeline cannot tell them
apart."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice

from . import demo
from .simulate import Drawn
from .types import Frame


class SimulatedSlide:
    """Fields of `demo.fields` as Frames named simulated-001, …; `truth` counts what is drawn into them, by
    label.

    Drawn as they are asked for; the same seed gives the same pixels.
    """

    def __init__(self, seed: int = 1, leukocytes: int = 100) -> None:
        self.name = f"simulated smear, seed {seed}"
        self.truth = demo.true_counts(leukocytes)
        self._seed, self._leukocytes = seed, leukocytes

    def __iter__(self) -> Iterator[Frame]:
        for index, drawn in enumerate(demo.fields(self._seed, self._leukocytes)):
            yield _frame(index, drawn)

    def take(self, index: int) -> Frame:
        """Field number `index`, drawn anew with all before it."""
        return _frame(index, next(islice(demo.fields(self._seed, self._leukocytes), index, None)))

    def __enter__(self) -> SimulatedSlide:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing stays open between two fields."""


def _frame(index: int, drawn: Drawn) -> Frame:
    return Frame(index, time.time(), drawn.bgr, f"simulated-{index + 1:03}")
