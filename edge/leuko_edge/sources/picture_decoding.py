"""The bytes of a picture file become (h, w, 3) uint8 BGR, or the reason why they cannot be used.

A decoder fills up what is damaged and goes on, so nothing that one complained about is used, and what can be checked
by lengths and checksums is checked before.
"""

from __future__ import annotations

import os
import stat

import cv2
import numpy as np

from ..errors import PictureError, Reason
from ..native_stderr import decoder_messages
from . import decoder_complaints, memory, opencv, other_formats, tiff_blocks, tiff_reading
from .picture_container import DAMAGED, GREY, MAX_PIXELS, Header, check_size, inspect

MAX_BYTES = MAX_PIXELS * 8 + 2**26  # four 16-bit channels uncompressed, and room for what cameras add
GREY_SPREAD = 2  # grey values; what is left between the channels of a grey picture saved in colour
FEW = 8  # every so many pixels along a side are looked at first
HOT_SHARE = 1e-4  # of the values; as many may lie beyond the camera's range, and tell nothing of it
NO_MEMORY = "there is not enough memory for a picture of this size"


def read_picture(path: str | os.PathLike[str], number: int = 0) -> np.ndarray:
    """(h, w, 3) uint8 BGR of a JPEG, PNG, TIFF or BMP file; PictureError with the reason where it cannot be used.

    `number` is which of the fields of a TIFF with several, from 0. HEIC, AVIF and WebP are read where Pillow is there.
    """
    try:
        # O_NONBLOCK: a named pipe would otherwise wait for a writer for ever.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise PictureError("not a regular file", reason=Reason.UNREADABLE)
            data = stream.read(MAX_BYTES + 1)
    except MemoryError:
        raise PictureError(NO_MEMORY, reason=Reason.NO_MEMORY) from None
    except (OSError, ValueError) as error:
        raise unreadable(error) from None
    if len(data) > MAX_BYTES:
        raise PictureError(f"the file is too large: over {MAX_BYTES // 10**6} MB", reason=Reason.TOO_LARGE)
    return decode(data, number)


def decode(data: bytes, number: int = 0) -> np.ndarray:
    """(h, w, 3) uint8 BGR of an encoded picture's bytes; PictureError where they cannot be used."""
    try:
        kind = other_formats.kind(data)
        if kind is not None:
            return _colour(other_formats.read(data, kind, _check))
        header = inspect(data, number)
        memory.for_pixels(header.width, header.height)
        return _colour(_eight_bit(_pixels(data, header)))
    except MemoryError:
        raise PictureError(NO_MEMORY, reason=Reason.NO_MEMORY) from None


def _check(width: int, height: int) -> None:
    check_size(width, height)
    memory.for_pixels(width, height)


def _pixels(data: bytes, header: Header) -> np.ndarray:
    """As stored, every channel; PictureError where anything of them is missing or was repaired."""
    stored: bytes | bytearray = data
    if header.page is not None:
        by_tifffile = tiff_reading.needs_tifffile(header.page)
        if not tiff_blocks.is_whole(data, header.page):
            raise PictureError(*DAMAGED, reason=Reason.DAMAGED)
        if by_tifffile:
            return tiff_reading.read(data, header.page)
        stored = tiff_reading.for_opencv(data, header.page, header.first)
    try:
        with opencv.outspoken(), decoder_messages() as messages:
            pixels = cv2.imdecode(np.frombuffer(stored, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError from None
        raise PictureError(*DAMAGED, reason=Reason.DAMAGED) from None
    said = b"".join(messages)
    if pixels is None and decoder_complaints.memory(said):
        raise MemoryError
    if pixels is None or decoder_complaints.damage(said, data):
        raise PictureError(*DAMAGED, reason=Reason.DAMAGED)
    if pixels.shape[:2] != (header.height, header.width):
        raise PictureError(*DAMAGED, reason=Reason.DAMAGED)
    return pixels


def _eight_bit(pixels: np.ndarray) -> np.ndarray:
    """Colour channels of uint8 or uint16 `pixels` as uint8; alpha dropped, 16-bit scaled by range."""
    if pixels.dtype not in (np.uint8, np.uint16):
        raise PictureError(
            f"the picture's values are {pixels.dtype}", "save it with 8 or 16 bits a channel", reason=Reason.LAYOUT
        )
    if pixels.ndim == 3 and pixels.shape[2] > 3:
        pixels = np.ascontiguousarray(pixels[:, :, :3])
    if pixels.dtype == np.uint8:
        return pixels
    bits = _used_bits(pixels)
    np.minimum(pixels, (1 << bits) - 1, out=pixels)
    return np.right_shift(pixels, bits - 8, out=pixels).astype(np.uint8)


def _used_bits(pixels: np.ndarray) -> int:
    """The smallest of 8, 10, 12, 14 and 16 bits that holds all of uint16 `pixels` but a few hot ones."""
    used = int(pixels.max()).bit_length()
    hot = max(3, int(HOT_SHARE * pixels.size))
    for depth in (8, 10, 12, 14):
        if used <= depth or np.count_nonzero(pixels >> depth) <= hot:
            return depth
    return 16


def _colour(pixels: np.ndarray) -> np.ndarray:
    """`pixels` where they are (h, w, 3) and coloured; PictureError for grey in one channel or in three equal
    ones."""
    if pixels.ndim == 3 and pixels.shape[2] == 3 and has_colour(pixels):
        return pixels
    raise PictureError(*GREY, reason=Reason.GREY)


def has_colour(pixels: np.ndarray) -> bool:
    """Whether the channels of (h, w, 3) uint8 `pixels` differ anywhere."""
    step = max(1, int((pixels.size / 3e6) ** 0.5))  # about a million pixels tell
    # Where there is colour, it is nearly everywhere: a look at a few of them is enough.
    return _differ(pixels[:: FEW * step, :: FEW * step]) or _differ(pixels[::step, ::step])


def _differ(pixels: np.ndarray) -> bool:
    blue, green, red = cv2.split(np.ascontiguousarray(pixels))
    apart = ((blue, green), (green, red), (red, blue))
    return max(cv2.norm(one, other, cv2.NORM_INF) for one, other in apart) > GREY_SPREAD


def unreadable(error: OSError | ValueError) -> PictureError:
    """The system's reason why a path cannot be read, for people."""
    if isinstance(error, FileNotFoundError):
        return PictureError("there is no such file or folder", reason=Reason.ABSENT)
    if isinstance(error, PermissionError):
        return PictureError("it may not be read (permission denied)", reason=Reason.UNREADABLE)
    return PictureError(f"it cannot be read ({getattr(error, 'strerror', None) or error})", reason=Reason.UNREADABLE)
