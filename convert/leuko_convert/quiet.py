"""Keep TensorFlow's chatter off the terminal; its errors still arrive as exceptions."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator

from leuko_edge.native_stderr import captured


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hold back standard output and error of Python and of native code; a failure is shown with its last lines."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    said: list[bytes] = []
    try:
        with warnings.catch_warnings(), captured(1, 2) as said:
            warnings.simplefilter("ignore")
            yield
    except Exception as error:
        error.add_note(b"".join(said).decode(errors="replace")[-2000:])
        raise
