"""Tuning a camera on an empty field: light and colour found, held, fixed, and the flat field measured.

The person puts an empty place of the slide under the objective. Exposure and gain are turned until the background is
bright and nowhere clipped, the colours until it is grey, with every automatic off; then some frames give the flat
field. Where the light does not allow it, the error says what to do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from .. import __version__
from ..errors import EnvironmentBroken
from .controls import Knobs, knobs
from .flat_field import Measured, measure, reduced
from .picamera import PiCamera, PiReader
from .reader import Damaged
from .tuning import Tuning
from .v4l2 import V4l2Camera, V4l2Reader

FRAMES = 32  # for the flat field: their noise is then below a fifth of one frame's
AIM = 228.0  # of 255, the brightest place of the brightest channel: room for noise above, few levels lost
NEAR = 0.03  # of it, and of grey: what is nearer is not turned any more
DIM = 200.0  # below it the person is told that the light is weak
DARK = 120.0  # below it there are too few levels left for the stain
FULL = 246.0  # above it noise is clipped
CLIPPED = 0.002  # share of pixels
DIMMED = 0.6  # how much darker, at a time, where clipped pixels do not tell how bright it is
ROUNDS = 30
EVEN = 0.35  # darkest over brightest place, below which the corners would be noise
COVERED = 0.35  # share of the field, above which the surface is no longer that of the light
FLICKER = 0.03  # of the brightness between frames
NOISE = 8.0  # s.d. of a pixel, levels
_LATENCY = 6  # pictures on their way when a control is set: V4L2 has four buffers, a sensor one or two more
_HELD = 0.01  # of the brightness between three pictures
_MOST = 60  # pictures until something is taken as it is


class LightUnfit(EnvironmentBroken):
    """The light at the microscope does not allow it; the sentence says what to do."""


@dataclass(frozen=True)
class Light:
    """What one picture shows. `bright` and `middle` (3,): blue, green, red, brightest place and median, levels."""

    bright: np.ndarray
    middle: np.ndarray
    clipped: float

    @classmethod
    def of(cls, bgr: np.ndarray) -> Light:
        small = reduced(bgr)
        clipped = float((bgr[::4, ::4].max(axis=2) >= 255).mean())
        return cls(np.percentile(small, 99, axis=(0, 1)), np.median(small, axis=(0, 1)), clipped)

    @property
    def level(self) -> float:
        return float(self.bright.max())

    @property
    def too_bright(self) -> bool:
        return self.clipped > CLIPPED or self.level > FULL

    @property
    def missing(self) -> tuple[float, float]:
        """What red and blue are to be multiplied by, so that the background is grey."""
        blue, green, red = np.maximum(self.middle, 1.0)
        return float(green / red), float(green / blue)


@dataclass(frozen=True)
class Tuned:
    tuning: Tuning
    measured: Measured
    notes: tuple[str, ...]  # sentences: what the person should know although it went well


def tune(
    camera: PiCamera | V4l2Camera, fps: float, frames: int = FRAMES, say: Callable[[str], None] = lambda _: None
) -> Tuned:
    """Tune `camera`, which was not entered, for `fps` pictures a second; `say` hears of each step.

    Raises SourceLost where it cannot be read and LightUnfit where the light is not good enough.
    """
    reader = camera.open_reader()
    try:
        say(f"tuning {camera.name}")
        turned = knobs(reader, fps)
        light, notes = _lit(reader, turned, say)
        say(f"light: {light.level:.0f} of 255 in the brightest channel; measuring the flat field")
        measured = measure([_picture(reader) for _ in range(max(frames, 2))])
        _check(measured)
        about = camera.describe()
        tuning = Tuning(
            about["kind"],
            about["model"] if about["kind"] == "picamera2" else about["card"],
            (about["width"], about["height"]),
            turned.fixed(),
            measured.flat,
            datetime.now().astimezone().isoformat(timespec="seconds"),
            f"leuko-edge {__version__}",
        )
        return Tuned(tuning, measured, tuple(notes))
    finally:
        reader.close()


def _lit(reader: PiReader | V4l2Reader, turned: Knobs, say: Callable[[str], None]) -> tuple[Light, list[str]]:
    """Turn light and colour until they are right and hold; LightUnfit where they cannot be."""
    light = _settled(reader, turned)  # what the automatics find is a good beginning
    turned.manual()
    for _ in range(ROUNDS):
        light = _settled(reader, turned)
        say(f"  red {light.middle[2]:.0f} green {light.middle[1]:.0f} blue {light.middle[0]:.0f}")
        moved = False
        if light.clipped > CLIPPED:  # colours mean nothing now
            moved = turned.light(DIMMED)
        else:
            if any(abs(factor - 1) > NEAR for factor in light.missing):
                moved = turned.colour(*light.missing)
            if abs(light.level / AIM - 1) > NEAR:
                moved = turned.light(AIM / max(light.level, 10.0)) or moved
        if not moved:
            break
    return light, _judged(light, turned)


def _judged(light: Light, turned: Knobs) -> list[str]:
    """What is to be told of a light that will do; LightUnfit for one that will not."""
    if light.too_bright:
        how = "at the shortest exposure" if turned.lights else "and its exposure cannot be set"
        raise LightUnfit(
            f"the light is too bright for the camera {how}: {100 * light.clipped:.1f} % of the pixels are full",
            "turn the lamp down, close the condenser's diaphragm or put a grey filter in, and tune again",
        )
    if light.level < DARK:
        how = "at the longest exposure and the highest gain" if turned.lights else "and its exposure cannot be set"
        raise LightUnfit(
            f"the light is too weak for the camera {how}: the empty background reaches {light.level:.0f} of 255",
            "turn the lamp up, open the condenser's diaphragm, and tune again",
        )
    notes = []
    if light.level < DIM:
        notes.append(f"the light is weak ({light.level:.0f} of 255): more of it would give a picture with less noise")
    if not turned.lights and not turned.colours:
        notes.append("this camera has no controls for light and colour: only the flat field was measured")
    elif not turned.lights:
        notes.append("this camera's exposure cannot be set: it may change while counting")
    elif not turned.colours:
        notes.append("this camera's colours cannot be set: the flat field makes the background white")
    return notes


def _check(measured: Measured) -> None:
    """LightUnfit, in the order in which a person would put things right."""
    flat = measured.flat
    if measured.clipped > CLIPPED:
        raise LightUnfit(
            f"the light grew too bright while it was measured ({100 * measured.clipped:.1f} % of the pixels are full)",
            "wait until the lamp is warm, and tune again",
        )
    if measured.covered > COVERED:
        raise LightUnfit(
            f"{100 * measured.covered:.0f} % of the field is covered by cells or dirt",
            "move to an empty place of the slide, or take it out, and tune again",
        )
    if measured.flicker > FLICKER:
        raise LightUnfit(
            f"the light flickers by {100 * measured.flicker:.0f} %",
            "wait until the lamp is warm, hold the stage still, or take a lamp with direct current, and tune again",
        )
    if flat.evenness < EVEN:
        raise LightUnfit(
            f"the light is uneven: at the {flat.darkest} of the picture there is {100 * flat.evenness:.0f} % of the "
            "brightest place's",
            "centre the condenser and the lamp, open the field diaphragm, and tune again",
        )
    if measured.noise > NOISE:
        raise LightUnfit(
            f"the picture is too noisy (s.d. {measured.noise:.0f} of 255 levels)",
            "turn the lamp up, so that the camera needs less gain, and tune again",
        )


def _settled(reader: PiReader | V4l2Reader, turned: Knobs) -> Light:
    """The light once the camera has done what was set and three pictures are alike, or after `_MOST` of them."""
    seen: list[Light] = []
    for _ in range(_MOST):
        seen.append(Light.of(_picture(reader)))
        levels = np.array([light.middle for light in seen[-3:]])
        if len(seen) > _LATENCY and turned.arrived() and (np.ptp(levels, axis=0) <= _HELD * levels.max() + 0.5).all():
            break
    return seen[-1]


def _picture(reader: PiReader | V4l2Reader) -> np.ndarray:
    """The next whole picture, (h, w, 3) uint8 BGR."""
    for _ in range(_MOST):
        try:
            return reader.read()[0]
        except Damaged:
            continue
    raise EnvironmentBroken("only damaged pictures come from the camera", "use a shorter cable or another port")
