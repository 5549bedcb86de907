"""`python edge/benchmarks/field_steps.py PICTURES…`: where the time of a field goes, step by step, from file to result.

Milliseconds of processor time of one thread, which other programs disturb less than they do a clock: of each step the
least of `--rounds` runs of each picture, warm, the mean over the pictures. Steps further in are part of the one above
them. Without PICTURES it takes a drawn field of 640×480 with two white cells, as `leuko-edge bench` does.
"""

from __future__ import annotations

import argparse
import importlib
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2

from leuko_edge.bench.photos import draw
from leuko_edge.model.classify import Classifier
from leuko_edge.model.finder import Finder
from leuko_edge.pipeline import Pipeline
from leuko_edge.sources.pictures import Pictures

STEPS = (  # how far in, what it does, where it is looked up when it is called
    (0, "reading", "sources.pictures", "read_picture"),
    (1, "is it whole, how large", "sources.picture_decoding", "inspect"),
    (1, "decoding", "sources.picture_decoding", "_pixels"),
    (1, "is it grey", "sources.picture_decoding", "has_colour"),
    (0, "light and scale", "vision.field", "Field.from_bgr"),
    (1, "reduced copies", "vision.field", "shrink"),
    (1, "border", "vision.field", "valid_area"),
    (1, "empty background", "vision.field", "illumination"),
    (1, "density of red cells", "vision.field", "_Reduced.channel"),
    (1, "what is stained", "vision.field", "levels"),
    (1, "red cells' circles", "vision.field", "commonest"),
    (1, "sharpness", "vision.field", "sharpness"),
    (0, "finding and outlining", "pipeline", "find_cells"),
    (1, "what the network is shown", "vision.segment", "finder_input"),
    (1, "the network", "model.finder", "Finder.maps"),
    (1, "outlines", "vision.segment", "cells_in"),
    (0, "crops", "pipeline", "cut"),
    (0, "classifying", "model.classify", "Classifier.classify"),
    (1, "the network", "model.litert", "Network.run"),
    (0, "shown by an earlier picture", "pipeline", "means_of"),
    (0, "overlap with earlier pictures", "mapping.overlap", "Photographs.add"),
)


class Clock:
    """Nanoseconds of this thread by step, of the run in progress."""

    def __init__(self) -> None:
        self.taken: dict[int, int] = defaultdict(int)

    def timed(self, step: int, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            began = time.thread_time_ns()
            try:
                return function(*given, **named)
            finally:
                self.taken[step] += time.thread_time_ns() - began

        return call

    def wrapped(self, step: int, module: str, name: str) -> Any:
        """A patch that times what is called `name`, a function of the module or a method of its class."""
        holder: Any = importlib.import_module(f"leuko_edge.{module}")
        *classes, last = name.split(".")
        for each in classes:
            holder = getattr(holder, each)
        kept = vars(holder)[last]
        if isinstance(kept, classmethod):
            return patch.object(holder, last, classmethod(self.timed(step, kept.__func__)))
        return patch.object(holder, last, self.timed(step, kept))


def least(pipeline: Pipeline, clock: Clock, picture: str, rounds: int) -> tuple[list[float], int]:
    """Milliseconds of each step and, last, of everything; and the white cells found."""
    best: list[float] = []
    cells = 0
    for _ in range(rounds + 1):  # the first warms up
        clock.taken.clear()
        began = time.thread_time_ns()
        with Pictures([picture]) as source:
            cells = sum(len(outcome.result.cells) for outcome in pipeline.run(source))
        whole = time.thread_time_ns() - began
        run = [clock.taken[step] / 1e6 for step in range(len(STEPS))] + [whole / 1e6]
        best = [min(pair) for pair in zip(best, run, strict=True)] if best else run
    return best, cells


def report(pictures: Sequence[str], rounds: int) -> None:
    cv2.setNumThreads(1)
    clock = Clock()
    patches = [clock.wrapped(step, module, name) for step, (_, _, module, name) in enumerate(STEPS)]
    with Classifier.from_path(threads=1) as classifier:
        pipeline = Pipeline(classifier, finder=Finder.from_path(threads=1))
        for each in patches:
            each.start()
        try:
            every = [least(pipeline, clock, picture, rounds) for picture in pictures]
        finally:
            patch.stopall()
    means = [sum(times) / len(pictures) for times in zip(*(times for times, _ in every), strict=True)]
    print(
        f"{len(pictures)} pictures, {sum(cells for _, cells in every) / len(pictures):.1f} cells each; ms, one thread"
    )
    for (depth, what, _, _), ms in zip(STEPS, means, strict=False):
        print(f"{'  ' * depth + what:<34}{ms:8.2f}")
    others = means[-1] - sum(ms for (depth, *_), ms in zip(STEPS, means, strict=False) if depth == 0)
    print(f"{'everything else':<34}{others:8.2f}\n{'from file to result':<34}{means[-1]:8.2f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="*", metavar="PICTURES", help="files, and folders of them")
    parser.add_argument("--most", type=int, default=40, help="pictures, evenly over those there are (40)")
    parser.add_argument("--rounds", type=int, default=10, help="runs of each (10)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = Pictures(options.pictures or [draw(Path(folder), 640, 480)]).files
        report(files[:: max(1, len(files) // options.most)][: options.most], options.rounds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
