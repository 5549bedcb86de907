"""The finder's card: what its `.tflite` file is, at which scale it looks, and from when on it has found something.

As with the classifier's card, the runtime refuses a network without one, one whose bytes are not the card's, and one
without a certificate of what quantisation did to it.
"""

from __future__ import annotations

import json
import os
import reprlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import ModelError
from ..files import write_whole
from ..vision.finder_input import FINDER_UM, INPUT_VERSION
from . import card_file
from .card import shipped

SCHEMA = "leuko-finder-card/1"
CERTIFICATE = "leuko-finder-certificate/1"
WHOSE = "finder"
SHIPPED = "leuko-finder-int8"
_TYPES: dict[str, Any] = {
    **dict.fromkeys(("name", "file", "sha256", "network", "quantization"), str),
    **dict.fromkeys(("um_per_px", "threshold"), (int, float)),
    "input_version": int,
    **dict.fromkeys(("training", "certificate", "licences"), dict),
}


@dataclass(frozen=True)
class FinderCard:
    """All that the runtime needs to know of a finder, and all that a person may ask about it."""

    name: str
    file: str  # the network's file name when the card was written; its hash counts
    sha256: str  # of the whole `.tflite` file, lower-case hexadecimal
    network: str
    quantization: str
    um_per_px: float  # of its input
    threshold: float  # of the map of centres: above it there is a cell; 0 < value < 1
    input_version: int = INPUT_VERSION  # of the code that made what it was trained on
    training: dict[str, Any] = field(default_factory=dict)
    certificate: dict[str, Any] = field(default_factory=dict)  # what `leuko-check --finder --certify` measured
    licences: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if problem := self._problem():
            raise ModelError(f"The card of the finder {reprlib.repr(self.name)} cannot be used: {problem}.")

    def _problem(self) -> str | None:
        if self.um_per_px != FINDER_UM or self.input_version != INPUT_VERSION:
            return (
                f"it looks at {self.um_per_px} µm per pixel, version {self.input_version}; this leuko-edge shows "
                f"{FINDER_UM}, version {INPUT_VERSION}"
            )
        return None if 0 < self.threshold < 1 else "its threshold must be between 0 and 1"

    @classmethod
    def load(cls, path: Path) -> FinderCard:
        """Read a card; `ModelError` says what is wrong with it. Fields that this version does not know are ignored."""
        raw = card_file.parse(card_file.read(path, WHOSE), path, WHOSE, SCHEMA)
        for name, wanted in _TYPES.items():
            if name not in raw or isinstance(raw[name], bool) or not isinstance(raw[name], wanted):
                raise ModelError(f"The finder's card {path} has no {name!r}, or a wrong one.")
        return cls(**{name: raw[name] for name in _TYPES})

    def save(self, path: Path) -> None:
        """Write the card, whole or not at all. `OSError` where the folder cannot be written."""
        write_whole(path, (json.dumps({"schema": SCHEMA, **asdict(self)}, indent=2) + "\n").encode())


def shipped_finder() -> Path:
    """Path of the finder that comes with leuko-edge; `ModelError` as of `card.shipped`."""
    return shipped(SHIPPED, "finder", "install leuko-edge again.")


def load_verified(path: str | os.PathLike[str] | None = None, *, certified: bool = True) -> tuple[FinderCard, bytes]:
    """The card and the network's bytes, after checking that they belong together; None takes the shipped one.

    `ModelError` for a missing or unreadable file or card, bytes that are not the card's, and no certificate. Only what
    makes certificates passes `certified=False`.
    """
    file = shipped_finder() if path is None else Path(path)
    content = card_file.network(file, WHOSE)
    card = FinderCard.load(file.with_suffix(".json"))
    found = card_file.check_hash(content, card.sha256, file, WHOSE)
    if certified and not _certifies(card.certificate, found):
        raise ModelError(f"The finder {file} has no certificate", "make one with: leuko-check --finder --certify")
    return card, content


def _certifies(certificate: Mapping[str, Any], sha256: str) -> bool:
    sides = (certificate.get(side) for side in ("float", "quantized"))
    named = [str(side.get("sha256")).lower() for side in sides if isinstance(side, Mapping)]
    return certificate.get("schema") == CERTIFICATE and sha256 in named and "cells" in certificate
