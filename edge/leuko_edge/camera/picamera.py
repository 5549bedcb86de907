"""The Raspberry Pi's own camera, through picamera2.

picamera2 comes with the system's packages and is imported only when such a camera is wanted. It is configured once:
each new configuration takes contiguous memory, of which a Pi has little.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..errors import CameraBusy, EnvironmentBroken, Hint, NotInstalled, SourceLost
from .decoding import BUFFERS, to_bgr
from .flat_field import Flattener
from .newest import SOONER, TIMEOUT, TRIES, Newest
from .reader import wall_time
from .tuning import Tuning, usable

INSTALL = (
    "install it with: sudo apt install python3-picamera2, and make the virtual environment with --system-site-packages"
)
ABSENT = "no Raspberry Pi camera was found"
_BUFFERS = 4  # beyond five a Pi can run out of contiguous memory


class OwnCamera(NamedTuple):
    """A camera on one of the Pi's own connectors: its number for Picamera2(), model, and libcamera's name of it."""

    number: int
    model: str
    id: str


class PiCamera(Newest):
    """The first Raspberry Pi camera. `size` is width, height in pixels, `fps` pictures a second; `tuning` is applied
    where it was made for such a camera.

    A control that this camera does not have is left out and named in `describe()`. Entering raises EnvironmentBroken
    where picamera2 is missing or broken and SourceLost where there is no camera or it is in use.
    """

    def __init__(
        self,
        size: tuple[int, int] = (1280, 960),
        fps: float = 30,
        *,
        tuning: Tuning | None = None,
        timeout: float = TIMEOUT,
        tries: int = TRIES,
    ) -> None:
        super().__init__("the Raspberry Pi camera", self._open, timeout=timeout, tries=tries)
        self._tuning = tuning
        self._asked: dict[str, Any] = {"width": size[0], "height": size[1], "fps": fps}
        self._got: dict[str, Any] = {}
        self._id = ""  # of the camera that was opened, to find it again

    def describe(self) -> dict[str, Any]:
        """What the session's record says: the camera, what was asked of it, and what it reports."""
        return {**super().describe(), "kind": "picamera2", "asked": self._asked, **self._got}

    def open_reader(self) -> PiReader:
        """The camera opened for one who reads it himself, as the tuning does."""
        return self._open()

    def _open(self) -> PiReader:
        picamera2 = load()
        found = [camera for camera in own_cameras(picamera2) if self._id in ("", camera.id)]
        if not found:
            raise SourceLost(
                ABSENT,
                "check its ribbon cable (rpicam-hello --list-cameras shows it), or name a USB camera ",
                Hint.NAME_CAMERA,
            )
        number, model, identity = found[0]
        self.name = f"the Raspberry Pi camera {model}"
        camera = opened(picamera2, number, self.name)
        try:
            stream = self._start(camera, model)
        except (RuntimeError, OSError) as error:
            close(camera)
            raise SourceLost(f"{self.name} cannot be started ({_first_line(error)})", "restart the device") from error
        except BaseException:
            close(camera)
            raise
        self._id = identity
        return PiReader(camera, stream, self.name, SOONER * self._timeout)

    def _start(self, camera: Any, model: str) -> dict[str, Any]:
        """Configure once and for all, and start; the main stream's configuration as the camera reports it."""
        tuned = self._tuning is not None and self._tuning.is_for("picamera2", model)
        wishes = dict(self._tuning.controls) if tuned and self._tuning else {}
        frame_us = round(1e6 / self._asked["fps"])
        wishes.setdefault("FrameDurationLimits", (frame_us, frame_us))
        known = {name: value for name, value in wishes.items() if name in camera.camera_controls}
        size = (self._asked["width"], self._asked["height"])
        main = {"size": size, "format": "RGB888"}
        camera.configure(camera.create_video_configuration(main=main, controls=known, buffer_count=_BUFFERS))
        stream = dict(camera.camera_configuration()["main"])
        if stream["format"] not in BUFFERS:
            raise SourceLost(
                f"{self.name} gives pictures in the format {stream['format']}, which cannot be read here: only 8 "
                "bits a colour can",
                "choose another camera, or take out what forces this format",
            )
        camera.start()
        flat, self._untuned = usable(self._tuning, "picamera2", model, stream["size"])
        self._flattener = Flattener(flat) if flat else None
        self._got = {
            "model": model,
            "width": stream["size"][0],
            "height": stream["size"][1],
            "format": stream["format"],
            "controls": known,
            "controls_missing": sorted(set(wishes) - set(known)),
        }
        if tuned and self._tuning:
            self._got["tuned"] = self._tuning.made
        return stream


