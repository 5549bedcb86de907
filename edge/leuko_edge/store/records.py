"""The nouns of a stored session, and their way in and out of the tables."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from ..session import Accounts, MapPiece
from ..types import LEUKOCYTES, REFERENCES


@dataclass(frozen=True)
class SessionInfo:
    """What is known when a session begins and does not change."""

    sample: str = ""
    operator: str = ""
    notes: str = ""
    source: str = ""
    source_details: Mapping[str, Any] = field(default_factory=dict)  # JSON values
    model_name: str = ""
    model_sha256: str = ""
    target: int | None = None  # cells to count
    precision: float | None = None  # or points that the widest interval should come below
    simulated: bool = False
    leukocytes: tuple[str, ...] = LEUKOCYTES  # classes in the denominator, as the card names them
    program: str = ""  # name and version of what counts
    thresholds: Mapping[str, float] = field(default_factory=dict)  # of the card: confidence, temperature, distance, …
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=lambda: dict(REFERENCES))  # per cent
    window_um: float | None = None  # micrometres along a side of a crop, as the card says
    kind: str = "live"  # or "photographs"
    classes: tuple[str, ...] = ()  # in the order of a cell's probabilities; (): of a session older than this


@dataclass(frozen=True)
class NewCell:
    """A cell that is to be counted. Lengths are pixels of the camera's full frame.

    `box` and `contour`, (n, 2) int32, lie in frame number `frame`; `x`, `y` is the cell's centre in the coordinates
    of `area`, equal to the position of keyframe `key` plus (`dx`, `dy`). `crop` is (n, n, 3) uint8 RGB.
    """

    label: str
    confidence: float
    probabilities: tuple[float, ...]
    views: int
    area: int
    key: int
    dx: float
    dy: float
    x: float
    y: float
    box: tuple[int, int, int, int]
    frame: int
    crop: np.ndarray | None = field(repr=False)
    seen_at: float
    contour: np.ndarray | None = field(default=None, repr=False)
    first_seen: float | None = None  # None: at `seen_at`


@dataclass(frozen=True)
class Picture:
    """A photograph of a session, number 1, 2, … in the order given; `refused` says why it was not counted."""

    number: int
    path: str
    width: int | None = None
    height: int | None = None
    um_per_px: float | None = None
    scale_origin: str | None = None
    refused: str | None = None


@dataclass(frozen=True)
class Signature:
    """One signed version. `labels`: each standing cell's by number; None of a version older than this record."""

    version: int
    signed_by: str
    signed_at: float
    reason: str
    labels: Mapping[int, str] | None


@dataclass(frozen=True)
class StoredCell:
    """A cell as it stands in the database, without its pictures; places as in NewCell."""

    id: int
    label: str
    by: str  # "model", or who changed it
    changed: bool
    undone: bool
    counted: bool  # in the differential's denominator
    model_label: str
    confidence: float  # the model's, in model_label
    probabilities: tuple[float, ...]
    views: int
    first_seen: float
    last_seen: float
    area: int
    key: int
    dx: float
    dy: float
    x: float
    y: float
    frame: int
    box: tuple[int, int, int, int]
    looked: bool = False  # at by a person in review


@dataclass(frozen=True)
class Event:
    """Who or what changed something, and when. `cell`, `before` and `after` where it concerns a cell."""

    at: float
    who: str
    kind: str
    cell: int | None
    before: str | None
    after: str | None
    text: str


def info_columns(info: SessionInfo) -> dict[str, Any]:
    """`info` as columns of the table `session`; ValueError or TypeError for what JSON does not hold."""
    columns: dict[str, Any] = {name: getattr(info, name) for name in _PLAIN}
    columns = {name: utf8(value) if isinstance(value, str) else value for name, value in columns.items()}
    columns |= {name: text(getattr(info, name)) for name in _JSON}
    return {**columns, "simulated": int(info.simulated)}


def info_from(row: sqlite3.Row) -> SessionInfo:
    values: dict[str, Any] = {name: row[name] for name in _PLAIN}
    values |= {name: json.loads(row[name]) for name in _JSON}
    values |= {name: tuple(values[name]) for name in ("leukocytes", "classes")}
    values["ranges"] = {label: (float(low), float(high)) for label, (low, high) in values["ranges"].items()}
    return SessionInfo(**{**values, "simulated": bool(row["simulated"])})


def picture_from(row: sqlite3.Row) -> Picture:
    names = ("number", "path", "width", "height", "um_per_px", "scale_origin", "refused")
    return Picture(**{name: row[name] for name in names})


