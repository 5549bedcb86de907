"""`python edge/benchmarks/review_beside.py`: what the review pages beside a count cost it, in frames a second.

The service counts one film of 1280×960 again and again, in turn without pages, with pages that nobody looks at, and
with one browser's worth of requests on the running count (its numbers twice, its picture three times a second).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np

from leuko_edge.simulate import STEADY, SlideFilm, Smear, driven, serpentine

SIZE, VIEW, UM = (2800, 2100), (1280, 960), 0.1
CASES = ("alone", "pages", "pages watched")


def drawn(folder: Path, most: int) -> Path:
    """The film of a stage over a drawn smear, at most so many frames."""
    smear = Smear(1, {"neutrophil": 12, "lymphocyte": 6}, width=SIZE[0], height=SIZE[1], um_per_px=UM)
    path = folder / "stage.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 30, VIEW)
    for frame in SlideFilm(smear, driven(serpentine(SIZE, VIEW), STEADY, np.random.default_rng(0)), view=VIEW):
        writer.write(frame.bgr)
        most -= 1
        if not most:
            break
    writer.release()
    return path


def look(port: int, ended: threading.Event) -> None:
    """Ask as `static/live.js` and `static/review.js` do."""
    due = {"/live": 0.0, "/live.jpg": 0.0, "/sessions/1/state": 0.0}
    every = {"/live": 0.5, "/live.jpg": 0.3, "/sessions/1/state": 1.5}
    while not ended.wait(0.02):
        for address, at in due.items():
            if time.monotonic() >= at:
                due[address] = time.monotonic() + every[address]
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}{address}", timeout=5).read()
                except OSError:  # not up yet, or a session that is not there yet
                    due[address] += 0.5


def counted(film: Path, folder: Path, case: str) -> tuple[float, float]:
    """Frames a second, and milliseconds of processor time of all processes for a frame."""
    folder.mkdir()
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    database = folder / "sessions.sqlite3"
    environ = {**os.environ, "RUNTIME_DIRECTORY": str(folder / "run"), "LEUKO_EDGE_REVIEW_PORT": str(port)}
    environ["LEUKO_EDGE_REVIEW_ENABLED"] = json.dumps(case != "alone")
    words = ["serve", "--video", film, "--display", "none", "--database", database]
    ended, before = threading.Event(), resource.getrusage(resource.RUSAGE_CHILDREN)
    if case == "pages watched":
        threading.Thread(target=look, args=(port, ended), daemon=True).start()
    subprocess.run(
        [sys.executable, "-m", "leuko_edge", *map(str, words)], env=environ, check=True, stderr=subprocess.DEVNULL
    )
    ended.set()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    with closing(sqlite3.connect(database)) as connection:
        frames, seconds = connection.execute(
            "SELECT captured, seconds FROM accounts JOIN session ON session.id = session"
        ).fetchone()
    return frames / seconds, 1000 * spent / frames


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=300)
    options = parser.parse_args()
    figures: dict[str, list[tuple[float, float]]] = {case: [] for case in CASES}
    with tempfile.TemporaryDirectory() as name:
        film = drawn(Path(name), options.frames)
        for number in range(options.rounds):
            for case in CASES:
                figures[case].append(counted(film, Path(name) / f"{number} {case}", case))
    alone = statistics.median(rate for rate, _ in figures["alone"])
    for case, found in figures.items():
        rate, spent = (statistics.median(values) for values in zip(*found, strict=True))
        rates = " ".join(f"{one:.1f}" for one, _ in found)
        print(
            f"{case}: {rate:.1f} frames a second ({rates}), {100 * (alone - rate) / alone:.1f} % lost; "
            f"{spent:.1f} ms of processor time a frame, start included"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
