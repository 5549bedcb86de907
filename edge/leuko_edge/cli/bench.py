"""`leuko-edge bench`: how fast this board counts. Every figure is measured here and now.

Each part runs in a process of its own, so that one part's memory is not taken for another's.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..config.options import add_setting
from ..doctor.containment import NotDone, contained
from ..doctor.machine import Machine
from ..errors import EnvironmentBroken, UsageError

if TYPE_CHECKING:
    from ..bench.photos import PhotoTime

SECONDS = 10.0
LARGE = ((4000, 3000), (6000, 4000), (8640, 5760))
"""Photographs of 12, 24 and 50 megapixels."""
LONGEST = 3600.0
PATIENCE = 600.0
"""Seconds that a part may take beyond those it measures for: drawing a tour takes minutes under emulation."""

T = TypeVar("T")


def add_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command; `options.run(options)` runs it and returns its exit code."""
    parser = subparsers.add_parser(
        "bench",
        help="how fast does this board count?",
        description="Measures this board: the network, live counting and photographs, on drawn cells.",
        epilog="Leave the device alone meanwhile, and stop the service: sudo systemctl stop leuko-edge",
    )
    parser.add_argument("--json", action="store_true", help="for other programs, on standard output")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, metavar="N", help="how long each part measures (default %(default)g)"
    )
    parser.add_argument(
        "--memory", action="store_true", help="instead: the memory that photographs of 12, 24 and 50 megapixels take"
    )
    add_setting(parser, "count.threads")
    add_setting(parser, "model.path")
    parser.set_defaults(run=run_bench)


def run_bench(options: argparse.Namespace) -> int:
    """Measure and print; 0. EnvironmentBroken where a part cannot be measured, UsageError for options out of range."""
    if not 0 < options.seconds <= LONGEST:
        raise UsageError(f"--seconds must be above 0 and at most {LONGEST:g}, got {options.seconds:g}")
    from rich.console import Console

    from ..bench import report

    machine, console = Machine(), Console(highlight=False)
    tell = Console(stderr=True, highlight=False)
    model = None if options.model is None else os.path.abspath(options.model)
    threads = options.threads or os.cpu_count() or 1

    if options.memory:
        return _memory(model, threads, options.json)

    def part(name: str, function: Callable[[], T], seconds: float = options.seconds) -> T:
        if tell.is_terminal:
            tell.print(f"{name} …", style="dim")
        return _part(name, function, seconds)

    about = part("looking at the board", lambda: _about(machine, model))
    cells = part("cells", lambda: _cells(model, options.seconds))
    jpegs = part("drawing a tour", _drawn)
    folder = part("looking at the disk", lambda: _folder(machine))
    live = part("live counting", lambda: _live(jpegs, model, threads, options.seconds, folder))
    photos = part("photographs", lambda: _photos(model, threads, options.seconds))
    about |= part("looking at the board", lambda: _afterwards(machine))
    about |= {"sessions_in": folder, "seconds": options.seconds, "threads": threads}
    found = report.listed(about, cells, live, photos)
    if options.json:
        print(json.dumps(found, indent=1, allow_nan=False))
    else:
        report.show(console, found)
    return 0


def _memory(model: str | None, threads: int, as_json: bool) -> int:
    """A line for each size as soon as it is measured, or all of them as JSON."""
    found = []
    for size in LARGE:
        with tempfile.TemporaryDirectory(prefix="leuko-edge-bench-") as folder:
            _part("drawing", functools.partial(_large, folder, size))
            taken = _part("memory", functools.partial(_held, folder, size, model, threads))
        found.append(taken)
        if not as_json:
            print(taken["line"], flush=True)
    if as_json:
        print(json.dumps(found, indent=1, allow_nan=False, ensure_ascii=False))
    return 0


def _large(folder: str, size: tuple[int, int]) -> None:
    from ..bench.memory import drawn

    drawn(Path(folder), size)


def _held(folder: str, size: tuple[int, int], model: str | None, threads: int) -> dict[str, Any]:
    import cv2

    from ..bench.memory import measure
    from ..model.classify import Classifier
    from ..pipeline import Pipeline

    cv2.setNumThreads(threads)
    with Classifier.from_path(model, threads) as classifier:
        taken = measure(Path(folder), size, Pipeline(classifier))
    return {**taken._asdict(), "line": taken.line}


def _part(name: str, function: Callable[[], T], seconds: float = SECONDS) -> T:
    try:
        return contained(function, seconds + PATIENCE)
    except NotDone as error:
        raise EnvironmentBroken(f"{name} could not be measured: {error}", "run leuko-edge doctor") from None


def _folder(machine: Machine) -> str:
    """Where sessions are kept, for its disk's sake; a temporary place where this user may not write there."""
    from ..doctor.machine import nearest
    from ..doctor.settings import read

    own = str(nearest(Path(read(None, machine.environ).database).parent))
    return own if os.access(own, os.W_OK) else tempfile.gettempdir()


def _about(machine: Machine, model: str | None) -> dict[str, Any]:
    from ..bench.about import about

    return about(machine, model)


def _afterwards(machine: Machine) -> dict[str, Any]:
    from ..bench.about import afterwards

    return afterwards(machine)


def _cells(model: str | None, seconds: float) -> Any:
    from ..bench.cells import time_cells

    return time_cells(model, seconds)


def _drawn() -> list[bytes]:
    from ..bench.tour import draw

    return draw()


def _live(jpegs: list[bytes], model: str | None, threads: int, seconds: float, folder: str) -> Any:
    from ..bench.live import time_counting

    return time_counting(jpegs, model, threads, seconds, folder)


def _photos(model: str | None, threads: int, seconds: float) -> list[PhotoTime]:
    from ..bench.photos import time_photos
    from ..model.classify import Classifier

    with Classifier.from_path(model, threads) as classifier:
        return list(time_photos(classifier, seconds))