def signature_from(row: sqlite3.Row) -> Signature:
    labels = None if row["labels"] is None else {int(cell): name for cell, name in json.loads(row["labels"]).items()}
    return Signature(row["version"], row["signed_by"], row["signed_at"], row["reason"], labels)


def event_from(row: sqlite3.Row) -> Event:
    return Event(**{name: row[name] for name in ("at", "who", "kind", "cell", "before", "after", "text")})


UNREADABLE = (ValueError, TypeError, KeyError)
"""What the functions `…_from` raise for a row that was damaged or written by something else."""

_PLAIN = (
    *("sample", "operator", "notes", "source", "model_name", "model_sha256", "target", "precision"),
    *("simulated", "program", "window_um", "kind"),
)
_JSON = ("source_details", "leukocytes", "thresholds", "ranges", "classes")


def cell_columns(cell: NewCell) -> dict[str, Any]:
    """`cell` as columns of the table `cell`: plain Python numbers, for SQLite would store NumPy's as bytes."""
    contour = None if cell.contour is None else np.ascontiguousarray(cell.contour, "<i4").tobytes()
    return {
        "label": cell.label,
        "model_label": cell.label,
        "confidence": float(cell.confidence),
        "probabilities": shares(cell.probabilities),
        "views": int(cell.views),
        "first_seen": float(cell.seen_at if cell.first_seen is None else cell.first_seen),
        "last_seen": float(cell.seen_at),
        "area": int(cell.area),
        "map_key": int(cell.key),
        **{name: float(getattr(cell, name)) for name in ("dx", "dy", "x", "y")},
        "frame": int(cell.frame),
        "box": text([int(value) for value in cell.box]),
        "contour": contour,
        "crop": None if cell.crop is None else encode(cell.crop),
    }


def cell_from(row: sqlite3.Row) -> StoredCell:
    x, y, width, height = json.loads(row["box"])
    return StoredCell(
        **{name: row[name] for name in _SAME},
        key=row["map_key"],
        by=row["changed_by"] or "model",
        changed=row["changed_by"] is not None,
        undone=row["undone_at"] is not None,
        counted=bool(row["counted"]),
        looked=row["looked_by"] is not None,
        probabilities=tuple(json.loads(row["probabilities"])),
        box=(x, y, width, height),
    )


_SAME = (
    *("id", "label", "model_label", "confidence", "views", "first_seen", "last_seen"),
    *("area", "dx", "dy", "x", "y", "frame"),
)


def accounts_columns(accounts: Accounts) -> dict[str, Any]:
    skipped = {reason: int(count) for reason, count in accounts.skipped.items()}
    counted, dropped = int(accounts.counted), int(accounts.dropped)
    captured = counted + sum(skipped.values()) + dropped
    return {"captured": captured, "counted": counted, "skipped": text(skipped), "dropped": dropped}


def accounts_from(row: sqlite3.Row | None) -> Accounts:
    return Accounts() if row is None else Accounts(row["counted"], json.loads(row["skipped"]), row["dropped"])


def keyframe_columns(piece: MapPiece) -> dict[str, Any]:
    _, png = cv2.imencode(".png", (piece.fine.astype(np.int16) + 128).astype(np.uint8))
    return {
        "key": int(piece.key),
        "area": int(piece.area),
        "x": float(piece.x),
        "y": float(piece.y),
        "shape": text([int(side) for side in piece.shape]),
        "view": png.tobytes(),
    }


def keyframe_from(row: sqlite3.Row) -> MapPiece:
    grey = cv2.imdecode(np.frombuffer(row["view"], np.uint8), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise ValueError("a keyframe's picture is damaged")
    fine = (grey.astype(np.int16) - 128).astype(np.int8)
    return MapPiece(row["key"], row["area"], row["x"], row["y"], tuple(json.loads(row["shape"])), fine)


def encode(rgb: np.ndarray) -> bytes:
    """(n, n, 3) uint8 RGB as PNG; ValueError where OpenCV refuses it."""
    done, data = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    if not done:
        raise ValueError(f"a crop of shape {rgb.shape} cannot be stored")
    return data.tobytes()


def decode(png: bytes | None) -> np.ndarray | None:
    """(n, n, 3) uint8 RGB; None where there is none or it is damaged."""
    bgr = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR) if png else None
    return None if bgr is None else cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def text(value: Any) -> str:
    """JSON, strict: nothing that only Python reads back."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def shares(probabilities: Sequence[float]) -> str:
    return text([round(float(p), 6) for p in probabilities])


def utf8(words: str) -> str:
    """`words` without the halves of characters that a command line in another encoding leaves: SQLite takes none."""
    return words.encode("utf-8", "replace").decode()
