"""What native libraries write to the terminal by themselves, caught: decoders, LiteRT, TensorFlow."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

_MOST = 1 << 20  # bytes that are kept of what was said; of more, its beginning and its end
_lock = threading.RLock()  # the descriptors are the whole process's: one thread at a time, and that one within itself


@contextmanager
def captured(*descriptors: int) -> Iterator[list[bytes]]:
    """What is written to these file descriptors (default: 2, standard error) meanwhile, kept from the terminal.

    It is in the list once the block is left, however that happens. Where a descriptor is closed, nothing is caught.
    """
    said: list[bytes] = []
    with _lock, _file() as caught:
        kept: dict[int, int] = {}
        try:
            for number in descriptors or (2,):
                kept[number] = os.dup(number)
        except OSError:  # closed: nothing to keep clean
            for copy in kept.values():
                os.close(copy)
            yield said
            return
        _flush(kept)
        for number in kept:
            os.dup2(caught.fileno(), number)
        try:
            yield said
        finally:
            _flush(kept)
            for number, copy in kept.items():
                os.dup2(copy, number)
                os.close(copy)
            said.append(_content(caught))


@contextmanager
def decoder_messages() -> Iterator[list[bytes]]:
    """`captured` for decoders: libjpeg, libpng, libtiff and OpenCV's own log each write to standard error."""
    with captured() as said:
        yield said


def _file() -> IO[bytes]:
    """In memory where that can be had."""
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("said"), "r+b", buffering=0)
    return tempfile.TemporaryFile(buffering=0)


def _content(caught: IO[bytes]) -> bytes:
    size = caught.seek(0, os.SEEK_END)
    caught.seek(0)
    begin = caught.read(_MOST)
    caught.seek(max(len(begin), size - _MOST))
    return begin + caught.read(_MOST)


def _flush(descriptors: dict[int, int]) -> None:
    """What Python itself has still to write belongs to where it stands."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        if number in descriptors and stream is not None:
            with suppress(OSError, ValueError):  # nobody reads any more, or it is closed
                stream.flush()
