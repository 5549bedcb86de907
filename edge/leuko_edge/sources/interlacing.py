"""Films whose pictures are woven of two half pictures, taken one after the other: cells that move come as combs.

FFmpeg's newer converters say so and leave the picture black, or what was in memory before; older ones weave. A film
can also be woven without its file saying so, therefore combs are looked for in the pictures too.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..errors import PictureError, Reason

COMBED = 1.3  # of `lines`; fields of five laboratories: 0.51 to 0.68, with noise as strong as in a dark room 0.9
WOVEN = 3  # combed pictures, after which it is the film
LEAST = 1.0  # grey values between a line and the next but one; less is an empty field's noise
_SAID = b"interlaced to progressive"


def said(messages: bytes) -> bool:
    """Whether FFmpeg complained, while it read a picture, that it is interlaced."""
    return _SAID in messages


def refusal(name: str) -> PictureError:
    return PictureError(
        f"{name}: the film is interlaced, each picture is woven of two that were taken one after the other",
        "make whole pictures of them (ffmpeg -i FILM -vf bwdif -crf 12 NEW.mp4), or record it progressive",
        reason=Reason.INTERLACED,
    )


def lines(bgr: np.ndarray) -> float:
    """How much a line of (h, w, 3) uint8 differs from the next, over how much from the next but one.

    Below 1 in a picture of one moment, where what is nearer is more alike; far above 1 where something moved between
    two half pictures (by 3 px: 1.5, by 8 px: 3).
    """
    green = cv2.extractChannel(bgr, 1)[:, ::4]
    if len(green) < 3:
        return 0.0
    next_but_one = cv2.absdiff(green[2:], green[:-2]).mean()
    return float(cv2.absdiff(green[1:], green[:-1]).mean() / next_but_one) if next_but_one > LEAST else 0.0