class PiReader:
    """An open camera; `camera` is picamera2's, `metadata` what libcamera said of the last picture."""

    def __init__(self, camera: Any, stream: Mapping[str, Any], name: str, timeout: float) -> None:
        self.camera = camera
        self.metadata: dict[str, Any] = {}
        self._stream = stream
        self._name = name
        self._timeout = timeout

    def read(self) -> tuple[np.ndarray, float]:
        try:
            request = self.camera.capture_request(wait=self._timeout)
        except (RuntimeError, OSError) as error:  # TimeoutError among them, which a loose cable ends in
            raise SourceLost(
                f"{self._name} stopped giving pictures",
                "switch the device off, check the ribbon cable",
                Hint.START_AGAIN,
            ) from error
        try:
            buffer = request.make_buffer("main")
            self.metadata = request.get_metadata()
        finally:
            request.release()
        stamp = self.metadata.get("SensorTimestamp", 0)  # nanoseconds, CLOCK_BOOTTIME
        return to_bgr(buffer, self._stream), wall_time(stamp / 1e9, time.clock_gettime(time.CLOCK_BOOTTIME))

    def close(self) -> None:
        close(self.camera)


def load() -> Any:
    """The module picamera2; EnvironmentBroken with what to do where it is missing or does not work."""
    os.environ.setdefault("LIBCAMERA_LOG_LEVELS", "*:ERROR")  # its log would be written over the display
    try:
        # By name: it belongs to the system's packages, and nothing of leuko-edge needs it on other machines.
        return importlib.import_module("picamera2")
    except ImportError as error:
        if error.name == "picamera2":
            raise NotInstalled("picamera2, which reads the Raspberry Pi camera, is not installed", INSTALL) from error
        raise _broken(error) from error
    except (OSError, RuntimeError, ValueError, AttributeError) as error:  # built for another NumPy or libcamera
        raise _broken(error) from error


def own_cameras(picamera2: Any) -> list[OwnCamera]:
    """The cameras on the Pi's own connectors; libcamera lists USB ones too."""
    try:
        found = picamera2.Picamera2.global_camera_info()
        manager: Any = getattr(picamera2.Picamera2, "_cm", None)
        if not found and hasattr(manager, "reset"):
            manager.reset()  # picamera2 keeps one libcamera manager, which lists its cameras once: ask a new one
            found = picamera2.Picamera2.global_camera_info()
    except (RuntimeError, OSError) as error:
        raise EnvironmentBroken(f"libcamera cannot be asked for cameras ({_first_line(error)})", INSTALL) from error
    cameras = [OwnCamera(n, str(c.get("Model", "?")), str(c.get("Id", ""))) for n, c in enumerate(found)]
    return [camera for camera in cameras if "/usb" not in camera.id.lower()]


def opened(picamera2: Any, number: int, name: str) -> Any:
    """The Picamera2 of that number; CameraBusy where another program has it."""
    try:
        return picamera2.Picamera2(number)
    except (RuntimeError, OSError, IndexError) as error:  # IndexError: it went away just now
        raise CameraBusy(
            f"{name} cannot be opened: another program uses it, or its cable is loose",
            f"close other camera programs and check the cable ({_first_line(error)})",
        ) from error


def missing() -> str:
    """Why there is no Raspberry Pi camera to use; "" where there is one."""
    try:
        return "" if own_cameras(load()) else ABSENT
    except EnvironmentBroken as error:
        return error.found  # without how to install it: a USB camera may be all that is wanted


def close(camera: Any) -> None:
    """Close also a camera whose last capture never came back: its job is cancelled first, or closing would wait."""
    with contextlib.suppress(RuntimeError, OSError):  # it is gone: nothing is left to be closed
        if hasattr(camera, "cancel_all_and_flush"):
            camera.cancel_all_and_flush()
        camera.close()


def _broken(error: Exception) -> EnvironmentBroken:
    what = f"picamera2, which reads the Raspberry Pi camera, does not work here ({_first_line(error)})"
    return EnvironmentBroken(what, INSTALL)


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
