"""What native libraries write to standard error by themselves, caught: decoders, LiteRT, TensorFlow."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_stderr_lock = threading.Lock()


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
