"""What video files and USB cameras both need of OpenCV's capture."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

_WARNING = 3  # LOG_LEVEL_WARNING
_switch = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel  # OpenCV 4, OpenCV 5
_level = getattr(cv2, "getLogLevel", None) or cv2.utils.logging.getLogLevel

# AV_LOG_ERROR: what FFmpeg conceals is heard there only (`film_damage`), and kept from the display. OpenCV reads it
# once, when it first touches a video.
os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "16"


def quiet() -> None:
    """Keep OpenCV's own log off the terminal for the rest of the process; errors are raised as sentences instead."""
    _switch(0)


@contextmanager
def outspoken() -> Iterator[None]:
    """Let OpenCV pass on what libtiff complains of, whatever `quiet` or OPENCV_LOG_LEVEL said before."""
    before = _level()
    _switch(_WARNING)
    try:
        yield
    finally:
        _switch(before)


def fourcc(capture: cv2.VideoCapture) -> str:
    """The four letters of the format that `capture` reports, as MJPG."""
    code = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    return code.to_bytes(4, "little").decode("ascii", "replace").strip("\0 ")


def size(capture: cv2.VideoCapture) -> tuple[int, int]:
    """Width and height in pixels that `capture` reports."""
    return int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
