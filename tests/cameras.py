"""Cameras for the tests: readers that are handed their pictures, and stand-ins for OpenCV's capture and picamera2."""

from __future__ import annotations

import queue
import sys
import threading
import types

import cv2
import numpy as np

from leuko_edge.live.v4l2node import Node


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


def plug_in(monkeypatch, *paths, **attributes):
    """Make `paths` the machine's cameras, opened as a `Capture` with `attributes`; returns that class."""
    made = type("Capture", (Capture,), {"made": [], **attributes})
    monkeypatch.setattr("leuko_edge.live.v4l2.cv2.VideoCapture", made)
    monkeypatch.setattr("leuko_edge.live.v4l2.ask", lambda path: Node(path, "USB microscope", "uvcvideo", True))
    monkeypatch.setattr("leuko_edge.live.v4l2.candidates", lambda: [str(path) for path in paths])
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


def install(monkeypatch, **attributes):
    """Put a fake picamera2 where it is imported from; returns its Picamera2 class."""
    made = type("Picamera2", (Picamera2,), {"made": [], **attributes})
    module = types.ModuleType("picamera2")
    module.Picamera2 = made
    monkeypatch.setitem(sys.modules, "picamera2", module)
    return made
