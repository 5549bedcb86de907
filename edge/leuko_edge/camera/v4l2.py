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

from ..errors import CameraBusy, CamerasRefused, Hint, SourceLost
from ..sources import opencv
from . import v4l2_controls
from .decoding import decode_jpeg
from .flat_field import Flattener
from .newest import TIMEOUT, TRIES, Newest
from .reader import Damaged, Reader, wall_time
from .tuning import Tuning, usable
from .v4l2_node import Node, ask, candidates, look, named

JPEGS = ("MJPG", "JPEG")
GREY = ("GREY", "Y800", "Y10", "Y12", "Y16")
_TRIES = 10  # pictures until "auto" gives a camera up; the first ones are often broken


class V4l2Camera(Newest):
    """The camera at `where`: a path (best below /dev/v4l/by-id, which stays when cables move), the N of /dev/videoN,
    or "auto" for the first one that delivers a picture. `size` is width, height in pixels, `fps` pictures a second:
    wishes, the camera may give others. `tuning` is applied where it was made for such a camera. `looked` says what was
    looked for before, where none is found.

    Entering raises SourceLost where there is no camera, where it is busy, or where it may not be opened. One that was
    lost is looked for at the same path, then by its card's name at the others.
    """

    def __init__(
        self,
        where: str | int = "auto",
        size: tuple[int, int] = (1280, 960),
        fps: float = 30,
        *,
        tuning: Tuning | None = None,
        timeout: float = TIMEOUT,
        tries: int = TRIES,
        looked: str = "",
    ) -> None:
        self._looked = looked
        self._where = where if where == "auto" else named(where)
        super().__init__(f"the USB camera ({self._where})", self._open, timeout=timeout, tries=tries)
        self._tuning = tuning
        self._asked: dict[str, Any] = {"width": size[0], "height": size[1], "fps": fps, "fourcc": "MJPG"}
        self._got: dict[str, Any] = {}
        self._beside: frozenset[str] = frozenset()  # what else was plugged in at first, which it cannot be found at

    def describe(self) -> dict[str, Any]:
        """What the session's record says: the camera, what was asked of it, and what it read back."""
        return {**super().describe(), "kind": "v4l2", "asked": self._asked, **self._got}

    def open_reader(self) -> V4l2Reader:
        """The camera opened for one who reads it himself, as the tuning does."""
        return self._open()

    def _open(self) -> V4l2Reader:
        opencv.quiet()
        if self._got:
            return self._open_node(self._found_again())
        reader = self._open_first() if self._where == "auto" else self._open_named()
        self._beside = frozenset(path for path in candidates() if not _same_node(path, reader.path))
        return reader

    def _open_named(self) -> V4l2Reader:
        node = ask(self._where)
        if not node.camera:
            raise SourceLost(
                f"{node.path} ({node.card}) gives no pictures of its own",
                "name another node of the camera, or ",
                Hint.TAKE_PI_CAMERA,
                " for one on a Raspberry Pi's ribbon cable",
            )
        return self._open_node(node)

    def _open_first(self) -> V4l2Reader:
        refused: list[SourceLost] = []
        for path in candidates():
            reader = None
            try:
                node = ask(path)
                if node.camera:
                    reader = self._open_node(node)
                    _first_picture(reader, path)
                    return reader
            except SourceLost as error:
                refused.append(error)
                self._got = {}
                if reader is not None:
                    reader.close()
        if refused:
            raise CamerasRefused(*refused)
        before = f"{self._looked}, and " if self._looked else ""
        raise SourceLost(
            f"no camera was found: {before}no USB camera is below /dev/v4l/by-id or at /dev/video*",
            "plug one in, or name it ",
            Hint.NAME_CAMERA,
        )

    def _found_again(self) -> Node:
        """The camera of before: at its path, or, where another is there now or none, at another node."""
        path, card = self._got["path"], self._got["card"]
        for at in dict.fromkeys([path, *(other for other in candidates() if other not in self._beside)]):
            try:
                node, _ = look(at)
            except SourceLost:
                continue
            if node.camera and node.card == card:
                return ask(at)
        raise SourceLost(f"the camera {card} ({path}) is not there", "plug it in again", Hint.START_AGAIN)

    def _open_node(self, node: Node) -> V4l2Reader:
        capture = cv2.VideoCapture(node.path, cv2.CAP_V4L2)
        if not capture.isOpened():
            raise CameraBusy(
                f"the camera {node.path} ({node.card}) cannot be started: another program uses it, or it has no format "
                "that can be read",
                "close other camera programs, or name another ",
                Hint.NAME_CAMERA,
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
                f"the camera {node.path} ({node.card}) gives grey pictures",
                "white cells are told apart by their stain, so a colour camera is needed",
            )
        if letters in JPEGS:
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
        try:
            self._tune(node, capture, (width, height))
        except OSError:
            capture.release()
            raise SourceLost(f"the camera {node.path} was unplugged", "plug it in again", Hint.START_AGAIN) from None
        return V4l2Reader(capture, node.path, letters)

    def _tune(self, node: Node, capture: cv2.VideoCapture, size: tuple[int, int]) -> None:
        """Set what the tuning fixed, and prepare its flat field."""
        flat, self._untuned = usable(self._tuning, "v4l2", node.card, size)
        self._flattener = Flattener(flat) if flat else None
        if self._tuning is None or not self._tuning.is_for("v4l2", node.card):
            return
        wanted = {name: int(value) for name, value in self._tuning.controls.items()}
        if wanted:
            capture.grab()  # some cameras forget their settings when the first picture is asked for
            taken = v4l2_controls.write(node.path, wanted)
            refused = sorted(name for name, value in wanted.items() if taken.get(name) != value)
            self._got["controls"], self._got["controls_refused"] = taken, refused
            if refused:
                self._untuned = (
                    f"the camera did not take its tuned {', '.join(refused)}; run leuko-edge camera tune again"
                )
        self._got["tuned"] = self._tuning.made


