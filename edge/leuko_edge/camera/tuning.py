"""What `leuko-edge camera tune` found, as a file: the camera's fixed settings and the flat field.

One JSON file, written whole or not at all. The flat field is in it as a PNG of 16 bits a channel.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..config import Settings
from ..errors import EnvironmentBroken
from ..files import default_path as default_database
from ..files import write_whole
from .flat_field import FlatField

SCHEMA = "leuko-edge-tuning/1"
LARGEST = 20_000_000  # bytes of such a file
LARGEST_SIDE = 20_000  # px; of a camera's pictures, and far more than a flat field has
NAME = "camera.json"
_STEPS = 256  # of the PNG's levels to one of the camera's
_ASPECT = 0.01  # relative difference from which a size shows another piece of the sensor


@dataclass(frozen=True)
class Tuning:
    """One camera's settings. `kind` is "picamera2" or "v4l2", `camera` its model or card, `size` width, height in px.

    `controls` are libcamera's, or those of Video4Linux by the names of `v4l2_controls`, as the camera reported them
    when they held; empty where it has none. `made` is the time (ISO 8601) and `program` the version that wrote it.
    """

    kind: str
    camera: str
    size: tuple[int, int]
    controls: Mapping[str, Any]
    flat: FlatField = field(repr=False)
    made: str = ""
    program: str = ""

    def is_for(self, kind: str, camera: str) -> bool:
        return (self.kind, self.camera) == (kind, camera)

    def fits(self, size: tuple[int, int]) -> bool:
        """Whether pictures of `size` show the same piece of the sensor, so that the flat field can be stretched."""
        return abs(size[0] / size[1] / (self.size[0] / self.size[1]) - 1) <= _ASPECT

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the file, whole or not at all; EnvironmentBroken where it cannot be written."""
        levels = np.clip(np.rint(self.flat.levels * _STEPS), 1, 65535).astype(np.uint16)
        record = {
            "schema": SCHEMA,
            "kind": self.kind,
            "camera": self.camera,
            "size": list(self.size),
            "controls": dict(self.controls),
            "made": self.made,
            "program": self.program,
            "flat": base64.b64encode(cv2.imencode(".png", levels)[1].tobytes()).decode("ascii"),
        }
        name = os.path.realpath(path)
        try:
            os.makedirs(os.path.dirname(name), exist_ok=True)
            text = json.dumps(record, indent=1) + "\n"
            write_whole(Path(name), text.encode(), 0o644)  # the service reads what a person has tuned
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise EnvironmentBroken(
                f"the tuning cannot be written to {path}: {why}",
                "name another file with --out FILE, or run the command as the user who may",
            ) from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Tuning:
        """Read such a file; EnvironmentBroken where it is absent, unreadable, damaged or from a newer version."""
        cure = f"run leuko-edge camera tune again, or delete {path}"
        try:
            with open(path, "rb") as stream:
                content = stream.read(LARGEST + 1)
            if len(content) > LARGEST:
                raise ValueError("no tuning is so large")
            record = json.loads(content.decode("utf-8"))
        except OSError as error:
            raise EnvironmentBroken(f"the tuning {path} cannot be read: {error.strerror or error}", cure) from error
        except (ValueError, RecursionError) as error:  # also a NUL in the path, and what is not UTF-8
            raise EnvironmentBroken(f"the tuning {path} is damaged: it is no JSON", cure) from error
        if not isinstance(record, dict) or record.get("schema") != SCHEMA:
            raise EnvironmentBroken(f"{path} is no tuning that this version knows ({SCHEMA})", cure)
        try:
            width, height = (int(side) for side in record["size"])
            if min(width, height) < 1 or max(width, height) > LARGEST_SIDE:
                raise ValueError("a size that no camera has")
            return cls(
                str(record["kind"]),
                str(record["camera"]),
                (width, height),
                {str(name): _value(value) for name, value in record["controls"].items()},
                FlatField(_levels(record["flat"])),
                str(record["made"]),
                str(record["program"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError, cv2.error) as error:
            raise EnvironmentBroken(f"the tuning {path} is damaged", cure) from error


def _value(value: Any) -> Any:
    """libcamera takes tuples for what JSON has as lists."""
    if isinstance(value, list):
        return tuple(_value(part) for part in value)
    if not isinstance(value, int | float):
        raise TypeError("a control that is no number")
    return value


def _levels(text: str) -> np.ndarray:
    try:
        png = np.frombuffer(base64.b64decode(text, validate=True), np.uint8)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    sides = [int.from_bytes(png[at : at + 4].tobytes(), "big") for at in (16, 20)]  # as a PNG's header has them
    if max(sides) > LARGEST_SIDE or sides[0] * sides[1] > LARGEST:
        raise ValueError("a flat field of an absurd size")
    levels = cv2.imdecode(png, cv2.IMREAD_UNCHANGED)
    if levels is None or levels.dtype != np.uint16:
        raise ValueError("not a PNG of 16 bits")
    return levels.astype(np.float32) / _STEPS


def usable(tuning: Tuning | None, kind: str, camera: str, size: tuple[int, int]) -> tuple[FlatField | None, str]:
    """The flat field for pictures of `size` (w, h) of this camera, and a sentence where the tuning does not fit it."""
    if tuning is None:
        return None, ""
    if not tuning.is_for(kind, camera):
        return None, (
            f"the tuning is of another camera ({tuning.camera}) and not used for {camera}; run leuko-edge camera tune"
        )
    if not tuning.fits(size):
        (width, height), (w, h) = size, tuning.size
        return None, (
            f"the flat field was taken at {w}×{h} pixels and does not fit {width}×{height}; run leuko-edge camera tune"
        )
    return tuning.flat, ""


def default_path(settings: Settings) -> Path:
    """camera.tuning where it is set, else camera.json beside the sessions' database."""
    if settings.camera.tuning:
        return Path(settings.camera.tuning).expanduser()
    return Path(settings.session.database or default_database()).expanduser().parent / NAME


def wishes(settings: Settings, tuned: bool = True) -> dict[str, Any]:
    """What `open_source("camera", …, **wishes)` gets: size, fps, and with `tuned` the tuning, where there is one.

    EnvironmentBroken where there is a tuning that cannot be used: a count in another light than the one that was set
    would be worse than none.
    """
    found: dict[str, Any] = {"size": settings.camera.size, "fps": settings.camera.fps}
    path = default_path(settings)
    if tuned and os.path.exists(path):
        found["tuning"] = Tuning.load(path)
    return found
