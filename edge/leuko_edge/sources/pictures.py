"""Pictures from files and folders, as an iterator and a context manager.

    with Pictures(["slide-7", "extra.tif"]) as source:
        for taken in source:               # a Frame, or Lost with the sentence why

What the pixels mean, decided once for every file:
- Pixels are those stored in the file. An orientation tag (EXIF, TIFF) is not applied, so a box in a report
  points at the file's own pixels whatever program opens it; cells look the same in every rotation.
- 16-bit pictures are scaled to 8 by range: cameras store 10, 12 or 14 bits in 16, so the smallest of 8, 10,
  12, 14 and 16 bits that holds the picture's maximum is its full scale.
- Alpha is dropped. Of a TIFF with several pages the first is read.
- A folder gives its own pictures by suffix, sorted by name, not those of folders beneath it; hidden files
  are left out.
"""

from __future__ import annotations

import os
import re
import stat
import struct
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np

from .container import MAX_PIXELS, Header, inspect
from .errors import PictureError
from .types import Frame

SUFFIXES = (".jpg", ".jpeg", ".jpe", ".png", ".tif", ".tiff", ".bmp")
MAX_BYTES = MAX_PIXELS * 8 + 2**26  # four 16-bit channels uncompressed, and room for what cameras add
GREY_SPREAD = 2  # grey values; what is left between the channels of a grey picture saved in colour
DAMAGED = "the file is damaged: the picture in it cannot be decoded; copy it again from where it came"
NO_MEMORY = "there is not enough memory for a picture of this size"

# libjpeg repairs what it can and only prints that it did. Stray bytes before a marker are harmless (some
# cameras).
REPAIRED = re.compile(rb"Corrupt JPEG data(?!: \d+ extraneous)|Premature end|Unsupported marker|Huffman")
_stderr_lock = threading.Lock()


@dataclass(frozen=True)
class Lost:
    """A picture that could not be read, and why, in one sentence."""

    index: int
    source: str
    reason: str


class Pictures:
    """All pictures of `paths` (files and folders) in the order given, each file once.

    `problems` lists (name, sentence) for paths that gave no picture: absent, a folder without pictures,
    named twice; `name` is what the source is called in a report. Iterating yields a Frame for each file that
    can be read and Lost for each that cannot; one at a time is in memory.
    """

    def __init__(self, paths: Sequence[str | os.PathLike[str]]) -> None:
        first, *more = names = [os.fspath(path) for path in paths]
        self.name = f"{first} and {len(more)} more" if more else first
        self.problems: list[tuple[str, str]] = []
        self.files: list[str] = []
        seen: set[str] = set()
        for name in names:
            for file in self._expand(name):
                real = os.path.realpath(file)
                if real in seen:
                    self.problems.append((file, "named twice, counted once"))
                else:
                    seen.add(real)
                    self.files.append(file)

    def _expand(self, path: str) -> list[str]:
        try:
            if not os.path.isdir(path):
                os.stat(path)
                return [path]
            with os.scandir(path) as entries:
                names = [entry.name for entry in entries if not entry.is_dir()]
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            self.problems.append((path, _why(error)))
            return []
        pictures = [n for n in names if n.lower().endswith(SUFFIXES) and not n.startswith(".")]
        if not pictures:
            self.problems.append((path, "the folder holds no pictures (JPEG, PNG, TIFF or BMP) of its own"))
        return [os.path.join(path, name) for name in sorted(pictures)]

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[Frame | Lost]:
        return (self.take(index) for index in range(len(self.files)))

    def take(self, index: int) -> Frame | Lost:
        """Picture number `index`, read from its file anew."""
        path = self.files[index]
        try:
            return Frame(index, os.stat(path).st_mtime, read_picture(path), path)
        except OSError as error:
            return Lost(index, path, _why(error))
        except PictureError as error:
            return Lost(index, path, str(error))

    def __enter__(self) -> Pictures:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing stays open between two pictures."""


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


@contextmanager
def decoder_messages() -> Iterator[list[bytes]]:
    """What the decoders print on file descriptor 2 meanwhile, kept from the user's terminal.

    libjpeg, libpng, libtiff and OpenCV's own log each write there by themselves; this catches all four.
    """
    messages: list[bytes] = []
    with (
        _stderr_lock,
        tempfile.TemporaryFile(buffering=0)
        if not hasattr(os, "memfd_create")
        else open(os.memfd_create("decoder"), "r+b", buffering=0) as caught,
    ):
        try:
            terminal = os.dup(2)
        except OSError:  # no standard error at all: nothing to keep clean
            yield messages
            return
        os.dup2(caught.fileno(), 2)
        try:
            yield messages
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
            caught.seek(0)
            messages.append(caught.read(1 << 20))


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file or folder"
    if isinstance(error, PermissionError):
        return "it may not be read (permission denied)"
    return f"it cannot be read ({getattr(error, 'strerror', None) or error})"
