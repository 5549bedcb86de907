"""`leuko-edge camera list` and `leuko-edge camera tune`."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from ..config import add_option
from ..config.options import add_setting, given

if TYPE_CHECKING:
    from ..camera.listing import Found

SCHEMA = "leuko-edge-cameras/1"
_ADVICE = "plug one in; rpicam-hello --list-cameras tells more of one on a ribbon cable"


def add_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `camera` and its two words; `options.run(options)` runs the one that was given and returns its exit code."""
    camera = subparsers.add_parser(
        "camera",
        help="which cameras there are; set one up on an empty field",
        description="The microscope's camera.",
    )
    words = camera.add_subparsers(required=True, metavar="list|tune")
    listing = words.add_parser(
        "list",
        help="every camera, and whether it can be used",
        description="Every camera that this machine has, by the name that --camera takes.",
    )
    listing.add_argument("--json", action="store_true", help="for other programs, on standard output")
    listing.set_defaults(run=run_list)
    tuning = words.add_parser(
        "tune",
        help="fix exposure and colours, and measure the light, on an empty field",
        description="Put an empty place of the slide under the objective, with the lamp as you count with it, and "
        "leave it there. Exposure, gain and colours are set and fixed, and the unevenness of the light is measured; "
        "counting with this camera then uses both. Do it again when lamp, condenser, objective or camera were changed.",
    )
    add_setting(tuning, "camera.source")
    tuning.add_argument("--out", metavar="FILE", help="where it is kept (default: camera.tuning of the configuration)")
    tuning.add_argument("--frames", type=_frames, default=32, metavar="N", help="for the flat field (default 32)")
    add_option(tuning)
    tuning.set_defaults(run=run_tune)


def _frames(text: str) -> int:
    frames = int(text)
    if not 2 <= frames <= 200:
        raise argparse.ArgumentTypeError(f"2 to 200 frames make a flat field, got {text}")
    return frames


_frames.__name__ = "number"


def run_list(options: argparse.Namespace) -> int:
    """Print every camera and return 0, also where there is none."""
    import json
    from dataclasses import asdict

    from ..camera import picamera
    from ..camera.listing import cameras

    found = cameras()
    why = picamera.missing()
    if options.json:
        listed = [{**asdict(camera), "problem": _why_not(camera), "opens": camera.problem is None} for camera in found]
        json.dump({"schema": SCHEMA, "cameras": listed, "no_picamera2": why or None}, sys.stdout, indent=2)
        print()
        return 0
    for camera in found:
        print(_line(camera))
    if not found:
        print(f"no camera was found: {why}, and no USB camera is below /dev/v4l/by-id or at /dev/video*; {_ADVICE}")
    return 0


def _line(camera: Found) -> str:
    details = [part for part in (camera.name, camera.node, camera.driver, " ".join(camera.formats)) if part]
    return f"{camera.source}\n    {', '.join(details)}\n    {_why_not(camera) or 'can be opened'}"


def _why_not(camera: Found) -> str:
    return "" if camera.problem is None else str(camera.problem)


def run_tune(options: argparse.Namespace) -> int:
    """Tune, write the file, and return 0; LeukoError with what to do where that is not possible."""
    from ..camera.opening import open_source
    from ..camera.picamera import PiCamera
    from ..camera.tune import tune
    from ..camera.tuning import default_path, wishes
    from ..camera.v4l2 import V4l2Camera
    from ..config import load
    from ..errors import UsageError

    settings = load(options.config, flags=given(options)).typed()
    path = options.out or default_path(settings)
    if os.path.isdir(path):
        raise UsageError(f"{path} is a folder", "name a file with --out FILE")
    asked = wishes(settings, tuned=False)
    camera = open_source("camera", settings.camera.source, **asked)
    if not isinstance(camera, PiCamera | V4l2Camera):
        raise UsageError(f"{settings.camera.source} is no camera", "name one with --camera")
    tuned = tune(camera, asked.get("fps", 30.0), options.frames, print)
    tuned.tuning.save(path)
    measured = tuned.measured
    print(
        f"background {measured.flat.white:.0f} of 255, at the {measured.flat.darkest} "
        f"{100 * measured.flat.evenness:.0f} % of the brightest place; noise {measured.noise:.1f} levels; "
        f"{100 * measured.covered:.0f} % of the field was not empty and left out"
    )
    for name, value in tuned.tuning.controls.items():
        print(f"  {name} {value}")
    for note in tuned.notes:
        print(f"note: {note}")
    print(f"written to {path}; counting with this camera uses it from now on")
    return 0