class V4l2Reader:
    """An open camera; `path` is its node, for its controls."""

    def __init__(self, capture: cv2.VideoCapture, path: str, letters: str) -> None:
        self._capture = capture
        self.path = path
        self._letters = letters
        self._node = _identity(path)

    def read(self) -> tuple[np.ndarray, float]:
        good = self._capture.grab()
        # After an unplug reading has been seen to succeed for ever, so the node itself is asked each time. Plugged in
        # again it is another one, although it has the same name.
        if self._node is None or _identity(self.path) != self._node:
            raise SourceLost(f"the camera {self.path} was unplugged", "plug it in again", Hint.START_AGAIN)
        if not good:
            raise SourceLost(
                f"the camera {self.path} stopped giving pictures", "check its cable, plug it in again", Hint.START_AGAIN
            )
        # V4L2 stamps buffers with the monotonic clock when the picture was taken.
        captured_at = wall_time(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, time.monotonic())
        good, taken = self._capture.retrieve()
        if not good or taken is None or not taken.size:
            raise Damaged("a picture without content")
        if self._letters in JPEGS:
            # Of the formats that OpenCV decodes itself none comes here: it was told to leave JPEGs as they are.
            coloured = taken.ndim == 3 and taken.shape[2] == 3
            return taken if coloured else decode_jpeg(taken.tobytes()), captured_at
        if taken.dtype != np.uint8 or taken.ndim != 3 or taken.shape[2] != 3:
            raise SourceLost(
                f"the camera {self.path} gives pictures in the format {self._letters}, of {taken.dtype} and of shape "
                f"{taken.shape}, which cannot be read here",
                "take a camera that gives MJPG or YUYV",
            )
        return taken, captured_at

    def close(self) -> None:
        self._capture.release()


def _identity(path: str) -> tuple[int, int, int] | None:
    """What tells a node from another of the same name; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_rdev


def _same_node(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _first_picture(reader: Reader, path: str) -> None:
    for _ in range(_TRIES):
        try:
            reader.read()
            return
        except Damaged:
            continue
    raise SourceLost(f"the camera {path} gives only damaged pictures", "use a shorter cable or another port")
