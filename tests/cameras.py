"""Cameras for the tests: readers that are handed their pictures, stand-ins for OpenCV's capture and picamera2, and a
microscope whose exposure and colours act on the picture, as each of the two sees it."""

from __future__ import annotations

import errno
import fcntl
import os
import queue
import sys
import threading
import types
from collections import deque

import cv2
import numpy as np

from leuko_edge.camera import v4l2_controls
from leuko_edge.camera.flat_field import FlatField
from leuko_edge.camera.tuning import Tuning
from leuko_edge.camera.v4l2_node import Node
from leuko_edge.errors import SourceLost
from leuko_edge.simulate import Camera


def picture(seed: int = 0, width: int = 160, height: int = 120) -> np.ndarray:
    """(height, width, 3) uint8 BGR with a sensor's noise, smooth enough for JPEG."""
    noise = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)


class HandedReader:
    """Gives what the test hands over, pictures or exceptions, and blocks meanwhile, as a camera does."""

    def __init__(self):
        self._queue = queue.Queue()
        self._asked = threading.Semaphore(0)  # once for each call of read, and for close
        self.closed = 0

    def read(self):
        self._asked.release()
        taken = self._queue.get()
        if isinstance(taken, BaseException):
            raise taken
        return taken, 1000.0

    def close(self):
        self.closed += 1
        self._asked.release(100)  # nobody waits for it any more

    def hand(self, *pictures):
        """Returns when the thread has dealt with each of them and asks for more, or has ended."""
        for taken in pictures:
            if not self.closed:
                assert self._asked.acquire(timeout=10)
                self._queue.put(taken)
        assert self._asked.acquire(timeout=10)
        self._asked.release()

    def hand_later(self, taken):
        self._queue.put(taken)


class Capture:
    """What cv2.VideoCapture is to a V4L2 camera. Set the class attributes before it is opened."""

    opens = True
    fourcc = "MJPG"
    size = (160, 120)
    gives: tuple = ()  # what retrieve() returns, one after the other; then grab() fails
    stamp_ms = 0.0
    made: list = []  # noqa: RUF012 - shared on purpose: the test looks at what was opened

    def __init__(self, path, backend):
        assert backend == cv2.CAP_V4L2
        self.path, self.sets, self.released = path, [], False
        self._gives = iter(self.gives)
        self.made.append(self)

    def isOpened(self):
        return self.opens

    def set(self, prop, value):
        self.sets.append((prop, value))
        return True

    def get(self, prop):
        return {
            cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*self.fourcc.ljust(4)),
            cv2.CAP_PROP_FRAME_WIDTH: self.size[0],
            cv2.CAP_PROP_FRAME_HEIGHT: self.size[1],
            cv2.CAP_PROP_FPS: 25.0,
            cv2.CAP_PROP_BUFFERSIZE: 4.0,
            cv2.CAP_PROP_POS_MSEC: self.stamp_ms,
        }[prop]

    def grab(self):
        self._next = next(self._gives, None)
        return self._next is not None

    def retrieve(self):
        return True, self._next

    def release(self):
        self.released = True


def plug_in(monkeypatch, *paths, base=Capture, card="USB microscope", **attributes):
    """Make `paths` the machine's cameras, opened as a `base` with `attributes`; returns that class.

    One whose file is deleted is unplugged.
    """
    made = type("Capture", (base,), {"made": [], **attributes})

    def ask(path):
        if not os.path.exists(path):
            raise SourceLost(f"the camera {path} is not there")
        return Node(path, card, "uvcvideo", True)

    monkeypatch.setattr("leuko_edge.camera.v4l2.cv2.VideoCapture", made)
    monkeypatch.setattr("leuko_edge.camera.v4l2.ask", ask)
    monkeypatch.setattr("leuko_edge.camera.v4l2.look", lambda path: (ask(path), ("MJPG",)))
    monkeypatch.setattr("leuko_edge.camera.v4l2.candidates", lambda: [str(path) for path in paths if path.exists()])
    for path in paths:
        path.touch()
    return made


def jpeg(bgr: np.ndarray) -> np.ndarray:
    """(1, n) uint8: a picture as OpenCV's capture gives it unconverted."""
    return cv2.imencode(".jpg", bgr)[1].reshape(1, -1)


class Request:
    def __init__(self, camera, buffer):
        self._camera, self._buffer = camera, buffer

    def make_buffer(self, stream):
        assert stream == "main"
        return self._buffer

    def get_metadata(self):
        return {"SensorTimestamp": self._camera.stamp_ns}

    def release(self):
        self._camera.held -= 1


