"""The Raspberry Pi's own camera, through picamera2.

picamera2 comes with the system's packages and is imported only when such a camera is wanted. Its format names are
those of DRM, read from the highest byte down: what it calls RGB888 lies in memory as B, G, R. So pictures are
converted by the format that the configuration reports, never by the one that was asked for.
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from ..errors import EnvironmentBroken
from .newest import TIMEOUT, Damaged, Newest, Reader, wall_time
from .state import SourceLost

INSTALL = (
    "install it with: sudo apt install python3-picamera2, and make the virtual environment with --system-site-packages"
)
ABSENT = "no Raspberry Pi camera was found"
_BUFFERS = 4  # beyond five a Pi can run out of contiguous memory

# For each format: bytes a pixel in a row of the buffer, and OpenCV's conversion to BGR (None: it is BGR).
_PACKED: dict[str, tuple[int, int | None]] = {
    "RGB888": (3, None),
    "BGR888": (3, cv2.COLOR_RGB2BGR),
    "XRGB8888": (4, cv2.COLOR_BGRA2BGR),
    "XBGR8888": (4, cv2.COLOR_RGBA2BGR),
    "YUYV": (2, cv2.COLOR_YUV2BGR_YUYV),
    "UYVY": (2, cv2.COLOR_YUV2BGR_UYVY),
}
_PLANAR = {  # a plane of brightness, then half as many bytes of colour
    "YUV420": cv2.COLOR_YUV2BGR_I420,
    "YVU420": cv2.COLOR_YUV2BGR_YV12,
    "NV12": cv2.COLOR_YUV2BGR_NV12,
    "NV21": cv2.COLOR_YUV2BGR_NV21,
}


class PiCamera(Newest):
    """The first Raspberry Pi camera. `size` is width, height in pixels, `fps` pictures a second.

    `controls` are libcamera's (ExposureTime in µs, AnalogueGain, ColourGains, AeEnable, …), for microscopes whose light
    is known; one that this camera does not have is left out and named in `describe()`. Entering raises
    EnvironmentBroken where picamera2 is missing or broken and SourceLost where there is no camera or it is in use.
    """

    def __init__(
        self,
        size: tuple[int, int] = (1280, 960),
        fps: float = 30,
        controls: Mapping[str, Any] | None = None,
        *,
        timeout: float = TIMEOUT,
    ) -> None:
        super().__init__("the Raspberry Pi camera", self._open, timeout=timeout)
        self._asked: dict[str, Any] = {"width": size[0], "height": size[1], "fps": fps}
        self._controls = dict(controls or {})
        self._got: dict[str, Any] = {}

    def describe(self) -> dict[str, Any]:
        """What the session's record says: the camera, what was asked of it, and what it reports."""
        return {"kind": "picamera2", "name": self.name, "asked": self._asked, **self._got}

    def _open(self) -> Reader:
        picamera2 = load()
        found = own_cameras(picamera2)
        if not found:
            raise SourceLost(
                f"{ABSENT}; check its ribbon cable (rpicam-hello --list-cameras shows it), or name a USB camera with "
                "--camera PATH"
            )
        number, model = found[0]
        self.name = f"the Raspberry Pi camera {model}"
        try:
            camera = picamera2.Picamera2(number)
        except (RuntimeError, OSError, IndexError) as error:  # IndexError: it went away just now
            raise SourceLost(
                f"{self.name} cannot be opened: another program uses it, or its cable is loose; close other camera "
                f"programs and check the cable ({_first_line(error)})"
            ) from error
        try:
            stream = self._start(camera)
        except (RuntimeError, OSError) as error:
            _close(camera)
            raise SourceLost(f"{self.name} cannot be started ({_first_line(error)}); restart the device") from error
        except BaseException:
            _close(camera)
            raise
        return _PiReader(camera, stream, self.name, self._timeout)

    def _start(self, camera: Any) -> dict[str, Any]:
        """Configure once and for all, and start; the main stream's configuration as the camera reports it."""
        wishes = dict(self._controls)
        frame_us = round(1e6 / self._asked["fps"])
        wishes.setdefault("FrameDurationLimits", (frame_us, frame_us))
        known = {name: value for name, value in wishes.items() if name in camera.camera_controls}
        size = (self._asked["width"], self._asked["height"])
        main = {"size": size, "format": "RGB888"}
        camera.configure(camera.create_video_configuration(main=main, controls=known, buffer_count=_BUFFERS))
        stream = dict(camera.camera_configuration()["main"])
        if stream["format"] not in (*_PACKED, *_PLANAR, "MJPEG"):
            raise SourceLost(f"{self.name} gives pictures in the format {stream['format']}, which cannot be read here")
        camera.start()
        self._got = {
            "width": stream["size"][0],
            "height": stream["size"][1],
            "format": stream["format"],
            "controls": known,
            "controls_missing": sorted(set(wishes) - set(known)),
        }
        return stream


