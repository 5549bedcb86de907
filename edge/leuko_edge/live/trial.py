"""`python -m leuko_edge.live.trial`: live counting of simulated slides, held against what was drawn.

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
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..classify import Classifier
from ..demo import true_counts
from ..simulate import Faults, Hand, SlideFilm, Smear, driven, jumping, serpentine, there_and_back
from ..store import SessionInfo, SessionStore, StoredCell
from ..types import ERYTHROBLAST, LEUKOCYTES, UNIDENTIFIED
from .engine import Engine
from .goal import Goal
from .state import Snapshot

NEAR_UM = 5.0  # a counted cell this near to a drawn one is it
WHITE = (*LEUKOCYTES, ERYTHROBLAST, UNIDENTIFIED)


@dataclass(frozen=True)
class Score:
    """What became of the drawn white cells that the camera ever saw whole."""

    true: int
    counted: int  # stored as white cells, whatever their class
    duplicates: int
    misses: int
    false: int  # stored as white cells where none was drawn
    class_error: float  # largest difference of a class's share, points, to the drawn differential
    own_error: float  # the same with each found cell once: what classification alone makes of it


def score(
    cells: Sequence[StoredCell], places: Mapping[int, tuple[float, float]], film: SlideFilm, um_per_px: float
) -> Score:
    """`places`: the true upper left corner of each delivered frame, by index, px of the slide."""
    seen = [cell for cell in film.seen_whole() if cell.label in (*LEUKOCYTES, ERYTHROBLAST)]
    centres = np.array([cell.centre for cell in seen])
    met: Counter[int] = Counter()
    called: dict[int, str] = {}
    false = 0
    kept = [cell for cell in cells if not cell.undone and cell.label in WHITE]
    for cell in kept:
        x, y, w, h = cell.box
        left, top = places[cell.frame]
        away = np.hypot(*(centres - (left + x + w / 2, top + y + h / 2)).T) * um_per_px
        nearest = int(away.argmin())
        if away[nearest] > NEAR_UM:
            false += 1
            continue
        met[nearest] += 1
        called[nearest] = cell.label
    drawn = _shares([cell.label for cell in seen])
    return Score(
        true=len(seen),
        counted=len(kept),
        duplicates=sum(n - 1 for n in met.values()),
        misses=len(seen) - len(met),
        false=false,
        class_error=_largest(drawn, _shares([cell.label for cell in kept])),
        own_error=_largest(drawn, _shares(list(called.values()))),
    )


def _shares(labels: Sequence[str]) -> dict[str, float]:
    counts = Counter(label for label in labels if label in LEUKOCYTES)
    return {label: 100 * counts[label] / max(1, counts.total()) for label in LEUKOCYTES}


def _largest(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    return max(abs(a[label] - b[label]) for label in LEUKOCYTES)


def run(film: SlideFilm, classifier: Classifier, database: Path, um_per_px: float, rate: float = math.inf) -> Engine:
    """Count `film` into a session of its own and print what came of it, a line for each kind of figure.

    `rate`: frames a second at most, for a trial that lasts as long as a person's work does.
    """
    card = classifier.card
    info = SessionInfo(
        source=film.name, model_name=card.name, model_sha256=card.sha256, simulated=True, leukocytes=card.leukocytes
    )
    placed: list[tuple[int, int, float, float]] = []
    held: list[tuple[float, int]] = []  # MB and open files, after every frame
    with SessionStore.create(database, info) as store, film:
        engine = Engine(classifier, store, Goal(None))

        began = time.monotonic()

        def show(_: Snapshot) -> None:
            time.sleep(max(0.0, began + len(held) / rate - time.monotonic()))
            held.append((_rss_mb(), len(os.listdir("/proc/self/fd"))))
            if engine.place is not None and engine.place.state != "lost":
                placed.append((len(film.poses) - 1, engine.place.key, engine.place.dx, engine.place.dy))

        engine.run(film, show)
        poses = np.array(list(film.poses))
        places = {int(index): (x, y) for index, x, y in poses}
        print(f"  {score(store.cells(), places, film, um_per_px)}")
    print(f"  {_frames(engine)}; areas {engine.map.areas}")
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
    parser = argparse.ArgumentParser(prog="python -m leuko_edge.live.trial", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5], metavar="N")
    parser.add_argument("--cells", type=int, default=500, help="leukocytes on the slide (%(default)s)")
    parser.add_argument("--size", type=int, nargs=2, default=[9_000, 7_000], metavar="PX", help="of the slide")
    parser.add_argument("--view", type=int, nargs=2, default=[1280, 960], metavar="PX")
    parser.add_argument("--overlap", type=float, default=0.3, help="of neighbouring fields (%(default)s)")
    parser.add_argument("--tours", type=int, default=1, help="how often there and back (%(default)s)")
    parser.add_argument("--noise", type=float, default=1.0, help="times the ordinary noise and blur (%(default)s)")
    parser.add_argument("--jumps", type=int, default=0, help="far away between two frames (%(default)s)")
    parser.add_argument("--rate", type=float, default=math.inf, help="frames a second at most (no limit)")
    parser.add_argument("--model", help="a .tflite file (default: the shipped one)")
    options = parser.parse_args(argv)
    cv2.setNumThreads(2)
    stops = there_and_back(serpentine(tuple(options.size), tuple(options.view), options.overlap)) * options.tours
    print(f"{options.cells} leukocytes on {options.size[0]}×{options.size[1]} px, {len(stops)} fields there and back, "
          f"noise {options.noise:g}, {options.jumps} jumps")  # fmt: skip
    with Classifier.from_path(options.model) as classifier, tempfile.TemporaryDirectory() as folder:
        for seed in options.seeds:
            smear = Smear(seed, true_counts(options.cells), width=options.size[0], height=options.size[1])
            path = list(driven(stops, Hand(), np.random.default_rng((seed, 1))))
            if options.jumps:
                path = jumping(path, options.jumps, np.random.default_rng((seed, 2)))
            faults = Faults(noise=options.noise)
            film = SlideFilm(smear, path, view=tuple(options.view), faults=faults, seed=seed)
            print(f"seed {seed}")
            run(film, classifier, Path(folder) / f"{seed}.sqlite3", smear.um_per_px, options.rate)
    return 0


if __name__ == "__main__":
    sys.exit(main())
