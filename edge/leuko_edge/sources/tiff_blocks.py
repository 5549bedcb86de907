"""Whether every strip or tile of a TIFF page holds all its pixels, found before libtiff fills up what is missing.

libtiff goes on after a broken strip and leaves zeros or old memory in it, for LZW without a word. So lengths, and the
checksums that deflate carries, are looked at here. Sources: TIFF 6.0 §9 (PackBits), §13 (LZW); RFC 1950 (zlib).
"""

from __future__ import annotations

import zlib

import numpy as np

from .tiff_layout import Page

NONE, LZW, JPEG, DEFLATE, OLD_DEFLATE, PACKBITS = 1, 5, 7, 8, 32946, 32773
_CLEAR, _END = 256, 257
# How many bits the codes that follow a clear code have, and where each begins: a code's width depends on nothing else.
_WIDTHS = np.repeat([9, 10, 11, 12], [254, 512, 1024, 2049]).astype(np.int64)
_OFFSETS = np.cumsum(_WIDTHS) - _WIDTHS


def is_whole(data: bytes, page: Page) -> bool:
    """Whether each block lies in the file and unpacks to as many bytes as its pixels take.

    Of compressions without lengths or checksums (JPEG: its end marker) only what can be known is looked at.
    """
    sizes = block_sizes(page)
    starts, lengths = page.values.get("offsets", ()), page.values.get("byte_counts", ())
    if len(starts) != len(sizes):
        return False
    if not lengths and len(sizes) == 1 and page.one("compression", NONE) == NONE:  # old programs leave it out
        lengths = sizes[0][:1]
    if len(lengths) != len(sizes):
        return False
    check = CHECKS.get(page.one("compression", NONE))
    for start, length, (least, most) in zip(starts, lengths, sizes, strict=True):
        if not length or start + length > len(data):
            return False
        if check is not None and not check(data[start : start + length], least, most):
            return False
    return True


def block_sizes(page: Page) -> list[tuple[int, int]]:
    """(least, most) bytes of each strip or tile once unpacked; the last strip may be padded to a full one."""
    planes = page.samples if page.one("planar", 1) == 2 else 1
    bits = sum(page.bits) if len(page.bits) > 1 else page.bits[0] * page.samples
    bits = bits // planes
    if "tile_width" in page.values:
        across, down = page.one("tile_width"), page.one("tile_height")
        if not across or not down:
            return []
        number = -(-page.width // across) * -(-page.height // down) * planes
        size = (across * bits + 7) // 8 * down
        return [(size, size)] * number
    row = (page.width * bits + 7) // 8
    rows = min(page.one("rows_per_strip", page.height) or page.height, page.height)
    last = page.height - (page.height - 1) // rows * rows
    plane = [(row * rows, row * rows)] * ((page.height - 1) // rows) + [(row * last, row * rows)]
    return plane * planes


def _stored(block: bytes, least: int, most: int) -> bool:
    return len(block) >= least


def _deflated(block: bytes, least: int, most: int) -> bool:
    """Its length, and the Adler-32 that ends it."""
    unpacker = zlib.decompressobj()
    try:
        size = len(unpacker.decompress(block, most + 1))
    except zlib.error:
        return False
    return least <= size <= most and unpacker.eof


def _packed(block: bytes, least: int, most: int) -> bool:
    size = at = 0
    while at < len(block) and size < most:
        run = block[at]
        if run < 128:
            size, at = size + run + 1, at + run + 2
        elif run > 128:
            size, at = size + 257 - run, at + 2
        else:
            at += 1
    return at <= len(block) and least <= size <= most


def _lzw(block: bytes, least: int, most: int) -> bool:
    """Follows the codes and adds up how many bytes each stands for, without making them."""
    if block[:1] == b"\0" and len(block) > 1 and block[1] & 1:  # an order of bits from before TIFF 6.0
        return True
    octets = np.frombuffer(block + bytes(3), np.uint8).astype(np.uint32)
    position, end, size = 0, 8 * len(block), 0
    while position < end:
        at = position + _OFFSETS[: np.searchsorted(position + _OFFSETS + _WIDTHS, end, side="right")]
        first, widths = at >> 3, _WIDTHS[: len(at)]
        word = octets[first] << 16 | octets[first + 1] << 8 | octets[first + 2]
        codes = word >> (24 - widths - (at & 7)) & ((1 << widths) - 1)
        stops = np.flatnonzero((codes == _CLEAR) | (codes == _END))
        upto = int(stops[0]) if len(stops) else len(codes)
        size += _spanned(codes[:upto].tolist(), most - size)
        if size > most or not len(stops) or codes[upto] == _END:
            break
        position = int(at[upto] + widths[upto])
    return least <= size <= most


def _spanned(codes: list[int], most: int) -> int:
    """Bytes that the codes after a clear code stand for; over `most` where they are too many or make no sense."""
    spans = [1] * 256 + [0, 0]  # of each code; those of clear and end are never asked for
    size = before = 0
    try:
        for code in codes:
            if before:
                spans.append(before + 1)
            before = spans[code]
            size += before
    except IndexError:  # a code that nothing has given a meaning
        return most + 1
    return size


def _jpeg(block: bytes, least: int, most: int) -> bool:
    return block[:2] == b"\xff\xd8" and b"\xff\xd9" in block[-16:]


CHECKS = {NONE: _stored, LZW: _lzw, JPEG: _jpeg, DEFLATE: _deflated, OLD_DEFLATE: _deflated, PACKBITS: _packed}
