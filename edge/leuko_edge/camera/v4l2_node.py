"""What a Video4Linux node says of itself before it is opened for pictures: its name, what it does, whether it is free.

OpenCV only says that opening failed; these questions to the kernel tell why. Sources: linux/videodev2.h,
VIDIOC_QUERYCAP, VIDIOC_ENUM_FMT and VIDIOC_REQBUFS of the kernel's userspace API.
"""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..errors import CameraBusy, Hint, SourceLost

BY_ID = "/dev/v4l/by-id"
NODES = "/dev/video"

_QUERYCAP = 0x80685600  # _IOR('V', 0, struct v4l2_capability)
_CAPABILITY = struct.Struct("16s32s32sIII12x")  # driver, card, bus, version, capabilities, device_caps
_REQBUFS = 0xC0145608  # _IOWR('V', 8, struct v4l2_requestbuffers)
_ENUM_FMT = 0xC0405602  # _IOWR('V', 2, struct v4l2_fmtdesc)
_FORMAT = struct.Struct("III32s4s16x")  # index, type, flags, description, four letters
_NO_BUFFERS = struct.pack("5I", 0, 1, 1, 0, 0)  # count 0, VIDEO_CAPTURE, MMAP
_MOST_FORMATS = 64  # no camera has so many; a driver that never ends does not hang us
_VIDEO_CAPTURE, _IO_MC, _DEVICE_CAPS = 0x1, 0x20000000, 0x80000000
# Parts of a Raspberry Pi's own camera chain and its codecs: they capture, but only what they are fed.
_NO_CAMERAS = ("unicam", "rp1-cfe", "bm2835_isp", "bcm2835-isp", "bcm2835-codec", "pispbe", "rpivid", "rpi-hevc-dec")

_WHY = {  # what was found, and its cure
    errno.ENOENT: ("is not there", "check its cable and its name (ls /dev/v4l/by-id)"),
    errno.ENODEV: ("was unplugged", "plug it in again"),
    errno.ENXIO: ("was unplugged", "plug it in again"),
    errno.EACCES: ("may not be opened by this user", "run: sudo usermod -aG video $USER, then log in again"),
    errno.EPERM: (
        "may not be opened by this user or service",
        "allow the device, or run: sudo usermod -aG video $USER",
    ),
    errno.EBUSY: ("is used by another program", "close that one first"),
}
_NO_CAMERA = ("is not a camera", "name one ", Hint.NAME_CAMERA)


@dataclass(frozen=True)
class Node:
    path: str
    card: str  # the camera's name
    driver: str
    camera: bool  # gives pictures of its own; a UVC camera's second node gives only their description


def ask(path: str) -> Node:
    """What is at `path`; SourceLost with the reason where it is no camera or cannot be used now."""
    with _opened(path) as handle:
        node = _node(handle, path)
        if node.camera:
            _ask_whether_free(handle)
        return node


def look(path: str) -> tuple[Node, tuple[str, ...]]:
    """What is at `path`, also while another program uses it, and the four letters of its formats.

    SourceLost with the reason where it is no Video4Linux node or may not be opened.
    """
    with _opened(path) as handle:
        return _node(handle, path), _formats(handle)


@contextmanager
def _opened(path: str) -> Iterator[int]:
    """A handle of the node; whatever the kernel refuses becomes SourceLost with its sentence."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            yield handle
        finally:
            os.close(handle)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        number = error.errno if isinstance(error, OSError) else None
        found, *cure = _WHY.get(number or 0, _NO_CAMERA)
        kind = CameraBusy if number == errno.EBUSY else SourceLost
        raise kind(f"the camera {path} {found}", *cure) from None


def _node(handle: int, path: str) -> Node:
    answer = fcntl.ioctl(handle, _QUERYCAP, bytes(_CAPABILITY.size))
    driver, card, _, _, capabilities, device = _CAPABILITY.unpack(answer)
    return Node(path, _text(card), _text(driver), _is_camera(capabilities, device, _text(driver)))


def _formats(handle: int) -> tuple[str, ...]:
    found: list[str] = []
    try:
        while len(found) < _MOST_FORMATS:
            answer = fcntl.ioctl(handle, _ENUM_FMT, _FORMAT.pack(len(found), _VIDEO_CAPTURE, 0, b"", b""))
            found.append(_text(_FORMAT.unpack(answer)[4]).strip())
    except OSError:  # EINVAL: there are no more
        pass
    return tuple(found)


def _ask_whether_free(handle: int) -> None:
    """OSError EBUSY where another program has the camera's buffers; asking for none changes nothing."""
    try:
        fcntl.ioctl(handle, _REQBUFS, _NO_BUFFERS)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise


def _is_camera(capabilities: int, device: int, driver: str) -> bool:
    here = device if capabilities & _DEVICE_CAPS else capabilities
    return bool(here & _VIDEO_CAPTURE) and not here & _IO_MC and driver not in _NO_CAMERAS


def _text(field: bytes) -> str:
    return field.split(b"\0")[0].decode("utf-8", "replace")


def named(where: str | int) -> str:
    """The path that `where` means: itself, or the by-id name of /dev/videoN, or /dev/videoN."""
    if isinstance(where, str) and not where.isdecimal():
        return where
    path = f"{NODES}{int(where)}"
    stable = (name for name in _by_id() if os.path.realpath(name) == os.path.realpath(path))
    return next(stable, path)


def candidates() -> list[str]:
    """Every node once, those with a stable name first."""
    paths = _by_id()
    known = {os.path.realpath(path) for path in paths}
    numbered = [path for path in glob.glob(f"{glob.escape(NODES)}*") if re.fullmatch(r"\d+", path[len(NODES) :])]
    numbered.sort(key=lambda path: int(path[len(NODES) :]))
    return paths + [path for path in numbered if os.path.realpath(path) not in known]


def _by_id() -> list[str]:
    return sorted(glob.glob(os.path.join(glob.escape(BY_ID), "*")))
