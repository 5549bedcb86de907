"""`python edge/benchmarks/live_trial.py`: live counting of simulated slides, held against what was drawn.

The engine, its map, gate, store and model are the real ones; only camera and slide are drawn. Each counted cell is
put back onto the slide by the true place of the frame it was found in, which the engine never learns.
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from live_breaks import FAR, Stints, interrupted
from live_score import score

from leuko_edge.live.engine import Engine
from leuko_edge.live.goal import Goal
from leuko_edge.live.snapshot import Snapshot
from leuko_edge.model.classify import Classifier
from leuko_edge.simulate import Faults, Hand, SlideFilm, Smear, driven, jumping, serpentine, there_and_back
from leuko_edge.simulate.demo import true_counts
from leuko_edge.stopwatch import Stopwatch
from leuko_edge.store import SessionInfo, SessionStore


def run(
    film: SlideFilm,
    classifier: Classifier,
    database: Path,
    um_per_px: float,
    leap: float = math.inf,
    rate: float = math.inf,
) -> Engine:
    """Count `film` into a session of its own and print what came of it, a line for each kind of figure.

    Where the film leaps by so many px or more the count breaks off, as at a camera's fault, and is taken up again.
    `rate`: frames a second at most, for a trial that lasts as long as a person's work does.
    """
    card, stopwatch = classifier.card, Stopwatch()
    info = SessionInfo(
        source=film.name, model_name=card.name, model_sha256=card.sha256, simulated=True, leukocytes=card.leukocytes
    )
    placed: list[tuple[int, int, float, float]] = []
    held: list[tuple[float, int]] = []  # MB and open files, after every frame
    began, breaks, engine = time.monotonic(), -1, None
    with film:
        stints = Stints(film, leap)
        for breaks, stint in enumerate(stints):
            with SessionStore.resume(database) if breaks else SessionStore.create(database, info) as store:
                engine = Engine(classifier, store, Goal(None), stopwatch=stopwatch)

                def show(_: Snapshot, engine: Engine = engine) -> None:
                    time.sleep(max(0.0, began + len(held) / rate - time.monotonic()))
                    held.append((_rss_mb(), len(os.listdir("/proc/self/fd"))))
                    if engine.place is not None and engine.place.state != "lost":
                        placed.append((stints.number, engine.place.key, engine.place.dx, engine.place.dy))

                engine.run(stint, show)
                engine.finish()
                cells = store.cells()
                store.close("open")
    assert engine is not None  # a path has poses
    poses = np.array(list(film.poses))
    places = {int(index): (x, y) for index, x, y in poses}
    print(f"  {score(cells, places, film, um_per_px)}")
    print(f"  {_frames(engine)}; areas {engine.map.areas}; {breaks} breaks")
    print(f"  {_registration(engine, poses, placed)}")
    print("  " + "\n  ".join(_stages(engine)))
    memory = "; ".join(f"after {100 * n // 4} %: {_at(held, n)}" for n in (1, 2, 3, 4))
    print(f"  {(time.monotonic() - began) / 60:.0f} minutes; {memory}", flush=True)
    return engine


def _frames(engine: Engine) -> str:
    accounts = engine.accounts
    return (
        f"frames: captured {accounts.captured} = counted {accounts.counted} + skipped {dict(accounts.skipped)} "
        f"+ dropped {accounts.dropped}"
    )


def _registration(engine: Engine, poses: np.ndarray, placed: Sequence[tuple[int, int, float, float]]) -> str:
    """Error against the true stage: of each step, and of the place within its area (drift), px of the full frame."""
    true = np.array([poses[n, 1:] for n, *_ in placed])
    found = np.array([engine.map.position(key, dx, dy) for _, key, dx, dy in placed])
    number = np.array([n for n, *_ in placed])
    step = (np.diff(number) == 1) & (np.diff(found[:, 0]) == 0)
    error = np.hypot(*(np.diff(found[:, 1:], axis=0) - np.diff(true, axis=0))[step].T)
    drift = []
    for area in np.unique(found[:, 0]):
        off = (found[:, 1:] - true)[found[:, 0] == area]
        drift.append(np.hypot(*(off - np.median(off, axis=0)).T))
    drift_all = np.concatenate(drift)
    return (
        f"registration: step error median {np.median(error):.2f} px, 95 % {np.percentile(error, 95):.2f}; "
        f"place off by median {np.median(drift_all):.1f} px, at most {drift_all.max():.1f}"
    )


def _stages(engine: Engine) -> list[str]:
    taken = engine.stopwatch.milliseconds
    stages = {name: sum(ms) for name, ms in taken.items() if name != "capture to display"}
    ours = sum(ms for name, ms in stages.items() if name != "wait for a frame")
    count = len(taken["display"])
    lines = [f"{1000 * count / ours:.1f} frames a second without the drawing of them"]
    lines += [
        f"{name} {100 * ms / ours:.0f} % ({statistics.median(taken[name]):.1f} ms)"
        for name, ms in stages.items()
        if name != "wait for a frame"
    ]
    lines.append(f"capture to display median {statistics.median(taken['capture to display']):.0f} ms")
    return lines


def _at(held: Sequence[tuple[float, int]], quarter: int) -> str:
    megabytes, files = held[len(held) * quarter // 4 - 1]
    return f"{megabytes:.0f} MB, {files} open files"


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="live_trial.py", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5], metavar="N")
    parser.add_argument("--cells", type=int, default=500, help="leukocytes on the slide (%(default)s)")
    parser.add_argument("--size", type=int, nargs=2, default=[9_000, 7_000], metavar="PX", help="of the slide")
    parser.add_argument("--view", type=int, nargs=2, default=[1280, 960], metavar="PX")
    parser.add_argument("--overlap", type=float, default=0.3, help="of neighbouring fields (%(default)s)")
    parser.add_argument("--tours", type=int, default=1, help="how often there and back (%(default)s)")
    parser.add_argument("--noise", type=float, default=1.0, help="times the ordinary noise and blur (%(default)s)")
    parser.add_argument("--jumps", type=int, default=0, help="far away between two frames (%(default)s)")
    parser.add_argument("--breaks", type=int, default=0, help="faults, the stage going on meanwhile (%(default)s)")
    parser.add_argument("--rate", type=float, default=math.inf, help="frames a second at most (no limit)")
    parser.add_argument("--model", help="a .tflite file (default: the shipped one)")
    options = parser.parse_args(argv)
    cv2.setNumThreads(2)
    stops = there_and_back(serpentine(tuple(options.size), tuple(options.view), options.overlap)) * options.tours
    print(f"{options.cells} leukocytes on {options.size[0]}×{options.size[1]} px, {len(stops)} fields there and back, "
          f"noise {options.noise:g}, {options.jumps} jumps, {options.breaks} breaks")  # fmt: skip
    with Classifier.from_path(options.model) as classifier, tempfile.TemporaryDirectory() as folder:
        for seed in options.seeds:
            smear = Smear(seed, true_counts(options.cells), width=options.size[0], height=options.size[1])
            path = list(driven(stops, Hand(), np.random.default_rng((seed, 1))))
            try:
                if options.jumps:
                    path = jumping(path, options.jumps, np.random.default_rng((seed, 2)))
                if options.breaks:
                    path = interrupted(path, options.breaks, np.random.default_rng((seed, 3)))
            except ValueError as error:
                parser.error(f"{error}; give a larger --size, or fewer")
            faults = Faults(noise=options.noise)
            film = SlideFilm(smear, path, view=tuple(options.view), faults=faults, seed=seed)
            print(f"seed {seed}")
            leap = FAR * options.view[0] if options.breaks else math.inf
            run(film, classifier, Path(folder) / f"{seed}.sqlite3", smear.um_per_px, leap, options.rate)
    return 0


if __name__ == "__main__":
    sys.exit(main())
