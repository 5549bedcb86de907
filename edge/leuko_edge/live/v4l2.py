"""USB microscope cameras through Video4Linux and OpenCV.

MJPG is asked for, because USB 2 cannot carry 1280×960 uncompressed at a useful rate, and everything asked for is read
back. The camera's JPEGs are decoded here and not by OpenCV's capture, which gives the picture before again where one
cannot be decoded, and half a picture over grey where it was cut on the way.
"""

from __future__ import annotations

import os
import time
from typing import Any

import cv2
import numpy as np

# The decoders write their complaints to file descriptor 2 by themselves; `sources` knows how to catch them.
from ..sources import REPAIRED, decoder_messages
from . import opencv
from .newest import TIMEOUT, Damaged, Newest, Reader, wall_time
from .state import SourceLost
from .v4l2node import Node, ask, candidates, named

GREY = ("GREY", "Y800", "Y10", "Y12", "Y16")
_TRIES = 10  # pictures until "auto" gives a camera up; the first ones are often broken


class V4l2Camera(Newest):
    """The camera at `where`: a path (best below /dev/v4l/by-id, which stays when cables move), the N of /dev/videoN,
    or "auto" for the first one that delivers a picture. `size` is width, height in pixels, `fps` pictures a second:
    wishes, the camera may give others. `looked` says what was looked for before, where none is found.

    Entering raises SourceLost where there is no camera, where it is busy, or where it may not be opened.
    """

    def __init__(
        self,
        where: str | int = "auto",
        size: tuple[int, int] = (1280, 960),
        fps: float = 30,
        *,
        timeout: float = TIMEOUT,
        looked: str = "",
    ) -> None:
        self._looked = looked
        self._where = where if where == "auto" else named(where)
        super().__init__(f"the USB camera ({self._where})", self._open, timeout=timeout)
        self._asked: dict[str, Any] = {"width": size[0], "height": size[1], "fps": fps, "fourcc": "MJPG"}
        self._got: dict[str, Any] = {}

    def describe(self) -> dict[str, Any]:
        """What the session's record says: the camera, what was asked of it, and what it read back."""
        return {"kind": "v4l2", "name": self.name, "asked": self._asked, **self._got}

    def _open(self) -> Reader:
        opencv.quiet()
        if self._where == "auto":
            return self._open_first()
        node = ask(self._where)
        if not node.camera:
            raise SourceLost(
                f"{node.path} ({node.card}) gives no pictures of its own; name another node of the camera, or take "
                "--camera picamera2 for one on a Raspberry Pi's ribbon cable"
            )
        return self._open_node(node)

    def _open_first(self) -> Reader:
        refused = []
        for path in candidates():
            reader = None
            try:
                node = ask(path)
                if node.camera:
                    reader = self._open_node(node)
                    _first_picture(reader, path)
                    return reader
            except SourceLost as error:
                refused.append(str(error))
                if reader is not None:
                    reader.close()
        before = f"{self._looked}, and " if self._looked else ""
        raise SourceLost(
            "; ".join(refused)
            or f"no camera was found: {before}no USB camera is below /dev/v4l/by-id or at /dev/video*; "
            "plug one in, or name it with --camera PATH"
        )

    def _open_node(self, node: Node) -> _V4l2Reader:
        capture = cv2.VideoCapture(node.path, cv2.CAP_V4L2)
        if not capture.isOpened():
            raise SourceLost(
                f"the camera {node.path} ({node.card}) cannot be started: another program uses it, or it has no format "
                "that can be read; close other camera programs, or name another with --camera PATH"
            )
        asked = self._asked
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*asked["fourcc"]))  # first: sizes and rates hang on it
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, asked["width"])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, asked["height"])
        capture.set(cv2.CAP_PROP_FPS, asked["fps"])
        letters = opencv.fourcc(capture)
        if letters in GREY:
            capture.release()
            raise SourceLost(
                f"the camera {node.path} ({node.card}) gives grey pictures; white cells are told apart by their stain, "
                "so a colour camera is needed"
            )
        if letters in ("MJPG", "JPEG"):
            capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)  # the JPEG as it came
        self.name = f"the USB camera {node.card} ({node.path})"
        width, height = opencv.size(capture)
        self._got = {
            "path": node.path,
            "card": node.card,
            "driver": node.driver,
            "width": width,
            "height": height,
            "fps": capture.get(cv2.CAP_PROP_FPS),
            "fourcc": letters,
            "buffers": int(capture.get(cv2.CAP_PROP_BUFFERSIZE)),
        }
        return _V4l2Reader(capture, node.path)


class _V4l2Reader:
    def __init__(self, capture: cv2.VideoCapture, path: str) -> None:
        self._capture = capture
        self._path = path

    def read(self) -> tuple[np.ndarray, float]:
        good = self._capture.grab()
        # After an unplug reading has been seen to succeed for ever, so the node itself is asked each time.
        if not os.path.exists(self._path):
            raise SourceLost(f"the camera {self._path} was unplugged; plug it in again, and start again")
        if not good:
            raise SourceLost(
                f"the camera {self._path} stopped giving pictures; check its cable, plug it in again, and start again"
            )
        # V4L2 stamps buffers with the monotonic clock when the picture was taken.
        captured_at = wall_time(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, time.monotonic())
        good, taken = self._capture.retrieve()
        if not good or taken is None or not taken.size:
            raise Damaged("a picture without content")
        coloured = taken.dtype == np.uint8 and taken.ndim == 3 and taken.shape[2] == 3
        return taken if coloured else decode_jpeg(taken.tobytes()), captured_at

    def close(self) -> None:
        self._capture.release()


def _first_picture(reader: Reader, path: str) -> None:
    for _ in range(_TRIES):
        try:
            reader.read()
            return
        except Damaged:
            continue
    raise SourceLost(f"the camera {path} gives only damaged pictures; use a shorter cable or another port")


def decode_jpeg(data: bytes) -> np.ndarray:
    """(h, w, 3) uint8 BGR of one picture of an MJPG camera; Damaged where any of it is missing.

    Unlike a file's, a camera's picture may be grey (a dark field) and may leave its Huffman tables out.
    """
    if not data.startswith(b"\xff\xd8") or data.rfind(b"\xff\xd9") < 0:
        raise Damaged("a picture was cut on its way")
    with decoder_messages() as messages:
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if bgr is None or REPAIRED.search(b"".join(messages)):
        raise Damaged("a picture arrived with errors")
    return bgr
