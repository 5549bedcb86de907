"""A Video4Linux camera's settings by name: what it has, what they are, and setting them.

OpenCV's properties for them mean different things in different versions, so the kernel is asked. Sources:
linux/videodev2.h and linux/v4l2-controls.h, VIDIOC_QUERYCTRL, VIDIOC_G_CTRL and VIDIOC_S_CTRL.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

_QUERYCTRL = 0xC0445624  # _IOWR('V', 36, struct v4l2_queryctrl)
_QUERY = struct.Struct("II32siiiiI8x")  # id, type, name, minimum, maximum, step, default, flags
_G_CTRL = 0xC008561B  # _IOWR('V', 27, struct v4l2_control)
_S_CTRL = 0xC008561C
_CONTROL = struct.Struct("Ii")  # id, value
_DISABLED, _READ_ONLY, _WRITE_ONLY = 0x1, 0x4, 0x40  # V4L2_CTRL_FLAG_…

IDS = {
    "exposure_auto": 0x009A0901,
    "white_balance_automatic": 0x0098090C,
    "autogain": 0x00980912,
    "focus_auto": 0x009A090C,
    "power_line_frequency": 0x00980918,
    "exposure_absolute": 0x009A0902,  # in 100 µs
    "gain": 0x00980913,
    "white_balance_temperature": 0x0098091A,  # kelvin
    "red_balance": 0x0098090E,
    "blue_balance": 0x0098090F,
    "focus_absolute": 0x009A090A,
}
"""Automatics first: what they govern can be set only when they are off."""

MANUAL = 1  # of exposure_auto; V4L2_EXPOSURE_MANUAL
OFF = {"exposure_auto": MANUAL, "white_balance_automatic": 0, "autogain": 0, "focus_auto": 0}


@dataclass(frozen=True)
class Range:
    """What a control can be: from `low` to `high` in steps of `step`."""

    low: int
    high: int
    step: int
    default: int

    def nearest(self, value: float) -> int:
        """The value that can be set which is nearest to `value`."""
        step = max(self.step, 1)
        steps = round((min(max(value, self.low), self.high) - self.low) / step)
        return min(self.low + steps * step, self.low + (self.high - self.low) // step * step)


def ranges(path: str) -> dict[str, Range]:
    """Those of `IDS` that the camera at `path` has and that can be set; none where it cannot be asked."""
    found = {}
    with _opened(path) as handle:
        for name, number in IDS.items():
            try:
                asked = _QUERY.pack(number, 0, b"", 0, 0, 0, 0, 0)
                _, _, _, low, high, step, default, flags = _QUERY.unpack(fcntl.ioctl(handle, _QUERYCTRL, asked))
            except OSError:  # EINVAL: it has none
                continue
            if not flags & (_DISABLED | _READ_ONLY | _WRITE_ONLY):
                found[name] = Range(low, high, step, default)
    return found


def read(path: str) -> dict[str, int]:
    """The present value of each control in `IDS` that the camera at `path` has."""
    values = {}
    with _opened(path) as handle:
        for name, number in IDS.items():
            try:
                values[name] = _CONTROL.unpack(fcntl.ioctl(handle, _G_CTRL, _CONTROL.pack(number, 0)))[1]
            except OSError:
                continue
    return values


def write(path: str, values: Mapping[str, int]) -> dict[str, int]:
    """Set what the camera at `path` takes of `values`, automatics first; what it says it has now of them.

    A control that it has not, or refuses at the moment, is left as it is: the answer tells.
    """
    with _opened(path) as handle:
        for name, number in IDS.items():
            if name in values:
                try:
                    fcntl.ioctl(handle, _S_CTRL, _CONTROL.pack(number, values[name]))
                except OSError:
                    continue
    now = read(path)
    return {name: now[name] for name in values if name in now}


@contextmanager
def _opened(path: str) -> Iterator[int]:
    """A second handle beside the one that takes pictures, which V4L2 allows; OSError where the camera is gone."""
    handle = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield handle
    finally:
        os.close(handle)
