"""A picture's size from its header, without decoding it."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from leuko_edge.errors import PictureError


def size_of(path: Path) -> tuple[int, int]:
    """(width, height) in pixels. Raises PictureError where the file is no picture."""
    try:
        with Image.open(path) as picture:
            return picture.size
    except OSError as error:
        raise PictureError(f"{path.name} cannot be read: {error}") from error
