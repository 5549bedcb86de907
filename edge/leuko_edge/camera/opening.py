"""Which source an option of the command line means."""

from __future__ import annotations

import os
from typing import Any

from ..errors import UsageError
from ..sources.folder import FolderFilm
from ..sources.live_source import LiveSource
from ..sources.video import VideoFile
from . import picamera
from .picamera import PiCamera
from .v4l2 import V4l2Camera


def open_source(kind: str, value: str | int, **wishes: Any) -> LiveSource:
    """The source for `--camera VALUE` (kind "camera") or `--video VALUE` (kind "video"), to be entered with `with`.

    A camera is "auto", "picamera2", a path, or the N of /dev/videoN; `wishes` go to it (size, fps, tuning, timeout,
    tries). "auto" takes the Raspberry Pi's own camera where there is one, else the first USB camera that delivers a
    picture. A video is a file, or a folder of pictures played as a film.
    """
    if kind == "video":
        return FolderFilm(str(value), **wishes) if os.path.isdir(value) else VideoFile(str(value), **wishes)
    if kind != "camera":
        raise ValueError(f"kind is camera or video, got {kind!r}")
    if value == "":
        raise UsageError("--camera needs auto, picamera2, a path such as /dev/v4l/by-id/…, or a number")
    if value == "picamera2":
        return PiCamera(**wishes)
    if value == "auto":
        why_not = picamera.missing()
        return V4l2Camera(looked=why_not, **wishes) if why_not else PiCamera(**wishes)
    return V4l2Camera(value, **wishes)
