"""How many frames a second live counting looks at, and where the time goes."""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2

from ..live.engine import Engine
from ..live.goal import Goal
from ..live.snapshot import Snapshot
from ..model.classify import Classifier
from ..stopwatch import Stopwatch, peak_rss_mb
from ..store import SessionInfo, SessionStore
from .spread import Spread
from .tour import Tour

WHOLE = "capture to display"  # the stopwatch's name for all of a frame
WAITING = "wait for a frame"


class LiveTime(NamedTuple):
    """`frame` is the whole of a frame's way from its capture to the display, ms; the display itself is not drawn."""

    frames: int
    per_second: float
    frame: Spread
    decoding: Spread
    stages: dict[str, tuple[Spread, float]]  # name → (ms each time, ms a frame on average)
    skipped: dict[str, int]
    counted: int  # frames that were looked at for cells
    cells: int  # stored, over all tours
    tours: int
    threads: int
    peak_rss_mb: float


def time_counting(jpegs: Sequence[bytes], model: str | None, threads: int, seconds: float, folder: str) -> LiveTime:
    """Count the whole tour once, and again until `seconds` are over, each time as a session in `folder`.

    Engine, map, model and store are the real ones.
    """
    cv2.setNumThreads(threads)
    stopwatch, decoding = Stopwatch(), list[float]()
    counted, cells, tours, skipped = 0, 0, 0, Counter[str]()
    end = time.monotonic() + seconds
    with (
        Classifier.from_path(model, threads) as classifier,
        tempfile.TemporaryDirectory(prefix=".leuko-edge-bench-", dir=folder) as place,
    ):
        while not tours or time.monotonic() < end:
            tours += 1
            tour = Tour(jpegs, decoding)
            info = SessionInfo(
                source=tour.name,
                model_name=classifier.card.name,
                model_sha256=classifier.card.sha256,
                simulated=True,
                leukocytes=classifier.card.leukocytes,
            )
            with SessionStore.create(Path(place) / f"{tours}.sqlite3", info) as store, tour:
                engine = Engine(classifier, store, Goal(None), stopwatch=stopwatch)
                engine.run(tour, _unseen)
                counted += engine.accounts.counted
                skipped.update(engine.accounts.skipped)
                cells += store.counts().total()
            for file in os.listdir(place):
                os.unlink(Path(place) / file)
    whole = list(stopwatch.milliseconds[WHOLE])
    stages = {
        name: (Spread.of(list(taken)), sum(taken) / len(whole))
        for name, taken in stopwatch.milliseconds.items()
        if name not in (WHOLE, WAITING)
    }
    return LiveTime(
        frames=len(whole),
        per_second=1000 * len(whole) / sum(whole),
        frame=Spread.of(whole),
        decoding=Spread.of(decoding),
        stages=stages,
        skipped=dict(skipped),
        counted=counted,
        cells=cells,
        tours=tours,
        threads=threads,
        peak_rss_mb=peak_rss_mb(),
    )


def _unseen(_: Snapshot) -> None:
    """A display that draws nothing."""
