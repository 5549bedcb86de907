"""How a TIFF file lays its pictures out, read from its tags before any of it is decoded.

A TIFF is a chain of directories, one for each picture ("page") in it: several fields of a slide, but also thumbnails
and reduced copies of the same. Sources: TIFF 6.0 §2 and its tables; Adobe's supplement 1 (SubIFDs) and 2 (deflate);
BigTIFF; libtiff's tiff.h for the numbers of newer compressions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from mmap import mmap

from ..errors import PictureError, Reason

MAX_PAGES = 1000
_THUMBNAIL = 4  # a page with less than a fourth of the largest page's pixels shows the same smaller, or a label
_TYPES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 18: "Q"}
_TAGS = {  # https://www.loc.gov/preservation/digital/formats/content/tiff_tags.shtml
    **{254: "subfile", 255: "old_subfile", 256: "width", 257: "height", 258: "bits", 259: "compression"},
    **{262: "photometric", 266: "fill_order", 273: "offsets", 274: "orientation", 277: "samples"},
    **{278: "rows_per_strip", 279: "byte_counts", 284: "planar", 317: "predictor", 322: "tile_width"},
    **{323: "tile_height", 324: "offsets", 325: "byte_counts", 330: "sub_directories", 338: "extra_samples"},
    339: "sample_format",
}


@dataclass(frozen=True)
class Page:
    """One picture of the file: the values of its tags by name (`_TAGS`), and where they lie in the file."""

    at: int  # of its directory
    order: str  # "<" or ">"
    big: bool
    values: dict[str, tuple[int, ...]]
    places: dict[str, int] = field(default_factory=dict)  # of those tags whose values are SHORT
    inner: bool = False  # found in a SubIFD, not in the chain of pages

    def one(self, name: str, default: int = 0) -> int:
        return (self.values.get(name) or (default,))[0]

    @property
    def width(self) -> int:
        return self.one("width")

    @property
    def height(self) -> int:
        return self.one("height")

    @property
    def reduced(self) -> bool:
        """Whether it says itself that it is a smaller copy of another page, or a mask."""
        return bool(self.one("subfile") & 0b101) or self.one("old_subfile") == 2

    @property
    def samples(self) -> int:
        return self.one("samples", 1)

    @property
    def bits(self) -> tuple[int, ...]:
        return self.values.get("bits") or (1,)


def fields(pages: list[Page]) -> list[Page]:
    """Those of `pages` that are pictures to be counted: not thumbnails, masks or reduced copies of another page."""
    largest = max(page.width * page.height for page in pages)
    full = [page for page in pages if page.width * page.height * _THUMBNAIL > largest]
    return [page for page in full if not page.reduced] or full[:1]


def pages(data: bytes | mmap) -> list[Page]:
    """Every page, those of SubIFDs after their own; struct.error or IndexError where a field lies beyond the end."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    (at,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    found: list[Page] = []
    seen: set[int] = set()
    while at and at not in seen and len(found) < MAX_PAGES:
        seen.add(at)
        page, at = _directory(data, at, order, big)
        found.append(page)
        for inner in page.values.get("sub_directories", ()):
            if inner not in seen and len(found) < MAX_PAGES:
                seen.add(inner)
                found.append(_directory(data, inner, order, big, True)[0])
    if not found:
        raise PictureError("the file is damaged: the TIFF holds no picture", "copy it again", reason=Reason.DAMAGED)
    return found


def _directory(data: bytes | mmap, at: int, order: str, big: bool, inner: bool = False) -> tuple[Page, int]:
    """The page whose directory begins at `at`, and where the next one's does."""
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, at)
    first, size = (at + 8, 20) if big else (at + 2, 12)
    if first + count * size > len(data):
        raise struct.error("the directory goes on beyond the end")
    values: dict[str, tuple[int, ...]] = {}
    places: dict[str, int] = {}
    for name, kind, number, place in _entries(data, first, count, order, big):
        values[name] = struct.unpack_from(f"{order}{number}{_TYPES[kind]}", data, place)
        if kind == 3:
            places[name] = place
    try:
        (following,) = struct.unpack_from(order + ("Q" if big else "I"), data, first + count * size)
    except struct.error:  # some programs leave the last link out
        following = 0
    return Page(at, order, big, values, places, inner), following


def _entries(data: bytes | mmap, first: int, count: int, order: str, big: bool) -> Iterator[tuple[str, int, int, int]]:
    """(name, type, number of values, place of the first) of each tag that matters here."""
    size, inline = (20, 8) if big else (12, 4)
    for offset in range(first, first + count * size, size):
        tag, kind, number = struct.unpack_from(order + ("HHQ" if big else "HHI"), data, offset)
        if tag not in _TAGS or kind not in _TYPES:
            continue
        place = offset + size - inline
        length = struct.calcsize(f"{order}{_TYPES[kind]}") * number
        if length > inline:
            (place,) = struct.unpack_from(order + ("Q" if big else "I"), data, place)
        if place + length > len(data):
            raise struct.error("a tag's values lie beyond the end")
        yield _TAGS[tag], kind, number, place
