"""What a second of a camera's frames says: rate, sharpness, exposure, and whether its white balance holds still."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from ..live.gate import BURNT, BURNT_SHARE, DARK, SIDE, STAINED, STAINED_SHARE
from ..sources.live_source import LiveSource
from ..types import Frame
from ..vision.illumination import sharpness, shrink
from .finding import Finding, good, skipped, warning

SECONDS = 1.0
MOST_FRAMES = 200
SLOW_FPS = 5.0
DRIFT = 0.02
"""Share that red to green or blue to green of the background may change within the second. A fixed camera's changes by
its noise, averaged over thousands of pixels: a thousandth and less. What an automatic does differs; chosen here."""
BLURRED = 0.02
"""Sharpness (see `illumination.sharpness`) below which there is hardly an edge: drawn fields in focus have 0.13 at
1280 px and 0.06 at 640, and 0.02 when blurred by 12 and by 4 px (s.d.). Above it there is no absolute scale."""


@dataclass(frozen=True)
class Glance:
    """What is kept of one frame."""

    index: int
    captured_at: float
    size: tuple[int, int]  # width, height, px
    sharpness: float
    stained: float  # share of pixels that show something
    clipped: float  # share of pixels with a channel that says nothing more
    background: tuple[float, float, float]  # blue, green, red of the brightest twentieth, grey values


def glance(frame: Frame) -> Glance:
    small = shrink(frame.bgr, SIDE)
    green = cv2.extractChannel(small, 1)
    bright = small[green >= np.percentile(green, 95)]
    blue, middle, red = bright.mean(axis=0).tolist()
    return Glance(
        frame.index,
        frame.captured_at,
        (frame.bgr.shape[1], frame.bgr.shape[0]),
        round(sharpness(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)), 4),
        float((green < STAINED * middle).mean()),
        float((small.max(axis=2) >= BURNT).mean()),
        (blue, middle, red),
    )


def watch(source: LiveSource, seconds: float = SECONDS) -> list[Glance]:
    """Of every frame that an entered `source` delivers within `seconds` of the first; LeukoError where it is lost."""
    cv2.setNumThreads(1)
    glances = []
    for frame in _within(source, seconds):
        glances.append(glance(frame))
        if len(glances) >= MOST_FRAMES:
            break
    return glances


def _within(source: LiveSource, seconds: float) -> Iterator[Frame]:
    deadline = None
    for frame in source:
        yield frame
        deadline = deadline or time.monotonic() + seconds
        if time.monotonic() >= deadline:
            return


def judged(glances: list[Glance], name: str) -> list[Finding]:
    """One finding each for rate, focus, light and white balance; `glances` holds at least one."""
    return [_rate(glances, name), _focus(glances, name), _light(glances, name), _white_balance(glances, name)]


def _rate(glances: list[Glance], name: str) -> Finding:
    first, last = glances[0], glances[-1]
    width, height = last.size
    took = last.captured_at - first.captured_at
    fps = (last.index - first.index) / took if took > 0 else 0.0
    found = f"{width}×{height} pixels, {fps:.1f} frames a second ({len(glances)} looked at)"
    if fps < SLOW_FPS:
        advice = "light more and expose shorter; a USB camera on a faster port (USB 3)"
        return warning(f"{name}: frames", found, advice)
    return good(f"{name}: frames", found)


def _focus(glances: list[Glance], name: str) -> Finding:
    name = f"{name}: focus"
    if np.median([g.stained for g in glances]) < STAINED_SHARE:
        return skipped(name, "an empty field: nothing to focus on", "put a smear under the objective")
    sharp = float(np.median([g.sharpness for g in glances]))
    found = f"sharpness {sharp:.3f}"
    if sharp < BLURRED:
        return warning(name, f"{found}: nothing is in focus", "focus on the red cells; clean the objective")
    return good(name, f"{found}; it has no absolute scale, turn the knob to where it is highest")


def _light(glances: list[Glance], name: str) -> Finding:
    clipped = float(np.median([g.clipped for g in glances]))
    blue, green, red = np.median([g.background for g in glances], axis=0)
    found = f"background R {red:.0f} G {green:.0f} B {blue:.0f} of 255, {100 * clipped:.0f} % of pixels clipped"
    if green < DARK:
        advice = "switch the lamp on, open the condenser, or expose longer"
        return warning(f"{name}: light", f"too dark: {found}", advice)
    if clipped > BURNT_SHARE:
        advice = "dim the lamp or expose shorter, until little is clipped"
        return warning(f"{name}: light", f"too bright: {found}", advice)
    return good(f"{name}: light", found)


def _white_balance(glances: list[Glance], name: str) -> Finding:
    """How far the background's colour moves within the second."""
    blue, green, red = np.maximum([g.background for g in glances], 1).T
    ratios = {"R/G": red / green, "B/G": blue / green}
    drift = max(float(np.ptp(ratio) / np.median(ratio)) for ratio in ratios.values())
    words = ", ".join(f"{key} {np.median(ratio):.2f}" for key, ratio in ratios.items())
    found = f"{words}, moved by {100 * drift:.1f} % within the second"
    if drift > DRIFT:
        advice = "the camera's automatic white balance is on: fix it with leuko-edge camera tune"
        return warning(f"{name}: white balance", found, advice)
    return good(f"{name}: white balance", found)
