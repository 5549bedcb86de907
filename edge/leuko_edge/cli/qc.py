"""`leuko-edge qc`: is this microscope still right today? The daily test on a control, its charts and its list."""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from .. import __version__
from ..config import Settings, load, values
from ..config.options import add_setting, given
from ..errors import EnvironmentBroken, UsageError
from ..files import default_path, write_whole
from .database import add_database

if TYPE_CHECKING:
    from ..model.card import ModelCard
    from ..qc.chart import Chart
    from ..qc.control import Control
    from ..qc.measure import Measurement
    from ..store.quality import QualityRun
    from .qc_sources import Looked

FAILED = 4  # exit code, as of doctor: something is bad


def add_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command; `options.run(options)` runs it and returns its exit code."""
    parser = subparsers.add_parser(
        "qc",
        help="the daily test on a control: is the microscope still right?",
        description="Tests the microscope on a control of which is known what it shows; keeps each test, and draws "
        "its charts. Exit code 0: passed, 4: failed. Without --image, --camera or --video the control's own "
        "photographs are taken, or the camera where it has none.",
    )
    add_setting(parser, "qc.control")
    parser.add_argument("--drawn", action="store_true", help="the drawn control: tests the program, no microscope")
    parser.add_argument("--image", nargs="+", metavar="PATH", help="today's photographs of the control")
    add_setting(parser, "camera.source", nargs="?", const=True, help="the control slide live")
    parser.add_argument("--video", metavar="FILE", help="a film of the control slide")
    parser.add_argument(
        "--new-baseline", action="store_true", help="from this test on learn anew what is usual (another lamp, say)"
    )
    parser.add_argument("--json", metavar="FILE", help="the test for other programs; - for standard output")
    parser.add_argument("--charts", action="store_true", help="show the control's charts, and test nothing")
    parser.add_argument("--svg", metavar="FILE", help="write the charts as a picture, and test nothing")
    parser.add_argument("--list", action="store_true", help="all tests, and test nothing")
    parser.add_argument("--learn", metavar="PATH", help="this folder's or file's control is as it is seen now …")
    parser.add_argument(
        "--session",
        type=values.whole(1),
        metavar="ID",
        help="… with the cells of this signed session of its photographs",
    )
    for name in ("count.um_per_px", "model.path", "model.site", "count.threads", "count.target", "session.operator"):
        add_setting(parser, name)
    add_database(parser)
    parser.set_defaults(run=run_qc)


def run_qc(options: argparse.Namespace) -> int:
    """0 where the test passed or what was asked for is done, FAILED where it did not; UsageError and others else."""
    _check(options)
    settings = load(options.config, flags=_flags(options)).typed()
    database = settings.session.database or os.fspath(default_path())
    if options.learn:
        from .qc_learn import learn

        return learn(options, settings, database)
    if options.list:
        from ..qc.show import show_runs
        from ..results.console import Terminal
        from ..store.quality import Quality

        show_runs(Terminal(), Quality(database).runs())
        return 0
    if options.charts or options.svg:
        return _charts(options, settings, database)
    return _test(options, settings, database)


def _check(options: argparse.Namespace) -> None:
    asked = [name for name in ("charts", "svg", "list", "learn") if getattr(options, name)]
    if len(asked) > 1 and set(asked) != {"charts", "svg"}:
        raise UsageError(f"--{asked[0]} and --{asked[1]} are two things", "ask for one")
    sources = [name for name in ("drawn", "image", "camera", "video") if getattr(options, name) not in (None, False)]
    if len(sources) > 1:
        raise UsageError(f"--{sources[0]} and --{sources[1]} cannot be tested together", "leave one out")
    if options.drawn and options.control:
        raise UsageError("--drawn and --control are two controls", "name one")
    if options.session is not None and not options.learn:
        raise UsageError("--session goes with --learn FOLDER")


def _flags(options: argparse.Namespace) -> dict[str, object]:
    flags = given(options)
    if options.camera is True:  # the configured one
        flags["camera.source"] = None
    return flags


def _test(options: argparse.Namespace, settings: Settings, database: str) -> int:
    """Measure, judge, keep, then say."""
    from ..qc.chart import charts
    from ..qc.finding import as_json
    from ..qc.judge import judge
    from ..qc.report import json_text
    from ..qc.show import show, verdict
    from ..results.console import Terminal
    from ..results.report import write
    from ..store.quality import Quality
    from .qc_sources import look_at_drawn

    quality = Quality(database)
    quality.check()
    control, seen, card, source = look_at_drawn(settings) if options.drawn else _look(options, settings)
    earlier = quality.runs()
    now = _run(control, seen, card, source, settings, options.new_baseline)
    findings = judge(control, seen, now, earlier)
    passed = not any(one.fails for one in findings)
    now = replace(now, passed=passed, findings=tuple(as_json(one) for one in findings))
    now = replace(now, id=quality.add(now))  # durable before it is shown
    shown = charts([*earlier, now], control.sha256, control.usual)
    if options.json != "-":
        console = Terminal()
        for name, why in seen.lost:
            console.print(f"{name}: {why}", soft_wrap=True, markup=False)
        show(console, control, seen, shown, findings)
        verdict(console, now.passed)
    if options.json:
        try:
            write(options.json, json_text(now, control, seen, shown, findings))
        except OSError as error:
            raise EnvironmentBroken(f"{options.json} could not be written: {error.strerror or error}") from None
    return 0 if now.passed else FAILED


def _look(options: argparse.Namespace, settings: Settings) -> Looked:
    from ..qc.control import load as load_control
    from .qc_sources import look_at

    path = settings.qc.control
    if path is None:
        how = "name it with --control FOLDER or the setting qc.control, or test the program with --drawn"
        raise UsageError("there is no control to test", how)
    return look_at(load_control(path), path, options, settings)


def _run(
    control: Control, seen: Measurement, card: ModelCard, source: str, settings: Settings, begins: bool
) -> QualityRun:
    from ..store.quality import QualityRun

    return QualityRun(
        at=time.time(),
        control=control.name,
        control_sha256=control.sha256,
        source=source,
        drawn=control.drawn,
        program=f"leuko-edge {__version__}",
        model_name=card.name,
        model_sha256=card.sha256,
        passed=False,
        operator=settings.session.operator or "",
        begins=begins,
        signs=dict(seen.signs),
        counts=dict(seen.counts),
    )


def _charts(options: argparse.Namespace, settings: Settings, database: str) -> int:
    from ..qc.show import show_charts
    from ..qc.svg import svg
    from ..results.console import Terminal

    found = _of_control(options, settings, database)
    if options.charts:
        show_charts(Terminal(), found)
    if options.svg:
        try:
            write_whole(os.path.realpath(options.svg), svg(found).encode())
        except OSError as error:
            raise EnvironmentBroken(f"{options.svg} could not be written: {error.strerror or error}") from None
    return 0


def _of_control(options: argparse.Namespace, settings: Settings, database: str) -> list[Chart]:
    """Charts of the control that is named, else of the one that was tested last; UsageError where none was."""
    from ..qc.chart import charts
    from ..qc.control import load as load_control
    from ..store.quality import Quality

    runs = Quality(database).runs()
    wanted = [run for run in runs if run.drawn] if options.drawn else list(runs)
    told = {}
    if settings.qc.control and not options.drawn:
        control = load_control(settings.qc.control)
        told, wanted = dict(control.usual), [run for run in runs if run.control == control.name]
    if not wanted:
        raise UsageError("this control was never tested here", "test it: leuko-edge qc")
    return charts(runs, wanted[-1].control_sha256, told)
