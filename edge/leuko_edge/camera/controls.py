"""The two things that tuning turns, light and colour, on cameras that each call them by other names.

`PiKnobs` are libcamera's controls, `V4l2Knobs` the kernel's. A control that a camera does not advertise is not turned.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from . import v4l2_controls
from .picamera import PiReader
from .v4l2 import V4l2Reader
from .v4l2_controls import Range

HIGHEST_GAIN = 8.0  # libcamera's analogue gain: more is more noise than picture
COLOUR_GAINS = (0.5, 8.0)  # libcamera's
_GAIN_STEPS = 8  # of a V4L2 camera's gain, whose unit nobody knows, from none to all


class Knobs(Protocol):
    """Light and colour of an open camera."""

    lights: bool  # whether `light` does anything
    colours: bool  # whether `colour` does

    def manual(self) -> None:
        """Switch every automatic off and begin at what they had found."""
        ...

    def light(self, factor: float) -> bool:
        """Make the picture about `factor` times as bright; False where it is at its end already."""
        ...

    def colour(self, red: float, blue: float) -> bool:
        """Make red and blue so many times as strong; False where nothing can be changed further."""
        ...

    def arrived(self) -> bool:
        """Whether the last picture was taken as was set; True where the camera does not tell."""
        ...

    def fixed(self) -> dict[str, Any]:
        """The controls as the camera has them now, to be set again at every start."""
        ...


class PiKnobs:
    """libcamera's controls; a picture must have been read before `manual`, which begins at what it was taken with."""

    def __init__(self, reader: PiReader, fps: float) -> None:
        self._reader = reader
        self._ranges: Mapping[str, Any] = reader.camera.camera_controls
        self.lights = "ExposureTime" in self._ranges
        self.colours = "ColourGains" in self._ranges
        self._longest = 1e6 / fps
        self._set: dict[str, Any] = {}

    def manual(self) -> None:
        found = self._reader.metadata
        wanted: dict[str, Any] = {"AeEnable": False, "AwbEnable": False, "AfMode": 0}  # 0: manual focus
        if self.lights:
            wanted["ExposureTime"] = self._exposure(found.get("ExposureTime", self._longest / 4))
            wanted["AnalogueGain"] = self._gain(found.get("AnalogueGain", 1.0))
        if self.colours:
            wanted["ColourGains"] = tuple(float(gain) for gain in found.get("ColourGains", (1.0, 1.0)))
        self._turn(wanted)

    def light(self, factor: float) -> bool:
        """By the exposure as far as it goes, the rest by the gain: that is noisier."""
        if not self.lights:
            return False
        before = self._set["ExposureTime"] * self._set.get("AnalogueGain", 1.0)
        exposure = self._exposure(before * factor / self._gain(0))
        gain = self._gain(before * factor / exposure)
        now = {"ExposureTime": exposure, "AnalogueGain": gain}
        if all(self._set.get(name, value) == value for name, value in now.items()):
            return False
        self._turn(now)
        return True

    def colour(self, red: float, blue: float) -> bool:
        if not self.colours:
            return False
        gains = tuple(
            round(min(max(gain * factor, COLOUR_GAINS[0]), COLOUR_GAINS[1]), 3)
            for gain, factor in zip(self._set["ColourGains"], (red, blue), strict=True)
        )
        if gains == self._set["ColourGains"]:
            return False
        self._turn({"ColourGains": gains})
        return True

    def arrived(self) -> bool:
        return all(
            name not in self._reader.metadata or _close(self._reader.metadata[name], value)
            for name, value in self._set.items()
            if name in ("ExposureTime", "AnalogueGain", "ColourGains")
        )

    def fixed(self) -> dict[str, Any]:
        """As they were asked for: the sensor's own steps will be the same again."""
        return dict(self._set)

    def _turn(self, wanted: Mapping[str, Any]) -> None:
        known = {name: value for name, value in wanted.items() if name in self._ranges}
        if known:
            self._reader.camera.set_controls(known)
        self._set.update(known)

    def _exposure(self, us: float) -> int:
        least, most, _ = self._ranges["ExposureTime"]
        return round(max(min(us, self._longest, most or self._longest), least or 1))  # 0: no limit is known

    def _gain(self, gain: float) -> float:
        least, most, _ = self._ranges.get("AnalogueGain", (1.0, 1.0, 1.0))
        return round(max(min(gain, most or HIGHEST_GAIN, HIGHEST_GAIN), least or 1.0), 3)


