"""What a file says it is, read from its own bytes before any of it is decoded.

A decoder believes the header: a few bytes can ask it for gigabytes, and half a JPEG comes back as half a
picture over grey. So size and completeness are settled here first, for the four containers that leuko-edge
reads. Sources: ITU-T T.81 annex B (JPEG), W3C PNG 3rd edition §5, TIFF 6.0 §2, BITMAPINFOHEADER of the
Windows SDK.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

from ..errors import PictureError

MIN_SIDE = 40  # px; a leukocyte of 16 µm at 0.4 µm per px, tightly cut
MAX_PIXELS = 50_000_000
TRUNCATED = "the file is truncated: the picture ends early; copy it again from where it came"
_DAMAGED = "the file is damaged: {} cannot be read; copy it again from where it came"
_NOT_A_PICTURE = "the file is not a JPEG, PNG, TIFF or BMP picture"

_JPEG_SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # the start-of-frame markers
_JPEG_BARE = {0x01, *range(0xD0, 0xD8)}  # markers without a length
_JPEG_NEXT = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)  # the end of a scan's entropy-coded data
_TIFF_TYPES = {1: "B", 3: "H", 4: "I", 16: "Q"}  # BYTE, SHORT, LONG, LONG8


@dataclass(frozen=True)
class Header:
    """`width` and `height` in pixels as stored, no orientation tag applied."""

    kind: str  # "JPEG", "PNG", "TIFF", "BMP"
    width: int
    height: int
    complete: bool
    orientation_at: int | None = None  # TIFF: where the orientation's value lies in the file
    byte_order: str = "<"


def inspect(data: bytes) -> Header:
    """The header of a complete picture of 40×40 pixels to 50 megapixels; PictureError for all else."""
    if not data:
        raise PictureError("the file is empty (0 bytes)")
    reader = next((read for magic, read in _READERS if data.startswith(magic)), None)
    if reader is None:
        raise PictureError(_NOT_A_PICTURE)
    try:
        header = reader(data)
    except (struct.error, IndexError):  # a field lies beyond the end
        raise PictureError(TRUNCATED) from None
    width, height = header.width, header.height
    if width <= 0 or height <= 0:
        raise PictureError(f"the picture has no pixels: its header says {width}×{height}")
    if min(width, height) < MIN_SIDE:
        raise PictureError(f"the picture is too small: {width}×{height} pixels, at least {MIN_SIDE}×{MIN_SIDE} needed")
    if width * height > MAX_PIXELS:
        raise PictureError(
            f"the picture is too large: {width}×{height} pixels; at most {MAX_PIXELS // 10**6} megapixels can be read"
        )
    if not header.complete:
        raise PictureError(TRUNCATED)
    return header


def _jpeg(data: bytes) -> Header:
    width = height = 0
    seen_size = complete = False
    at = 2
    while (at := data.find(b"\xff", at)) >= 0:
        while data[at + 1] == 0xFF:  # fill bytes
            at += 1
        marker = data[at + 1]
        if marker == 0xD9:
            complete = True
            break
        if marker in _JPEG_BARE:
            at += 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if marker in _JPEG_SIZES and not seen_size:
            height, width = struct.unpack_from(">HH", data, at + 5)
            seen_size = True
        at += 2 + length
        if marker == 0xDA:
            following = _JPEG_NEXT.search(data, at)
            if following is None:
                break
            at = following.start()
    if not seen_size:
        raise PictureError(TRUNCATED if not complete else _DAMAGED.format("its size"))
    return Header("JPEG", width, height, complete)


def _png(data: bytes) -> Header:
    if data[12:16] != b"IHDR":
        raise PictureError(_DAMAGED.format("its header"))
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
            raise PictureError(_DAMAGED.format(f"its {name.decode('ascii', 'replace')} part"))
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


def _tiff(data: bytes) -> Header:
    """Of the first picture in the file; further pages are not read."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    (at,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, at)
    at, entry, inline = (at + 8, 20, 8) if big else (at + 2, 12, 4)
    if at + count * entry > len(data):
        raise PictureError(TRUNCATED)
    tags: dict[int, tuple[int, ...]] = {}
    orientation_at = None
    for offset in range(at, at + count * entry, entry):
        tag, kind, number = struct.unpack_from(order + ("HHQ" if big else "HHI"), data, offset)
        if tag not in (256, 257, 273, 274, 279, 324, 325) or kind not in _TIFF_TYPES:
            continue
        form = f"{order}{number}{_TIFF_TYPES[kind]}"
        place = offset + entry - inline
        if struct.calcsize(f"{order}{_TIFF_TYPES[kind]}") * number > inline:
            (place,) = struct.unpack_from(order + ("Q" if big else "I"), data, place)
        if place + struct.calcsize(f"{order}{_TIFF_TYPES[kind]}") * number > len(data):
            raise PictureError(TRUNCATED)
        tags[tag] = struct.unpack_from(form, data, place)
        if tag == 274 and kind == 3:
            orientation_at = place
    if not tags.get(256) or not tags.get(257):
        raise PictureError(_DAMAGED.format("its size"))
    starts, lengths = tags.get(273) or tags.get(324) or (), tags.get(279) or tags.get(325) or ()
    complete = all(start + length <= len(data) for start, length in zip(starts, lengths, strict=False))
    return Header("TIFF", tags[256][0], tags[257][0], complete, orientation_at, order)


_READERS = (
    (b"\xff\xd8\xff", _jpeg),
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"BM", _bmp),
    (b"II*\0", _tiff),
    (b"MM\0*", _tiff),
    (b"II+\0", _tiff),
    (b"MM\0+", _tiff),
)
