"""Which frames of a film are not what was recorded: FFmpeg conceals damage, and only says so in its log.

What it conceals goes on in the frames that build on the damaged one: they are bad until the next that stands alone.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..native_stderr import captured
from . import interlacing, opencv

_ALONE = ("MJPG", "mjpg", "dvsd", "png", "HFYU", "AVdn", "apcn", "apch")  # every frame stands alone
_TYPED = ("FMP4", "mp4v", "XVID", "DIVX", "DX50", "avc1", "H264", "h264", "hev1", "hvc1", "HEVC", "mpg1", "mpg2")
_COMPLAINT = b"[OPENCV:FFMPEG"


class Reading:
    """Reads frames of `capture` and hears what FFmpeg says meanwhile. With one decoding thread (`SINGLE`) what is said
    while a frame is read is said of that frame."""

    SINGLE = (cv2.CAP_PROP_N_THREADS, 1)

    def __init__(self, capture: cv2.VideoCapture, name: str) -> None:
        self._capture, self._name = capture, name
        self._format = opencv.fourcc(capture)
        self._doubtful = False
        self._combed = 0

    def read(self) -> tuple[bool, np.ndarray, bool]:
        """As OpenCV's read, and whether the frame is as it was recorded. PictureError where the film is interlaced."""
        with captured(1, 2) as said:
            good, bgr = self._capture.read()
        messages = b"".join(said)
        if interlacing.said(messages):
            raise interlacing.refusal(self._name)
        combed = good and interlacing.lines(bgr) > interlacing.COMBED
        self._combed += combed
        if self._combed >= interlacing.WOVEN:
            raise interlacing.refusal(self._name)
        if combed:
            return good, bgr, False
        if _COMPLAINT in messages:
            self._doubtful = True
            return good, bgr, False
        if self._doubtful and good and self._stands_alone():
            self._doubtful = False
        return good, bgr, not self._doubtful

    def _stands_alone(self) -> bool:
        """False where it cannot be known: then all that follows stays in doubt."""
        if self._format in _ALONE:
            return True
        kind = getattr(cv2, "CAP_PROP_FRAME_TYPE", None)  # OpenCV 4.10 and newer
        return self._format in _TYPED and kind is not None and int(self._capture.get(kind)) == ord("I")
