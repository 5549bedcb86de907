"""Whether all scans of a JPEG are there: a progressive one that lost its later scans is a blurred picture of full size.

Source: ITU-T T.81 annex B.2 (markers) and G.1.1 (progressive scans).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # the start-of-frame markers
_BARE = {0x01, *range(0xD0, 0xD8)}  # markers without a length
# The end of a scan's entropy-coded data. As "\xff+" it would not begin with one byte, and be ten times as slow to find.
_NEXT = re.compile(rb"\xff\xff*[^\x00\xff\xd0-\xd7]", re.DOTALL)
_PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)


@dataclass(frozen=True)
class Scans:
    """What the markers say. `size` (width, height) is None where no frame header came."""

    size: tuple[int, int] | None
    ended: bool  # an end marker came
    whole: bool  # and every coefficient of every component before it, to its last bit


def scans(data: bytes) -> Scans:
    """IndexError or struct.error where a marker's own fields lie beyond the end."""
    size: tuple[int, int] | None = None
    missing: dict[int, list[int | None]] = {}  # of each component, for each coefficient: bits still to come
    progressive = ended = False
    at = 2
    while (at := data.find(b"\xff", at)) >= 0:
        while data[at + 1] == 0xFF:  # fill bytes
            at += 1
        marker = data[at + 1]
        if marker == 0xD9:
            ended = True
            break
        if marker in _BARE:
            at += 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if marker in SIZES and size is None:
            height, width, components = struct.unpack_from(">HHB", data, at + 5)
            size, progressive = (width, height), marker in _PROGRESSIVE
            missing = {data[at + 10 + 3 * number]: [None] * 64 for number in range(components)}
        if marker == 0xDA:
            _seen(data, at + 4, missing, progressive)
        at += 2 + length
        if marker == 0xDA:
            following = _NEXT.search(data, at)
            if following is None:
                break
            at = following.start()
    return Scans(size, ended, bool(missing) and all(bits == 0 for each in missing.values() for bits in each))


def _seen(data: bytes, at: int, missing: dict[int, list[int | None]], progressive: bool) -> None:
    """Note what the scan whose header's content begins at `at` brings."""
    number = data[at]
    first, last, bits = data[at + 1 + 2 * number : at + 4 + 2 * number]
    if not progressive:
        first, last, bits = 0, 63, 0
    for component in data[at + 1 : at + 1 + 2 * number : 2]:
        if component in missing:
            missing[component][first : last + 1] = [bits & 15] * len(missing[component][first : last + 1])
