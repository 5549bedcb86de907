"""What video files and USB cameras both need of OpenCV's capture."""

from __future__ import annotations

import os

import cv2

# AV_LOG_QUIET: FFmpeg would write over the display. OpenCV reads it once, when it first touches a video.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


def quiet() -> None:
    """Keep OpenCV's own log off the terminal for the rest of the process; errors are raised as sentences instead."""
    switch = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel  # OpenCV 4, OpenCV 5
    switch(0)


def fourcc(capture: cv2.VideoCapture) -> str:
    """The four letters of the format that `capture` reports, as MJPG."""
    code = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    return code.to_bytes(4, "little").decode("ascii", "replace").strip("\0 ")


def size(capture: cv2.VideoCapture) -> tuple[int, int]:
    """Width and height in pixels that `capture` reports."""
    return int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
