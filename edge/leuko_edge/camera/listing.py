"""Every camera that this machine has, by the name that `--camera` takes, and whether it can be used now."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..errors import EnvironmentBroken, LeukoError, SourceLost
from . import picamera
from .v4l2_node import ask, candidates, look


@dataclass(frozen=True)
class Found:
    """`source` is what --camera and camera.source take; `problem` is why it cannot be opened now, None where it can.

    `node` is a Video4Linux camera's /dev/videoN, or libcamera's name of a Raspberry Pi camera. `formats` are four
    letters each, and none are known of a Raspberry Pi camera, whose pictures are made in the size and format asked for.
    """

    kind: str  # "picamera2" or "v4l2"
    source: str
    name: str
    driver: str
    node: str
    formats: tuple[str, ...]
    problem: LeukoError | None


def cameras() -> list[Found]:
    """The Raspberry Pi's own first, then Video4Linux ones; nodes that give no pictures of their own are left out."""
    return [*_own(), *_v4l2()]


def _own() -> list[Found]:
    try:
        picamera2 = picamera.load()
        attached = picamera.own_cameras(picamera2)
    except EnvironmentBroken:
        return []  # `picamera.missing` has the reason
    found = []
    for place, camera in enumerate(attached):
        problem: LeukoError | None = None
        try:
            picamera.close(picamera.opened(picamera2, camera.number, f"the Raspberry Pi camera {camera.model}"))
        except SourceLost as error:
            problem = error
        if place:
            problem = problem or SourceLost("only the first Raspberry Pi camera is used")
        found.append(Found("picamera2", "picamera2", camera.model, "libcamera", camera.id, (), problem))
    return found


def _v4l2() -> list[Found]:
    found = []
    for path in candidates():
        node = os.path.realpath(path)
        try:
            seen, formats = look(path)
        except SourceLost as error:  # it may not be opened, so its name is not known
            found.append(Found("v4l2", path, "", "", node, (), error))
            continue
        if not seen.camera:
            continue
        problem = None
        try:
            ask(path)
        except SourceLost as error:
            problem = error
        found.append(Found("v4l2", path, seen.card, seen.driver, node, formats, problem))
    return found