class V4l2Knobs:
    """Exposure in steps of 100 µs; white balance by red and blue where the camera has both, else by temperature."""

    def __init__(self, reader: V4l2Reader, fps: float) -> None:
        self._path = reader.path
        self._ranges: dict[str, Range] = v4l2_controls.ranges(reader.path)
        self._now: dict[str, int] = {}
        self._longest = 10_000 / fps
        self.lights = "exposure_absolute" in self._ranges
        self._balance = {"red_balance", "blue_balance"} <= self._ranges.keys()
        self.colours = self._balance or "white_balance_temperature" in self._ranges
        warmth = self._ranges.get("white_balance_temperature")
        self._warmth = (warmth.low, warmth.high) if warmth else (0, 0)  # kelvin between which it lies

    def manual(self) -> None:
        found = v4l2_controls.read(self._path)
        self._now = {name: value for name, value in found.items() if name in self._ranges}
        off = {name: value for name, value in v4l2_controls.OFF.items() if name in self._ranges}
        gain = self._ranges.get("gain")
        self._turn({**off, "gain": gain.low} if gain else off)

    def light(self, factor: float) -> bool:
        if not self.lights:
            return False
        exposure = self._now["exposure_absolute"]
        wanted = {"exposure_absolute": self._exposure(exposure * factor)}
        gain = self._ranges.get("gain")
        if gain and factor > 1 and exposure == self._exposure(self._longest):
            step = max((gain.high - gain.low) / _GAIN_STEPS, 1)
            wanted["gain"] = gain.nearest(self._now["gain"] + step)
        return self._turn(wanted)

    def colour(self, red: float, blue: float) -> bool:
        if self._balance:
            wanted = {"red_balance": red, "blue_balance": blue}
            return self._turn({n: self._ranges[n].nearest(max(self._now[n], 1) * f) for n, f in wanted.items()})
        if not self.colours:
            return False
        warmth = self._ranges["white_balance_temperature"]
        now = self._now["white_balance_temperature"]
        low, high = self._warmth
        # The temperature is that of the light which the camera makes up for: told of a higher one, it adds red.
        self._warmth = low, high = (max(low, now), high) if red > blue else (low, min(high, now))
        return self._turn({"white_balance_temperature": warmth.nearest((low + high) / 2)})

    def arrived(self) -> bool:
        return True

    def fixed(self) -> dict[str, Any]:
        """All of them, also those that were not turned: a camera that was unplugged has forgotten them."""
        now = v4l2_controls.read(self._path)
        return {name: value for name, value in now.items() if name in self._ranges}

    def _turn(self, wanted: Mapping[str, int]) -> bool:
        before = dict(self._now)
        self._now.update(v4l2_controls.write(self._path, wanted))
        return self._now != before

    def _exposure(self, value: float) -> int:
        known = self._ranges["exposure_absolute"]
        return known.nearest(min(value, max(self._longest, known.low)))


def knobs(reader: PiReader | V4l2Reader, fps: float) -> Knobs:
    """Those of an open camera that is to give `fps` pictures a second: no exposure is longer than a picture."""
    return PiKnobs(reader, fps) if isinstance(reader, PiReader) else V4l2Knobs(reader, fps)


def _close(told: Any, wanted: Any) -> bool:
    """Within the steps that a sensor has of its own."""
    if isinstance(wanted, tuple):
        return all(_close(t, w) for t, w in zip(told, wanted, strict=False))
    return abs(told - wanted) <= 0.03 * abs(wanted) + 30 * isinstance(wanted, int)
