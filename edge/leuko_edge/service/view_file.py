"""The camera's picture as another process gets it: a small JPEG beside the status file.

It is made (`view_writer`) only while somebody looks, which `look` tells by touching a second file.
"""

from __future__ import annotations

import os
from pathlib import Path

VIEW, ASKED = "view.jpg", "view.asked"


def look(folder: Path) -> bytes | None:
    """The latest picture of the service of `folder`, JPEG; None where there is none yet, but soon."""
    try:
        os.utime(folder / ASKED)
        return (folder / VIEW).read_bytes()
    except OSError:
        return None
