"""Which TIFF pages OpenCV reads right, what is done for those that it does not, and the reason where nothing can be.

Measured with OpenCV 5.0 against tifffile (tests/sources/test_tiff.py repeats it): 8-bit RGB is right in every layout
but for unassociated alpha, by which libtiff multiplies the colours; 16-bit planes that lie one after the other are
garbled without a word.
"""

from __future__ import annotations

import importlib.util
import io
import struct
from typing import Any

import numpy as np

from ..errors import PictureError, Reason
from . import tiff_blocks
from .picture_container import DAMAGED, GREY
from .tiff_layout import Page

_GREY, _RGB, _PALETTE, _YCBCR = (0, 1), 2, 3, 6
_COLOURS = {4: "a mask", 5: "inks (CMYK)", 8: "CIELab", 9: "ICCLab", 10: "ITULab", 32803: "a sensor's raw mosaic"}
_READ = tuple(tiff_blocks.CHECKS)
_NAMES = {  # of compressions that only tifffile reads
    **{33003: "JPEG 2000", 33005: "JPEG 2000", 34712: "JPEG 2000", 34887: "LERC", 34925: "LZMA", 50000: "Zstandard"},
    **{50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL", 34892: "lossy JPEG", 6: "old JPEG", 22610: "JPEG XR"},
}
_ASSOCIATED, _UNASSOCIATED = 1, 2


def needs_tifffile(page: Page) -> bool:
    """False where OpenCV reads `page` right; PictureError where its values are not those of a colour photograph."""
    _uint(page)
    colours, samples = page.one("photometric", _RGB), page.samples
    if colours in _GREY:
        if samples >= 3:
            raise PictureError(
                f"the TIFF says that of its {samples} channels one is grey and the others no colours "
                "(PhotometricInterpretation 1)",
                "save it as RGB",
                reason=Reason.LAYOUT,
            )
        raise PictureError(*GREY, reason=Reason.GREY)
    if colours not in (_RGB, _PALETTE, _YCBCR):
        what = _COLOURS.get(colours, f"a kind of its own ({colours})")
        raise PictureError(f"the TIFF's colours are {what}", "save it as RGB", reason=Reason.LAYOUT)
    compression = page.one("compression", tiff_blocks.NONE)
    if colours == _PALETTE and (samples != 1 or page.bits[0] != 8):
        raise PictureError("the TIFF's palette is not one of 8 bits", "save it as RGB", reason=Reason.LAYOUT)
    if colours != _PALETTE and samples < 3:
        raise PictureError(f"the TIFF has {samples} of the three channels of a colour picture", reason=Reason.LAYOUT)
    if colours == _YCBCR and compression != tiff_blocks.JPEG:
        raise PictureError("the TIFF's colours are YCbCr without JPEG", "save it as RGB", reason=Reason.LAYOUT)
    packed = len(set(page.bits)) != 1 or page.bits[0] not in (8, 16)
    apart = page.one("planar", 1) != 1 and page.bits[0] != 8
    predicted = page.one("predictor", 1) not in (1, 2)
    return packed or apart or predicted or samples > 4 or compression not in _READ or page.one("fill_order", 1) != 1


def _uint(page: Page) -> None:
    kinds = {2: "int", 3: "float", 5: "complex", 6: "complex"}
    kind, bits = kinds.get(page.one("sample_format", 1), "uint"), max(page.bits)
    if kind != "uint" or bits > 16 or (bits < 8 and page.samples >= 3):
        raise PictureError(
            f"the picture's values are {kind}{bits}", "save it with 8 or 16 bits a channel", reason=Reason.LAYOUT
        )


def read(data: bytes, page: Page) -> np.ndarray:
    """(h, w, 3 or more) uint8 or uint16, BGR first, by tifffile; PictureError where it, or a codec, is not there."""
    try:
        import tifffile
    except ImportError:
        raise _without(page) from None
    if not _can_unpack(tifffile.TIFF, page):
        raise _unknown() if importlib.util.find_spec("imagecodecs") else _without(page)
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            pixels = np.asarray(_page(file, page).asarray())
    except MemoryError:
        raise
    except Exception:  # each codec has exceptions of its own
        raise PictureError(*DAMAGED, reason=Reason.DAMAGED) from None
    if page.one("planar", 1) == 2 and pixels.ndim == 3:
        pixels = np.moveaxis(pixels, 0, 2)
    if pixels.shape != (page.height, page.width, page.samples):
        raise _unknown()
    return np.ascontiguousarray(pixels[:, :, 2::-1])


def _page(file: Any, page: Page) -> Any:
    """tifffile's page whose directory is `page`'s."""
    for candidate in file.pages:
        if candidate.offset == page.at:
            return candidate
        for inner in candidate.pages or ():
            if inner.offset == page.at:
                return inner
    raise ValueError("tifffile finds no such page")


def _can_unpack(known: Any, page: Page) -> bool:
    """Whether tifffile's tables (`known`) hold what unpacks `page`: most of it is imagecodecs', which may lack."""
    odd = len(set(page.bits)) != 1 or page.bits[0] not in (1, 8, 16)  # tifffile itself takes whole bytes apart only
    return (
        page.one("compression", tiff_blocks.NONE) in known.DECOMPRESSORS
        and page.one("predictor", 1) in known.UNPREDICTORS
        and not (odd and importlib.util.find_spec("imagecodecs") is None)
    )


def _unknown() -> PictureError:
    return PictureError("the TIFF's layout is not one that can be read", "save it as RGB", reason=Reason.LAYOUT)


def _without(page: Page) -> PictureError:
    name = _NAMES.get(page.one("compression", 1))
    what = f"is packed with {name}" if name else "keeps its values in a layout that OpenCV gets wrong"
    cure = "to read it, pip install 'leuko-edge[photos]', or save it as RGB with LZW"
    return PictureError(f"the TIFF {what}", cure, reason=Reason.NEEDS_EXTRA)


def for_opencv(data: bytes, page: Page, first: bool) -> bytes | bytearray:
    """`data` so that OpenCV gives this page's stored values: upright, no colours multiplied by alpha."""
    changes: list[tuple[int, str, int]] = []
    if "orientation" in page.places and page.one("orientation") != 1:
        changes.append((page.places["orientation"], "H", 1))
    if "extra_samples" in page.places and _UNASSOCIATED in page.values["extra_samples"]:
        changes.append((page.places["extra_samples"], "H", _ASSOCIATED))
    if not first:
        changes.append((8, "Q", page.at) if page.big else (4, "I", page.at))
    if not changes:
        return data
    stored = bytearray(data)
    for at, form, value in changes:
        struct.pack_into(page.order + form, stored, at, value)
    return stored
