"""Formats of telephones and the web, read by Pillow and its plug-ins (extra `[photos]`) where they are installed."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np

from ..errors import PictureError, Reason

SUFFIXES = (".heic", ".heif", ".avif", ".webp")
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF", **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc"), "HEIC")}
_BRANDS |= dict.fromkeys((b"mif1", b"msf1"), "HEIC")


def kind(data: bytes) -> str | None:
    """ "HEIC", "AVIF" or "WebP" where `data` begins as such a file does (ISO/IEC 23008-12; RFC 9649)."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    return _BRANDS.get(data[8:12]) if data[4:8] == b"ftyp" else None


def read(data: bytes, kind: str, check_size: Callable[[int, int], None]) -> np.ndarray:
    """(h, w, 3) uint8 BGR; PictureError where it, or what reads it, is not there. `check_size` looks at the header."""
    without = PictureError(
        f"to read {kind} pictures, pip install 'leuko-edge[photos]', or save it as JPEG or PNG",
        reason=Reason.NEEDS_EXTRA,
    )
    try:
        from PIL import Image, ImageFile, UnidentifiedImageError
    except ImportError:
        raise without from None
    if kind == "HEIC":
        try:
            from pillow_heif import register_heif_opener
        except ImportError:
            raise without from None
        register_heif_opener(thumbnails=False)
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    Image.MAX_IMAGE_PIXELS = None  # `check_size` refuses too large ones with a sentence
    try:
        with Image.open(io.BytesIO(data)) as picture:
            check_size(*picture.size)
            rgb = np.asarray(picture.convert("RGB"))
    except UnidentifiedImageError:
        if kind == "AVIF":  # Pillow from before 11.3
            raise without from None
        raise _damaged(kind) from None
    except (OSError, ValueError, SyntaxError, EOFError, RuntimeError):
        raise _damaged(kind) from None
    return np.ascontiguousarray(rgb[:, :, ::-1])


def _damaged(kind: str) -> PictureError:
    return PictureError(
        f"the file is damaged: the {kind} picture in it cannot be decoded", "copy it again", reason=Reason.DAMAGED
    )
