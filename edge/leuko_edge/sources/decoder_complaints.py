"""What decoders print of a picture that they repaired: libjpeg, libpng and libtiff go on, and only say so.

Everything that is not known to be harmless counts as damage.
"""

from __future__ import annotations

import re

MOST_PADDING = 16  # bytes; cameras fill a scan up to a round number with zeros
_EXTRANEOUS = re.compile(rb"(\d+) extraneous bytes? before marker 0x([0-9a-f]{2})")
_HARMLESS = re.compile(
    rb"unknown JFIF revision"
    rb"|libpng warning: (?:iCCP|sRGB|gAMA|cHRM|cICP|pHYs|tIME|[tzi][TX]Xt|eXIf|bKGD|sBIT|hIST|sPLT|[Kk]nown incorrect)"
    rb"|Unknown field with tag|TIFFFetchNormalTag|TIFFReadDirectory(?:CheckOrder)?:? *Warning"
    rb"|TIFF_Warning TIFFReadDirectory"
    rb"|^\[ *(?:INFO|DEBUG)"
)
_JPEG = re.compile(rb"JPEG|Premature end|[Mm]arker|Huffman|SOS|scan|DCT|restart")
_MEMORY = re.compile(rb"allocate|[Mm]emory")


def damage(messages: bytes, data: bytes) -> bool:
    """Whether `messages`, printed while `data` was decoded, say that something in it was missing or wrong."""
    return any(line.strip() and not _harmless(line, data) for line in messages.splitlines())


def jpeg_damage(messages: bytes, data: bytes) -> bool:
    """The same of libjpeg's complaints alone: while a camera's picture is decoded, other threads may write too."""
    return damage(b"\n".join(line for line in messages.splitlines() if _JPEG.search(line)), data)


def memory(messages: bytes) -> bool:
    """Whether they say that there was not enough memory."""
    return _MEMORY.search(messages) is not None


def _harmless(line: bytes, data: bytes) -> bool:
    stray = _EXTRANEOUS.search(line)
    if stray is None:
        return _HARMLESS.search(line) is not None
    # Where a decoder lost its place in a scan, what is left of the scan is extraneous too: only filling is harmless.
    number, marker = int(stray[1]), bytes([0xFF, int(stray[2], 16)])
    return number <= MOST_PADDING and marker == b"\xff\xd9" and bytes(number) + marker in data