class _PiReader:
    def __init__(self, camera: Any, stream: Mapping[str, Any], name: str, timeout: float) -> None:
        self._camera = camera
        self._stream = stream
        self._name = name
        self._timeout = timeout

    def read(self) -> tuple[np.ndarray, float]:
        try:
            request = self._camera.capture_request(wait=self._timeout)
        except (RuntimeError, OSError) as error:  # TimeoutError among them, which a loose cable ends in
            raise SourceLost(
                f"{self._name} stopped giving pictures; switch the device off, check the ribbon cable, and start again"
            ) from error
        try:
            buffer = request.make_buffer("main")
            stamp = request.get_metadata().get("SensorTimestamp", 0)  # nanoseconds, CLOCK_BOOTTIME
        finally:
            request.release()
        return to_bgr(buffer, self._stream), wall_time(stamp / 1e9, time.clock_gettime(time.CLOCK_BOOTTIME))

    def close(self) -> None:
        _close(self._camera)


def load() -> Any:
    """The module picamera2; EnvironmentBroken with what to do where it is missing or does not work."""
    os.environ.setdefault("LIBCAMERA_LOG_LEVELS", "*:ERROR")  # its log would be written over the display
    try:
        # By name: it belongs to the system's packages, and nothing of leuko-edge needs it on other machines.
        return importlib.import_module("picamera2")
    except ImportError as error:
        missing = error.name == "picamera2"
        what = "is not installed" if missing else f"does not work here ({_first_line(error)})"
        raise EnvironmentBroken(f"picamera2, which reads the Raspberry Pi camera, {what}; {INSTALL}") from error
    except (OSError, RuntimeError, ValueError, AttributeError) as error:  # built for another NumPy or libcamera
        raise EnvironmentBroken(
            f"picamera2, which reads the Raspberry Pi camera, does not work here ({_first_line(error)}); {INSTALL}"
        ) from error


def own_cameras(picamera2: Any) -> list[tuple[int, str]]:
    """(number for Picamera2(), model) of the cameras on the Pi's own connectors; libcamera lists USB ones too."""
    try:
        found = picamera2.Picamera2.global_camera_info()
    except (RuntimeError, OSError) as error:
        raise EnvironmentBroken(f"libcamera cannot be asked for cameras ({_first_line(error)}); {INSTALL}") from error
    return [(n, str(c.get("Model", "?"))) for n, c in enumerate(found) if "/usb" not in str(c.get("Id", "")).lower()]


def missing() -> str:
    """Why there is no Raspberry Pi camera to use; "" where there is one."""
    try:
        return "" if own_cameras(load()) else ABSENT
    except EnvironmentBroken as error:
        return str(error).partition(";")[0]  # without how to install it: a USB camera may be all that is wanted


def to_bgr(buffer: np.ndarray, stream: Mapping[str, Any]) -> np.ndarray:
    """(h, w, 3) uint8 BGR of a stream's flat uint8 `buffer`; `stream` has its format, size (w, h) and stride (bytes a
    row). Damaged where the buffer does not hold it."""
    form, (width, height), stride = stream["format"], stream["size"], stream["stride"]
    if form == "MJPEG":
        bgr = cv2.imdecode(buffer, cv2.IMREAD_COLOR)
        if bgr is None:
            raise Damaged("a picture arrived with errors")
        return bgr
    lines = height * 3 // 2 if form in _PLANAR else height
    if buffer.size < lines * stride:
        raise Damaged("a picture was cut on its way")
    rows = buffer[: lines * stride].reshape(lines, stride)  # behind the last line there may be padding
    if form in _PLANAR:
        return np.ascontiguousarray(cv2.cvtColor(rows, _PLANAR[form])[:, :width])
    depth, conversion = _PACKED[form]
    pixels = np.ascontiguousarray(rows[:, : width * depth]).reshape(height, width, depth)
    return pixels if conversion is None else cv2.cvtColor(pixels, conversion)


def _close(camera: Any) -> None:
    """Close also a camera whose last capture never came back: its job is cancelled first, or closing would wait."""
    if hasattr(camera, "cancel_all_and_flush"):
        camera.cancel_all_and_flush()
    camera.close()


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
