"""What a file says it is, read from its own bytes before any of it is decoded.

A decoder believes the header: a few bytes can ask it for gigabytes, and half a JPEG comes back as half a
picture over grey. So size and completeness are settled here first, for the four containers that leuko-edge
reads. Sources: ITU-T T.81 annex B (JPEG), W3C PNG 3rd edition §5, TIFF 6.0 §2, BITMAPINFOHEADER of the
Windows SDK.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from ..errors import PictureError, Reason
from .jpeg_scans import scans
from .tiff_layout import Page, fields, pages

MIN_SIDE = 40  # px; a leukocyte of 16 µm at 0.4 µm per px, tightly cut
MAX_PIXELS = 50_000_000
MAX_SIDE = 1 << 20  # px; OpenCV decodes nothing wider
COPY_AGAIN = "copy it again from where it came"
DAMAGED = ("the file is damaged: the picture in it cannot be decoded", COPY_AGAIN)  # what is found, and the cure
GREY = ("the picture is grey", "white cells are told apart by their stain, so colour is needed")
_TRUNCATED = "the file is truncated: the picture ends early"
_INCOMPLETE = "the file is damaged: later parts of the JPEG are missing, so the picture in it is blurred"
_NOT_A_PICTURE = "the file is not a JPEG, PNG, TIFF or BMP picture"


@dataclass(frozen=True)
class Header:
    """`width` and `height` in pixels as stored, no orientation tag applied."""

    kind: str  # "JPEG", "PNG", "TIFF", "BMP"
    width: int
    height: int
    complete: bool
    page: Page | None = None  # TIFF: the one that is read
    first: bool = True  # whether that is the file's first


def inspect(data: bytes, number: int = 0) -> Header:
    """The header of a complete picture of 40×40 pixels to 50 megapixels; PictureError for all else.

    `number` is which of the pictures of a TIFF with several fields, from 0.
    """
    if not data:
        raise PictureError("the file is empty (0 bytes)", reason=Reason.EMPTY)
    reader = next((read for magic, read in _READERS if data.startswith(magic)), None)
    if reader is None:
        raise PictureError(_NOT_A_PICTURE, reason=Reason.UNKNOWN_FORMAT)
    try:
        header = _tiff(data, number) if reader is _tiff else reader(data)
    except (struct.error, IndexError):  # a field lies beyond the end
        raise PictureError(_TRUNCATED, COPY_AGAIN, reason=Reason.TRUNCATED) from None
    check_size(header.width, header.height)
    if not header.complete:
        raise PictureError(_TRUNCATED, COPY_AGAIN, reason=Reason.TRUNCATED)
    return header


def check_size(width: int, height: int) -> None:
    """PictureError for a picture with too few or too many pixels."""
    if width <= 0 or height <= 0:
        raise PictureError(f"the picture has no pixels: its header says {width}×{height}", reason=Reason.TOO_SMALL)
    if min(width, height) < MIN_SIDE:
        raise PictureError(
            f"the picture is too small: {width}×{height} pixels, at least {MIN_SIDE}×{MIN_SIDE} needed",
            reason=Reason.TOO_SMALL,
        )
    if width * height > MAX_PIXELS:
        raise PictureError(
            f"the picture is too large: {width}×{height} pixels",
            f"at most {MAX_PIXELS // 10**6} megapixels can be read",
            reason=Reason.TOO_LARGE,
        )
    if max(width, height) > MAX_SIDE:
        raise PictureError(
            f"the picture is too long: {width}×{height} pixels",
            f"at most {MAX_SIDE} along a side can be read",
            reason=Reason.TOO_LARGE,
        )


def _jpeg(data: bytes) -> Header:
    found = scans(data)
    if found.size is None:
        raise PictureError(_TRUNCATED, COPY_AGAIN, reason=Reason.TRUNCATED) if not found.ended else _damaged("its size")
    if found.ended and not found.whole:
        raise PictureError(_INCOMPLETE, "copy it again", reason=Reason.TRUNCATED)
    return Header("JPEG", *found.size, found.ended)


def _damaged(what: str) -> PictureError:
    return PictureError(f"the file is damaged: {what} cannot be read", COPY_AGAIN, reason=Reason.DAMAGED)


def _png(data: bytes) -> Header:
    if data[12:16] != b"IHDR":
        raise _damaged("its header")
    width, height = struct.unpack_from(">II", data, 16)
    at, complete = 8, False
    while at + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            break
        # Lower-case chunks are ancillary (dates, comments); a decoder does without them.
        if (
            name[:1].isupper()
            and zlib.crc32(memoryview(data)[at + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]
        ):
            raise _damaged(f"its {name.decode('ascii', 'replace')} part")
        at = end
        if name == b"IEND":
            complete = True
            break
    return Header("PNG", width, height, complete)


def _bmp(data: bytes) -> Header:
    start, size = struct.unpack_from("<II", data, 10)
    if size == 12:  # OS/2's older header
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        packed = False
    else:
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
        packed = compression not in (0, 3)  # run-length coded: only the decoder knows how long it is
    row = (width * bits + 31) // 32 * 4
    complete = packed or start + row * abs(height) <= len(data)
    return Header("BMP", width, abs(height), complete)


def _tiff(data: bytes, number: int = 0) -> Header:
    every = pages(data)
    page = fields(every)[number]
    if not page.width or not page.height:
        raise _damaged("its size")
    starts, lengths = page.values.get("offsets", ()), page.values.get("byte_counts", ())
    complete = all(start + length <= len(data) for start, length in zip(starts, lengths, strict=False))
    return Header("TIFF", page.width, page.height, complete, page, page is every[0])


_READERS = (
    (b"\xff\xd8\xff", _jpeg),
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"BM", _bmp),
    (b"II*\0", _tiff),
    (b"MM\0*", _tiff),
    (b"II+\0", _tiff),
    (b"MM\0+", _tiff),
)
