"""`python edge/benchmarks/folder_speed.py FOLDER`: how much faster all cores count a folder than one worker does.

Takes the folder's pictures in turn by one worker, whose libraries may use every core, by one on one core, and by a
worker for each core; the shortest of `--rounds` counts. On a machine that does other work the figures say little.
"""

from __future__ import annotations

import argparse
import os
import time

import cv2

from leuko_edge.model.classify import Classifier
from leuko_edge.model.finder import Finder
from leuko_edge.pipeline import Pipeline
from leuko_edge.sources.pictures import Pictures
from leuko_edge.stopwatch import peak_rss_mb


class First:
    """The first `most` pictures of a source."""

    def __init__(self, source: Pictures, most: int) -> None:
        self._source, self._most = source, most

    def __iter__(self):
        return (self.take(index) for index in range(min(self._most, len(self._source))))

    def take(self, index: int):
        return self._source.take(index)


def counted(folder: str, most: int, workers: int, threads: int) -> tuple[float, int, float]:
    """(seconds, cells, seconds of processor time) of one run, the networks loaded before."""
    cv2.setNumThreads(threads)
    with (
        Classifier.from_path(threads=threads, at_once=min(workers, 2)) as classifier,
        Pictures([folder]) as source,
    ):
        pipeline = Pipeline(classifier, finder=Finder.from_path(threads=threads), workers=workers)
        list(pipeline.run(First(source, 2)))
        started, used = time.perf_counter(), time.process_time()
        cells = sum(len(outcome.result.cells) for outcome in pipeline.run(First(source, most)))
        return time.perf_counter() - started, cells, time.process_time() - used


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="with pictures")
    parser.add_argument("--pictures", type=int, default=500, help="at most so many (500)")
    parser.add_argument("--rounds", type=int, default=3, help="of each (3)")
    options = parser.parse_args()
    cores = os.cpu_count() or 1
    ways = {"one worker": (1, cores), "one worker, one core": (1, 1), f"{cores} workers": (cores, 1)}
    best: dict[str, tuple[float, int, float]] = {}
    for _ in range(options.rounds):
        for name, (workers, threads) in ways.items():
            found = counted(options.folder, options.pictures, workers, threads)
            best[name] = min(best.get(name, found), found)
    for name, (seconds, cells, used) in best.items():
        print(f"{name:<22}{seconds:8.2f} s  {used:8.2f} s of processor time  {cells} cells")
    shortest = best[f"{cores} workers"][0]
    for name in ("one worker", "one worker, one core"):
        print(f"{cores} workers against {name}: {best[name][0] / shortest:.2f} times as fast")
    print(f"peak memory {peak_rss_mb():.0f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