class Picamera2:
    """What picamera2.Picamera2 is to `picamera`; `install` makes one with other attributes importable."""

    cameras: tuple = ({"Model": "imx708", "Id": "/base/soc/i2c0mux/i2c@1/imx708@1a"},)
    controls: dict = {}  # noqa: RUF012
    stream: dict = {}  # noqa: RUF012 - what the configuration reports
    buffers: tuple = ()
    fails: Exception | None = None
    ends: Exception = TimeoutError()
    stamp_ns = 0
    made: list = []  # noqa: RUF012

    @classmethod
    def global_camera_info(cls):
        return list(cls.cameras)

    def __init__(self, number):
        self.number, self.held, self.calls = number, 0, []
        self.made.append(self)
        if self.fails:
            raise self.fails
        self._buffers = iter(self.buffers)

    @property
    def camera_controls(self):
        return self.controls

    def create_video_configuration(self, main, controls, buffer_count):
        return {"main": main, "controls": controls, "buffer_count": buffer_count}

    def configure(self, wished):
        self.wished = wished

    def camera_configuration(self):
        return {"main": self.stream or {**self.wished["main"], "stride": self.wished["main"]["size"][0] * 3}}

    def start(self):
        self.calls.append("start")

    def set_controls(self, wished):
        unknown = set(wished) - set(self.controls)
        if unknown:  # as picamera2 does
            raise RuntimeError(f"Control {unknown} is not advertised by libcamera")
        self.calls.append("set")

    def capture_request(self, wait):
        assert wait > 0 and self.held == 0, "a request was not released"
        buffer = next(self._buffers, None)
        if buffer is None:
            raise self.ends
        self.held += 1
        return Request(self, buffer)

    def cancel_all_and_flush(self):
        self.calls.append("cancel")

    def close(self):
        self.calls.append("close")


def install(monkeypatch, base=Picamera2, **attributes):
    """Put a fake picamera2 where it is imported from, its class a `base` with `attributes`; returns that class."""
    made = type("Picamera2", (base,), {"made": [], **attributes})
    module = types.ModuleType("picamera2")
    module.Picamera2 = made
    monkeypatch.setitem(sys.modules, "picamera2", module)
    return made


def tuned(kind, camera, controls=None, size=(160, 120), levels=None) -> Tuning:
    """A tuning with a flat field of `levels`, by default one that changes nothing."""
    flat = FlatField(np.full((12, 16, 3), 200, np.float32) if levels is None else levels)
    return Tuning(kind, camera, size, controls or {}, flat, "2026-11-23T12:00:00+00:00", "leuko-edge 0")


