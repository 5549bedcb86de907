"""The bytes of a picture file become (h, w, 3) uint8 BGR, or the reason why they cannot be used."""

from __future__ import annotations

import os
import re
import stat
import struct

import cv2
import numpy as np

from ..errors import PictureError
from ..native_stderr import decoder_messages
from .picture_container import MAX_PIXELS, Header, inspect

MAX_BYTES = MAX_PIXELS * 8 + 2**26  # four 16-bit channels uncompressed, and room for what cameras add


GREY_SPREAD = 2  # grey values; what is left between the channels of a grey picture saved in colour


DAMAGED = "the file is damaged: the picture in it cannot be decoded; copy it again from where it came"


NO_MEMORY = "there is not enough memory for a picture of this size"


# libjpeg repairs what it can and only prints that it did. Stray bytes before a marker are harmless (some
# cameras).
REPAIRED = re.compile(rb"Corrupt JPEG data(?!: \d+ extraneous)|Premature end|Unsupported marker|Huffman")


def read_picture(path: str | os.PathLike[str]) -> np.ndarray:
    """(h, w, 3) uint8 BGR of a JPEG, PNG, TIFF or BMP file; PictureError with the reason where it cannot be
    used."""
    try:
        # O_NONBLOCK: a named pipe would otherwise wait for a writer for ever.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise PictureError("not a regular file")
            data = stream.read(MAX_BYTES + 1)
    except MemoryError:
        raise PictureError(NO_MEMORY) from None
    except (OSError, ValueError) as error:
        raise PictureError(_why(error)) from None
    if len(data) > MAX_BYTES:
        raise PictureError(f"the file is too large: over {MAX_BYTES // 10**6} MB")
    return decode(data)


def decode(data: bytes) -> np.ndarray:
    """(h, w, 3) uint8 BGR of an encoded picture's bytes; PictureError where they cannot be used."""
    header = inspect(data)
    try:
        with decoder_messages() as messages:
            pixels = cv2.imdecode(np.frombuffer(_upright(data, header), np.uint8), cv2.IMREAD_UNCHANGED)
        if pixels is None or REPAIRED.search(b"".join(messages)):
            raise PictureError(DAMAGED)
        if pixels.shape[:2] != (header.height, header.width):
            raise PictureError(DAMAGED)
        return _colour(_eight_bit(pixels))
    except MemoryError:
        raise PictureError(NO_MEMORY) from None
    except cv2.error as error:
        raise PictureError(NO_MEMORY if error.code == cv2.Error.StsNoMem else DAMAGED) from None


def _upright(data: bytes, header: Header) -> bytes | bytearray:
    """OpenCV turns TIFF pictures by their orientation tag whatever it is asked; so the tag says 1, as
    stored."""
    at = header.orientation_at
    if at is None:
        return data
    stored = bytearray(data)
    struct.pack_into(header.byte_order + "H", stored, at, 1)
    return stored


def _eight_bit(pixels: np.ndarray) -> np.ndarray:
    """Colour channels of uint8 or uint16 `pixels` as uint8; alpha dropped, 16-bit scaled by range."""
    if pixels.dtype not in (np.uint8, np.uint16):
        raise PictureError(f"the picture's values are {pixels.dtype}; save it with 8 or 16 bits a channel")
    if pixels.ndim == 3 and pixels.shape[2] > 3:
        pixels = np.ascontiguousarray(pixels[:, :, :3])
    if pixels.dtype == np.uint8:
        return pixels
    used = int(pixels.max()).bit_length()
    bits = next(depth for depth in (8, 10, 12, 14, 16) if used <= depth)
    return np.right_shift(pixels, bits - 8, out=pixels).astype(np.uint8)


def _colour(pixels: np.ndarray) -> np.ndarray:
    """`pixels` where they are (h, w, 3) and coloured; PictureError for grey in one channel or in three equal
    ones."""
    if pixels.ndim == 3 and pixels.shape[2] == 3:
        step = max(1, int((pixels.size / 3e6) ** 0.5))  # about a million pixels tell
        sample = pixels[::step, ::step].astype(np.int16)
        if np.ptp(sample, axis=2).max() > GREY_SPREAD:
            return pixels
    raise PictureError("the picture is grey; white cells are told apart by their stain, so colour is needed")


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file or folder"
    if isinstance(error, PermissionError):
        return "it may not be read (permission denied)"
    return f"it cannot be read ({getattr(error, 'strerror', None) or error})"
