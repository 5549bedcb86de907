"""Which cameras there are, and a second of frames from each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import CameraBusy, LeukoError
from .finding import BAD, WARNING, Finding, bad, good, skipped, told, warning
from .machine import Machine
from .settings import Settings
from .systemd_unit import Unit

if TYPE_CHECKING:
    from ..sources.live_source import LiveSource

Opener = Callable[[str, Mapping[str, Any]], "LiveSource"]
_WANTED = "plug one in and look with ls /dev/v4l/by-id, or with rpicam-hello --list-cameras for one on a ribbon cable"


@dataclass(frozen=True)
class Seen:
    """A camera that the system lists. `where` is what --camera takes, `problem` why it cannot be opened now."""

    where: str
    name: str
    problem: LeukoError | None = None


def list_cameras(settings: Settings) -> list[Seen]:
    """Every camera that the system lists, and the one that camera.source names where it is not among them."""
    from ..camera.listing import cameras
    from ..camera.v4l2_node import ask, named

    seen = [Seen(found.source, found.name or found.source, found.problem) for found in cameras()]
    if not settings.wants_camera or settings.camera in ("auto", "picamera2"):
        return seen
    wanted = named(settings.camera)
    if os.path.realpath(wanted) in [os.path.realpath(camera.where) for camera in seen]:
        return seen
    try:
        return [*seen, Seen(wanted, ask(wanted).card)]
    except LeukoError as error:
        return [*seen, Seen(wanted, wanted, error)]


def check_list(cameras: list[Seen], settings: Settings) -> list[Finding]:
    """What is there at all, held against what is wanted."""
    names = "; ".join(
        camera.name if camera.name == camera.where else f"{camera.name} ({camera.where})" for camera in cameras
    )
    if names:
        return [good("cameras", names)]
    if not settings.wants_camera:
        return [skipped("cameras", f"none, and none is needed: counting is from {settings.camera}")]
    return [bad("cameras", "none was found", f"{_WANTED}; leuko-edge --demo needs none")]


def check_camera(
    camera: Seen, settings: Settings, unit: Unit | None, machine: Machine, open_camera: Opener | None = None
) -> list[Finding]:
    """A second of its frames, opened as counting would; what is wrong with one that is not counted with is no fault."""
    findings = list(_examined(camera, settings, unit, machine, open_camera or _opened))
    if _is_wanted(camera, settings):
        return findings
    return [replace(finding, state=WARNING) if finding.state == BAD else finding for finding in findings]


def _is_wanted(camera: Seen, settings: Settings) -> bool:
    from ..camera.v4l2_node import named

    if not settings.wants_camera or settings.camera in ("auto", camera.where):
        return settings.wants_camera
    return os.path.realpath(named(settings.camera)) == os.path.realpath(camera.where)


def _examined(
    camera: Seen, settings: Settings, unit: Unit | None, machine: Machine, open_camera: Opener
) -> Iterator[Finding]:
    from .camera_frames import judged, watch

    try:
        if camera.problem is not None:
            raise camera.problem
        with open_camera(camera.where, _wishes(settings)) as source:
            glances = watch(source)
            about, untuned = source.describe(), source.warning
    except LeukoError as error:
        yield _refusal(error, camera, unit, machine)
        return
    if not glances:
        yield bad(camera.name, "it ended without a frame", "unplug it, plug it in again, and try again")
        return
    yield good(camera.name, _as_reported(about))
    yield from judged(glances, camera.name)
    if untuned:
        yield warning(f"{camera.name}: tuning", untuned, "leuko-edge camera tune")


def _wishes(settings: Settings) -> dict[str, Any]:
    """What counting asks of the camera, but no second try; a tuning that is broken is left out: its check says so."""
    from ..camera.tuning import wishes

    try:
        return {**wishes(settings.in_force), "tries": 0}
    except LeukoError:
        return {**wishes(settings.in_force, tuned=False), "tries": 0}


def _opened(where: str, wishes: Mapping[str, Any]) -> LiveSource:
    from ..camera.opening import open_source

    return open_source("camera", where, **wishes)


def _as_reported(about: Mapping[str, Any]) -> str:
    size = f"{about.get('width', '?')}×{about.get('height', '?')}"
    words = [f"gives {about.get('fourcc') or about.get('format') or 'an unknown format'} at {size}"]
    if about.get("fps"):
        words.append(f"says {about['fps']:g} frames a second")
    if about.get("controls_missing"):
        words.append(f"has no {', '.join(about['controls_missing'])}")
    return ", ".join(words)


def _refusal(error: LeukoError, camera: Seen, unit: Unit | None, machine: Machine) -> Finding:
    """Why a camera cannot be used; that the service is counting with it is no fault."""
    if not isinstance(error, CameraBusy):
        return told(camera.name, error)
    if unit is not None and unit.running:
        status = f": {unit.status}" if unit.status else ""
        advice = "leuko-edge attach shows its count; to look at the camera itself: sudo systemctl stop leuko-edge"
        return skipped(camera.name, f"in use, and the service is running{status}", advice)
    who = holder(machine, camera.where)
    return bad(camera.name, f"in use by {who}", "close that program") if who else told(camera.name, error)


def holder(machine: Machine, where: str) -> str:
    """The program that has the device open, as "motion (process 812)"; "" where that may not be seen."""
    device = os.path.realpath(where)
    for process in machine.glob("/proc/[0-9]*"):
        try:
            held = any(os.readlink(handle) == device for handle in (process / "fd").iterdir())
        except OSError:  # another user's, or it has ended
            continue
        if held and process.name != str(os.getpid()):
            return f"{machine.text(process / 'comm') or 'a program'} (process {process.name})"
    return ""
