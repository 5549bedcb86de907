"""A card's file, JSON beside its network: how it is read and held against the network's bytes, whatever network it is.

`whose` is what the sentences call the network: "model", "finder".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ModelError

LARGEST = 20_000_000  # bytes of a card; a thousand centres of a thousand numbers take less


def read(path: Path, whose: str) -> bytes:
    """What the card's file holds; cut off beyond `LARGEST`; `ModelError` where it cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(LARGEST + 1)
    except FileNotFoundError:
        raise ModelError(
            f"The {whose} has no card: {path} is missing", f"put the card that came with the {whose} beside it."
        ) from None
    except OSError as error:
        raise ModelError(f"The {whose}'s card {path} cannot be read: {error.strerror or error}.") from None


def parse(content: bytes, path: Path, whose: str, schema: str) -> Mapping[str, Any]:
    """The fields of a card of kind `schema`; `ModelError` where it is none."""
    try:
        if len(content) > LARGEST:
            raise ValueError("no card is so large")
        raw = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):  # not UTF-8, not JSON, or absurdly deep
        raise ModelError(f"The {whose}'s card {path} is not JSON", f"fetch it again with its {whose}.") from None
    if not isinstance(raw, Mapping) or raw.get("schema") != schema:
        raise ModelError(f"{path} is not a {whose} card of this version (its schema should be {schema!r}).")
    return raw


def network(path: Path, whose: str) -> bytes:
    """The bytes of the network's file; `ModelError` where they cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"There is no {whose} at {path}", "name a .tflite file that has its card beside it.") from None
    except IsADirectoryError:
        raise ModelError(f"{path} is a folder", "name the .tflite file in it.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise ModelError(f"The {whose} {path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None


def check_hash(content: bytes, sha256: str, path: Path, whose: str) -> str:
    """The SHA-256 of `content`, in hexadecimal; `ModelError` unless it is the card's, `sha256`."""
    found = hashlib.sha256(content).hexdigest()
    if found != sha256.lower():
        raise ModelError(
            f"The {whose} {path} is not the one its card was written for (SHA-256 {found[:12]}…, the card says "
            f"{sha256[:12]}…)",
            f"fetch {whose} and card together again.",
        )
    return found
