"""`leuko-edge doctor`: all checks, one after the other, as a table or as JSON."""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..config import add_option
from ..doctor.containment import NotDone, contained, guarded, trouble
from ..doctor.finding import BAD, Finding
from ..doctor.machine import Machine
from ..doctor.settings import Settings
from ..doctor.systemd_unit import Unit
from ..errors import LeukoError

SOMETHING_BAD = 4  # exit code
QUICK, SLOW, MODEL = 30.0, 60.0, 180.0
"""Seconds that a check may take: most; a camera's or a large database's; the network's on a slow board."""


def add_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command; `options.run(options)` runs it and returns its exit code."""
    parser = subparsers.add_parser(
        "doctor",
        help="is this device fit to count?",
        description="Looks at everything that counting needs and says what to do.",
    )
    parser.add_argument("--json", action="store_true", help="for other programs, on standard output")
    add_option(parser)
    parser.set_defaults(run=run_doctor)


def run_doctor(options: argparse.Namespace) -> int:
    """Print the findings; 0, or 4 where one is bad."""
    from ..doctor.report import listed, show, show_end
    from ..results.console import Terminal

    machine, console = Machine(), Terminal()
    groups: list[tuple[str, Sequence[Finding]]] = []
    for group, findings in examine(machine, options.config):
        groups.append((group, findings))
        if not options.json:
            show(console, group, findings)
    everything = [finding for _, findings in groups for finding in findings]
    if options.json:
        print(json.dumps(listed(groups, machine.now()), indent=1, allow_nan=False))
    else:
        show_end(console, everything)
    return SOMETHING_BAD if any(finding.state == BAD for finding in everything) else 0


def examine(machine: Machine, config: str | None = None) -> Iterator[tuple[str, Sequence[Finding]]]:
    """The findings of each group as soon as they are known; nothing raises, and nothing lasts for ever."""
    try:
        unit = contained(_call("systemd_unit:ask", machine), QUICK)
    except NotDone:  # told again below, by its own check
        unit = None
    environ = unit.its_environment(machine) if unit else machine.environ
    try:
        settings = contained(_call("settings:read", config, environ), QUICK)
    except (LeukoError, NotDone) as error:
        settings = Settings(problem=LeukoError(f"it cannot be read ({error})", "install leuko-edge again"))

    yield (
        "Program",
        [
            *_check("Python", "libraries:check_python"),
            *_check("NumPy and OpenCV", "libraries:check_libraries"),
            *_check("LiteRT", "libraries:check_litert"),
            *_check(
                "model",
                "model:check_model",
                settings.in_force.model.path,
                settings.in_force.model.trusted_keys,
                limit=MODEL,
            ),
        ],
    )
    yield (
        "Settings",
        [
            *_check("configuration", "settings:check_settings", settings, unit is not None),
            *_check("tuning", "settings:check_tuning", settings),
        ],
    )
    yield "Cameras", list(_cameras(machine, settings, unit))
    yield "Sessions", _check("sessions", "database:check_sessions", machine, settings, limit=SLOW)
    yield "Quality control", _check("control", "quality:check_quality", machine, settings)
    yield "Clock", _check("clock", "clock:check_clock", machine)
    yield "Board", _check("board", "board:check_board", machine)
    yield "Permissions", _check("permissions", "permissions:check_rights", machine, unit, settings)
    yield "Service", _check("service", "systemd_unit:check_unit", unit, machine)


def _cameras(machine: Machine, settings: Settings, unit: Unit | None) -> Iterator[Finding]:
    """Each camera by itself, so that one whose driver hangs does not hide the others."""
    yield from _check("picamera2", "libraries:check_picamera2")
    try:
        cameras = contained(_call("cameras:list_cameras", settings), QUICK)
    except (LeukoError, NotDone) as error:
        yield trouble("cameras", error)
        return
    yield from _check("cameras", "cameras:check_list", cameras, settings)
    for camera in cameras:
        yield from _check(camera.name, "cameras:check_camera", camera, settings, unit, machine, limit=SLOW)


def _check(name: str, where: str, *arguments: Any, limit: float = QUICK) -> list[Finding]:
    return guarded(name, _call(where, *arguments), limit)


def _call(where: str, *arguments: Any) -> Callable[[], Any]:
    """The function at "module:name" of this folder, imported where it is called: in the process that may die of it."""
    module, _, name = where.partition(":")
    return lambda: getattr(importlib.import_module(f"..doctor.{module}", __package__), name)(*arguments)
