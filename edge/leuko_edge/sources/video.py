"""A video file as a source. It waits for its reader, so nothing is dropped for being late.

What cannot be decoded is dropped and counted. Of a film that ends too early every frame is delivered that is there,
and then SourceLost says so: what was counted until then is kept.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import Any

import cv2

from ..errors import PictureError, Reason, SourceLost, UsageError
from ..native_stderr import captured
from ..types import Frame
from . import opencv
from .film_damage import Reading
from .live_source import MIN_SIDE
from .picture_container import COPY_AGAIN, GREY, MAX_PIXELS
from .picture_decoding import has_colour
from .video_container import counts_frames, is_whole

_MOST_GREY = 30  # frames without colour at the beginning; then it is a film without colour
_GIVE_UP = 100  # failed reads in a row; FFmpeg itself tries many packets in each


class VideoFile:
    """The frames of a video file in order, each once, as fast as they are asked for. Never seeks.

    `captured_at` is the file's time of modification plus the frame's own time in the film. UsageError where `path` is
    no file that can be opened, PictureError where it is no video; while iterating, SourceLost where the film was cut
    short, PictureError where it has no colour or is interlaced. Pixels are as stored: a camera's rotation tag is not
    applied, as in `sources`.
    """

    live = False
    warning, hangs = "", False  # as of every `LiveSource`; a file has nothing to say

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name = os.fspath(path)
        self.dropped = 0
        self._damaged = 0
        self._capture: cv2.VideoCapture | None = None
        self._whole = True
        self._counted = False
        self._started_at, self._bytes = 0.0, 0
        self._entered = self._taken = False

    def __enter__(self) -> VideoFile:
        if self._entered:
            raise RuntimeError("a source is entered once")
        self._entered = True
        try:
            status = os.stat(self.name)
            self.name.encode()  # OpenCV crashes on a name that is not UTF-8
            if not stat.S_ISREG(status.st_mode):
                raise UsageError(f"{self.name} is not a video file", "name a file, as recording.mp4")
            if not status.st_size:
                raise PictureError(f"{self.name}: the file is empty (0 bytes)", "record or copy it again")
            self._whole, self._counted = is_whole(self.name), counts_frames(self.name)
        except UnicodeEncodeError:
            raise UsageError(f"{self.name!r}: the name holds bytes that are not UTF-8", "rename the file") from None
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            why = getattr(error, "strerror", None) or error
            raise UsageError(f"{self.name} cannot be opened: {why}", "check the name") from None
        self._started_at, self._bytes = status.st_mtime, status.st_size
        self._capture = self._open()
        return self

    def _open(self) -> cv2.VideoCapture:
        opencv.quiet()
        with captured(1, 2):
            capture = cv2.VideoCapture(os.path.abspath(self.name), cv2.CAP_FFMPEG, Reading.SINGLE)
        if not capture.isOpened():
            if self._whole:
                raise PictureError(f"{self.name} is not a video that can be read", "MP4, AVI, MKV and MOV can")
            raise PictureError(f"{self.name} is truncated: the video ends before its index", COPY_AGAIN)
        capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
        width, height = opencv.size(capture)
        if min(width, height) < MIN_SIDE or width * height > MAX_PIXELS:
            capture.release()
            raise PictureError(
                f"{self.name}: its pictures are {width}×{height} pixels",
                f"from {MIN_SIDE}×{MIN_SIDE} to {MAX_PIXELS // 10**6} megapixels can be counted",
            )
        return capture

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Harmless when repeated."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def describe(self) -> dict[str, Any]:
        """What the session's record says of this source; size, rate and length as the file states them."""
        about: dict[str, Any] = {"kind": "video", "name": self.name, "bytes": self._bytes}
        if self._capture is not None:
            width, height = opencv.size(self._capture)
            about |= {"width": width, "height": height, "fps": self._capture.get(cv2.CAP_PROP_FPS)}
            about |= {"fourcc": opencv.fourcc(self._capture), "whole": self._whole}
            if self._counted:
                about["frames"] = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        return about

    def __iter__(self) -> Iterator[Frame]:
        if self._capture is None or self._taken:
            raise RuntimeError("a source is iterated once, inside its with block")
        self._taken = True
        return self._frames(self._capture)

    def _frames(self, capture: cv2.VideoCapture) -> Iterator[Frame]:
        total = max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT))) if self._counted else 0
        decoded = grey = 0
        last: Frame | None = None
        for frame in self._decode(capture):
            decoded += 1
            if grey == decoded - 1 and not has_colour(frame.bgr):  # a film may begin in black
                grey += 1
                if grey == _MOST_GREY:
                    raise PictureError(f"{self.name}: {GREY[0]}", GREY[1], reason=Reason.GREY)
                continue
            if self._whole:
                yield frame
            else:  # where a file was cut, its last picture is cut too, and decoders fill up what is missing
                if last is not None:
                    yield last
                last = frame
        if self._capture is None:  # closed meanwhile
            return
        if not self._whole:
            self.dropped = decoded and 1
            of = f" of {total}" if total > decoded else ""
            raise SourceLost(f"{self.name} is truncated: it ends after {decoded}{of} frames", COPY_AGAIN)
        if grey and grey == decoded:
            raise PictureError(f"{self.name}: {GREY[0]}", GREY[1], reason=Reason.GREY)
        self.dropped = max(self._damaged, total - decoded) + grey
        if not decoded:
            raise SourceLost(f"{self.name}: not one picture of the video can be decoded", "convert it to MP4 (H.264)")

    def _decode(self, capture: cv2.VideoCapture) -> Iterator[Frame]:
        """Every frame that can be decoded and is as it was recorded; `_damaged` counts the others."""
        reading = Reading(capture, self.name)
        size, rate = opencv.size(capture), capture.get(cv2.CAP_PROP_FPS)
        seconds, index, failed = 0.0, 0, 0
        while self._capture is not None and failed < _GIVE_UP:
            good, bgr, sound = reading.read()
            if not good:  # a bad stretch, and the next read goes on behind it; or the end, where this costs nothing
                failed += 1
                continue
            failed = 0
            if not sound:
                self._damaged += 1
                continue
            if (bgr.shape[1], bgr.shape[0]) != size:
                raise SourceLost(
                    f"{self.name}: within the film the pictures change from {size[0]}×{size[1]} to "
                    f"{bgr.shape[1]}×{bgr.shape[0]} pixels",
                    "cut it there and count the parts one by one",
                )
            stamp = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            seconds = max(seconds, stamp if stamp > 0 else index / rate if rate > 0 else 0.0)
            yield Frame(index, self._started_at + seconds, bgr, self.name)
            index += 1