class Scope:
    """An empty field under a lamp. `lamp` is the light of an exposure of 1 ms without gain, levels; `cast` the share of
    it in blue, green and red; `cells` the share of the field that red cells cover."""

    def __init__(self, size=(320, 240), lamp=20.0, cast=(0.6, 1.0, 0.8), cells=0.0, vignette=0.15, noise=1.0):
        width, height = size
        self.size, self.lamp, self.noise = size, lamp, noise
        self._rng = np.random.default_rng(5)
        self.share = Camera(vignette=vignette).illumination(height, width)[..., None] * np.array(cast, np.float32)
        stained = np.ones((height, width, 3), np.float32)
        while (stained[..., 1] < 1).mean() < cells:
            at = tuple(int(self._rng.integers(0, side)) for side in size)
            cv2.circle(stained, at, height // 24, (0.6, 0.5, 0.9), -1)
        self._light = self.share * stained

    def picture(self, ms=1.0, gain=1.0, red=1.0, blue=1.0):
        """(h, w, 3) uint8 BGR; noise grows with the gain."""
        levels = self._light * np.array([blue, 1, red], np.float32) * np.float32(self.lamp * ms * gain)
        noise = self._rng.standard_normal(levels.shape, np.float32) * np.float32(self.noise * gain**0.5)
        return np.clip(np.rint(levels + noise), 0, 255).astype(np.uint8)


class ScopePi(Picamera2):
    """A `scope` seen by a Raspberry Pi camera: automatics that wander until they are switched off, and four pictures on
    their way when something is set."""

    scope = Scope()
    controls: dict = {  # noqa: RUF012
        "AeEnable": (False, True, True),
        "AwbEnable": (False, True, True),
        "ExposureTime": (60, 66_000, 20_000),
        "AnalogueGain": (1.0, 16.0, 1.0),
        "ColourGains": (0.0, 32.0, None),
        "FrameDurationLimits": (16_000, 1_000_000, None),
    }

    def __init__(self, number):
        super().__init__(number)
        self._wanted = {"AeEnable": True, "AwbEnable": True}
        self._coming = deque(maxlen=4)
        self._taken = 0

    def configure(self, wished):
        super().configure(wished)
        self.set_controls(wished["controls"])

    def set_controls(self, wished):
        super().set_controls(wished)
        self._wanted.update(wished)

    def capture_request(self, wait):
        self._taken += 1
        now = {"ExposureTime": 4_000, "AnalogueGain": 2.0, "ColourGains": (1.2, 1.1), **self._wanted}
        wander = 1 + 0.02 * np.sin(self._taken)
        if now["AeEnable"]:
            now.update(ExposureTime=round(4_000 * wander), AnalogueGain=2.0)
        if now["AwbEnable"]:
            now["ColourGains"] = (1.2 * wander, 1.1)
        self._coming.append({name: value for name, value in now.items() if name in self.controls})
        told = self._coming[0]
        red, blue = told.get("ColourGains", (1.0, 1.0))
        bgr = self.scope.picture(told.get("ExposureTime", 8_000) / 1000, told.get("AnalogueGain", 1.0), red, blue)
        self.held += 1
        request = Request(self, bgr.ravel())
        request.get_metadata = lambda: {"SensorTimestamp": 0, **told}
        return request


class Kernel:
    """A Video4Linux camera's settings: `known` is name -> [least, most, step, present value]. Replaces fcntl.ioctl."""

    UVC = {  # noqa: RUF012 - as a usual USB microscope answers
        "exposure_auto": [0, 3, 1, 3],
        "exposure_absolute": [1, 5000, 1, 157],
        "gain": [0, 64, 1, 20],
        "white_balance_automatic": [0, 1, 1, 1],
        "white_balance_temperature": [2800, 6500, 10, 4600],
        "power_line_frequency": [0, 2, 1, 1],
    }

    def __init__(self, monkeypatch, known=UVC):
        self.known = {name: list(values) for name, values in known.items()}
        self.refuses = set()
        self.written = []
        monkeypatch.setattr(fcntl, "ioctl", self._ioctl)

    def __getitem__(self, name):
        return self.known[name][3]

    def _ioctl(self, handle, request, argument):
        number = int.from_bytes(argument[:4], "little")
        name = next((name for name, known in v4l2_controls.IDS.items() if known == number), None)
        if name not in self.known:
            raise OSError(errno.EINVAL, "no such control")
        least, most, step, value = self.known[name]
        if request == v4l2_controls._QUERYCTRL:
            return v4l2_controls._QUERY.pack(number, 1, name.encode(), least, most, step, value, 0)
        if request == v4l2_controls._S_CTRL:
            value = v4l2_controls._CONTROL.unpack(argument)[1]
            automatic = {"exposure_absolute": "exposure_auto", "white_balance_temperature": "white_balance_automatic"}
            on = self.known.get(automatic.get(name), [0, 0, 0, 0])[3] not in (0, v4l2_controls.MANUAL)
            if on or (name == "white_balance_temperature" and self.known["white_balance_automatic"][3]):
                raise OSError(errno.EACCES, "an automatic has it")
            if name in self.refuses or not least <= value <= most:
                raise OSError(errno.ERANGE, "out of range")
            self.known[name][3] = value
            self.written.append((name, value))
        return v4l2_controls._CONTROL.pack(number, value)


class ScopeCapture(Capture):
    """A `scope` seen by a USB camera with the settings of `kernel`, four pictures later."""

    scope = Scope()
    kernel: Kernel
    fourcc = "YUYV"

    def __init__(self, path, backend):
        super().__init__(path, backend)
        self.size = self.scope.size
        self._coming = deque(maxlen=4)

    def grab(self):
        self._coming.append({name: values[3] for name, values in self.kernel.known.items()})
        now = self._coming[0]
        kelvin = now.get("white_balance_temperature", 4600)
        red, blue = now.get("red_balance", 100) / 100, now.get("blue_balance", 100) / 100
        warmth = kelvin / 4600
        ms = now.get("exposure_absolute", 80) / 10
        self._next = self.scope.picture(ms, 1 + now.get("gain", 0) / 16, red * warmth, blue / warmth)
        return True
