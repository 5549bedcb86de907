"""May this frame be counted? Moving, out of focus, badly lit or empty ones may not, and the person is told.

Sharpness has no absolute scale (it depends on objective, camera and stain), so a frame is held against the sharpest
still frames of the session so far; `settings` is what the session record keeps of that.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from ..session import Focus, Light, Motion, Place, PlaceState
from ..types import Skip
from ..vision.illumination import sharpness, shrink

SIDE = 640  # px; the long side at which a frame is judged
FIRST = 8  # still frames after which the reference sharpness is known
REMEMBERED = 300  # still frames that the reference is taken from: the microscope may be refocused, or its lamp changed
SHARP = 0.60  # of the reference: less is out of focus
SHARP_MOVING = 0.85  # of the reference: a frame that moves slowly must be this sharp
STILL = 0.004  # of the frame's width a frame: 5 px of 1280, half a micrometre under a 100× objective
SLOW = 0.02  # beyond it a frame is moving, sharp or not: cells are not where the map puts them
BURNT = 254  # grey value from which a channel says nothing more
BURNT_SHARE = 0.6  # white background may be burnt, with cells still seen; more than this is not
DARK = 45  # grey value of the background below which a picture is too dark
STAINED = 0.85  # of the background: what is darker is something
STAINED_SHARE = 0.015  # less of the frame is an empty field


@dataclass(frozen=True)
class Verdict:
    """`reason` is None where the frame may be counted; the rest is said to the person."""

    reason: Skip | None
    focus: float  # of this frame, over the reference; 1 is as sharp as the session's best, 0 before it is known
    light: Light
    sharpness: Focus
    motion: Motion


class Gate:
    """Judges frames in order; adapts to the microscope over the first still frames."""

    def __init__(self) -> None:
        self._still: deque[float] = deque(maxlen=REMEMBERED)

    @property
    def reference(self) -> float | None:
        """Sharpness of the session's sharpest still frames (their 90th percentile); None before `FIRST` of them."""
        return float(np.percentile(self._still, 90)) if len(self._still) >= FIRST else None

    @property
    def settings(self) -> dict[str, Any]:
        """The thresholds in force, for the session record."""
        reference = self.reference
        return {
            "sharpness_reference": reference,
            "sharpness_least": None if reference is None else SHARP * reference,
            "still_below": STILL,
            "moving_above": SLOW,
            "burnt_share": BURNT_SHARE,
            "dark_below": DARK,
            "stained_share_least": STAINED_SHARE,
        }

    def judge(self, bgr: np.ndarray, place: Place) -> Verdict:
        """`bgr` (h, w, 3) uint8 and where the map put it."""
        small = shrink(bgr, SIDE)
        green = cv2.extractChannel(small, 1)
        light, background = _light(small)
        step = place.step / bgr.shape[1]
        lost = place.state == PlaceState.LOST
        motion = Motion.LOST if lost else Motion.STILL if step < STILL else Motion.MOVING
        if light != Light.GOOD:
            return Verdict(Skip.CLIPPED, 0.0, light, Focus.MEASURING, motion)
        if (green < STAINED * background).mean() < STAINED_SHARE:
            return Verdict(Skip.EMPTY, 0.0, light, Focus.MEASURING, motion)
        sharp = sharpness(green)
        if motion == Motion.STILL:
            self._still.append(sharp)
        reference = self.reference
        focus = sharp / reference if reference else 0.0
        seen = Focus.MEASURING if not reference else Focus.SHARP if focus >= SHARP else Focus.BLURRED
        reason = None
        if reference and focus < SHARP and motion != Motion.MOVING:
            reason = Skip.DEFOCUSED  # said before "lost": a blurred frame cannot be registered either
        elif lost:
            reason = Skip.LOST
        elif step > SLOW or (motion == Motion.MOVING and focus < SHARP_MOVING):
            reason = Skip.MOVING
        return Verdict(reason, focus, light, seen, motion)


def _light(small: np.ndarray) -> tuple[Light, float]:
    """(the verdict, the background's green value): the brightest twentieth is background, whatever else there is."""
    coarse = small[::4, ::4]
    burnt = float((coarse.min(axis=2) >= BURNT).mean())
    background = float(np.percentile(coarse[..., 1], 95))
    if burnt > BURNT_SHARE:
        return Light.BRIGHT, background
    return (Light.DARK if background < DARK else Light.GOOD), background
