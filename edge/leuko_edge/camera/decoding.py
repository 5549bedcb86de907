"""Pictures as cameras hand them over, made into BGR: by the format that was reported, never by the one asked for.

libcamera's format names are those of DRM, read from the highest byte down: what it calls RGB888 lies in memory as
B, G, R.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from ..native_stderr import decoder_messages
from ..sources.decoder_complaints import jpeg_damage
from .reader import Damaged

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
BUFFERS = (*_PACKED, *_PLANAR, "MJPEG")
"""The formats that `to_bgr` knows."""


def to_bgr(buffer: np.ndarray, stream: Mapping[str, Any]) -> np.ndarray:
    """(h, w, 3) uint8 BGR of a stream's flat uint8 `buffer`; `stream` has its format, size (w, h) and stride (bytes a
    row). Damaged where the buffer does not hold it."""
    form, (width, height), stride = stream["format"], stream["size"], stream["stride"]
    if form == "MJPEG":
        return decode_jpeg(buffer.tobytes())
    lines = height * 3 // 2 if form in _PLANAR else height
    if buffer.size < lines * stride:
        raise Damaged("a picture was cut on its way")
    rows = buffer[: lines * stride].reshape(lines, stride)  # behind the last line there may be padding
    if form in _PLANAR:
        return np.ascontiguousarray(cv2.cvtColor(rows, _PLANAR[form])[:, :width])
    depth, conversion = _PACKED[form]
    pixels = np.ascontiguousarray(rows[:, : width * depth]).reshape(height, width, depth)
    return pixels if conversion is None else cv2.cvtColor(pixels, conversion)


def decode_jpeg(data: bytes) -> np.ndarray:
    """(h, w, 3) uint8 BGR of one picture of an MJPG camera; Damaged where any of it is missing.

    Unlike a file's, a camera's picture may be grey (a dark field) and may leave its Huffman tables out.
    """
    if not data.startswith(b"\xff\xd8") or data.rfind(b"\xff\xd9") < 0:
        raise Damaged("a picture was cut on its way")
    with decoder_messages() as messages:
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if bgr is None or jpeg_damage(b"".join(messages), data):
        raise Damaged("a picture arrived with errors")
    return bgr
