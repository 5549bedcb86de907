"""Whether a video file is whole, read from its container and not from what a decoder makes of it.

A decoder plays half a file to its last frame and ends as if that were all. The lengths that the container writes
before each of its parts say whether something is missing. Sources: RIFF (Microsoft, AVI 1.0 and OpenDML 2.0), ISO/IEC
14496-12 §4.2 (MP4, QuickTime), RFC 8794 §6 (EBML: Matroska, WebM).
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

_ISO = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")  # what an MP4 or QuickTime file opens with


def is_whole(path: str) -> bool:
    """False where the container says that the file should go on; True for containers that do not say.

    OSError where the file cannot be read.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(12)
        file.seek(0)
        if head[:4] == b"RIFF":
            return _riff(file, size)
        if head[4:8] in _ISO:
            return _iso(file, size)
        if head[:4] == b"\x1a\x45\xdf\xa3":
            return _ebml(file, size)
    return True


def counts_frames(path: str) -> bool:
    """Whether the number of frames stands in the file (AVI, MP4, QuickTime); else it could only be guessed."""
    with open(path, "rb") as file:
        head = file.read(12)
    return head[:4] == b"RIFF" or head[4:8] in _ISO


def _riff(file: BinaryIO, size: int) -> bool:
    at = 0
    while at + 8 <= size:
        file.seek(at)
        name, length = struct.unpack("<4sI", file.read(8))
        if name != b"RIFF":
            return True  # what some programs append
        if length in (0, 0xFFFFFFFF):  # written by a program that could not go back to fill it in
            return True
        if at + 8 + length > size:
            return False
        at += 8 + length + length % 2
    return True


def _iso(file: BinaryIO, size: int) -> bool:
    at, index = 0, False
    while at + 8 <= size:
        file.seek(at)
        length, name = struct.unpack(">I4s", file.read(8))
        if length == 1:
            long = file.read(8)
            if len(long) < 8:
                return False
            (length,) = struct.unpack(">Q", long)
        index |= name == b"moov"
        if length == 0:  # to the end of the file
            break
        if length < 8:
            return index  # no box: what some programs append
        at += length
    return index and at <= size


def _ebml(file: BinaryIO, size: int) -> bool:
    """The header element, then the segment, which holds all the rest."""
    for name in (b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"):
        here, first = file.read(4), file.read(1)
        if not first:
            return False
        if here != name or not first[0]:
            return True  # something else comes first, which is rare and allowed
        more = 8 - first[0].bit_length()
        value = int.from_bytes(first + file.read(more), "big") & ((1 << 7 * (more + 1)) - 1)
        if value == (1 << 7 * (more + 1)) - 1:
            return True  # unknown length, as live recordings have it
        file.seek(value, os.SEEK_CUR)
    return file.tell() <= size
