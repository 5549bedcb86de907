"""The stored nouns' way in and out of the tables: columns of `records`, and `records` of rows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from ..decision import Decision
from ..session import Accounts, MapPiece
from ..types import CLASSES, LEUKOCYTES
from . import columns
from .records import Event, NewCell, Picture, SessionInfo, Signature, StoredCell


def info_columns(info: SessionInfo) -> dict[str, Any]:
    """`info` as columns of the table `session`; ValueError or TypeError for what JSON does not hold."""
    plain: dict[str, Any] = {name: getattr(info, name) for name in _PLAIN}
    plain = {name: utf8(value) if isinstance(value, str) else value for name, value in plain.items()}
    return {
        **plain,
        **{name: text(getattr(info, name)) for name in _JSON},
        **{name: int(getattr(info, name)) for name in _FLAGS},
    }


def info_from(row: sqlite3.Row) -> SessionInfo:
    leukocytes, classes = columns.parsed(row, "leukocytes", list), columns.parsed(row, "classes", list)
    if not leukocytes or len(set(map(str, leukocytes))) != len(leukocytes) or not set(leukocytes) <= set(LEUKOCYTES):
        raise ValueError("its leukocytes are no classes of leuko-edge")
    if len(set(map(str, classes))) != len(classes) or not set(classes) <= set(CLASSES):
        raise ValueError("its classes are none of leuko-edge")
    thresholds = columns.parsed(row, "thresholds", dict)
    columns.numbers(list(thresholds.values()), "thresholds", 0, 1e6)
    return SessionInfo(
        **{name: columns.words(row, name) for name in _TEXT},
        source_details=columns.parsed(row, "source_details", dict),
        target=None if row["target"] is None else columns.whole(row, "target", 1),
        precision=None if row["precision"] is None else columns.real(row, "precision", 0, 100),
        simulated=bool(columns.whole(row, "simulated", 0, 1)),
        second_signature=bool(columns.whole(row, "second_signature", 0, 1)),
        leukocytes=tuple(leukocytes),
        thresholds=thresholds,
        ranges=_ranges(columns.parsed(row, "ranges", dict)),
        window_um=None if row["window_um"] is None else columns.real(row, "window_um", 0.1, 1000),
        classes=tuple(classes),
        decisions=_decisions(columns.parsed(row, "decisions", list)),
    )


def _decisions(decisions: list[Any]) -> tuple[str, ...]:
    if not {Decision.parse(text).label for text in decisions} <= set(LEUKOCYTES):
        raise ValueError("its decisions make no sense")
    return tuple(decisions)


def _ranges(ranges: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    found = {}
    for label, limits in ranges.items():
        if label not in CLASSES or not isinstance(limits, list) or len(limits) != 2:
            raise ValueError("its ranges make no sense")
        low, high = columns.numbers(limits, "ranges", 0, 100)
        found[label] = (low, high)
    return found


def picture_from(row: sqlite3.Row) -> Picture:
    width, height = (None if row[n] is None else columns.whole(row, n, 0, columns.LARGEST) for n in ("width", "height"))
    scale_origin, refused = (None if row[n] is None else columns.words(row, n) for n in ("scale_origin", "refused"))
    return Picture(
        number=columns.whole(row, "number", 1),
        path=columns.words(row, "path"),
        width=width,
        height=height,
        um_per_px=None if row["um_per_px"] is None else columns.real(row, "um_per_px", 1e-3, 100),
        scale_origin=scale_origin,
        refused=refused,
    )


def signature_from(row: sqlite3.Row) -> Signature:
    labels = None
    if row["labels"] is not None:
        labels = {int(cell): name for cell, name in columns.parsed(row, "labels", dict).items()}
        if not set(map(str, labels.values())) <= columns.NAMES:
            raise ValueError("what was signed makes no sense")
    by, reason = columns.words(row, "signed_by"), columns.words(row, "reason")
    version, at = columns.whole(row, "version", 1), columns.moment(row, "signed_at")
    if row["second_by"] is None:
        return Signature(version, by, at, reason, labels)
    second = columns.words(row, "second_by"), columns.moment(row, "second_at")
    return Signature(version, by, at, reason, labels, *second)


def event_from(row: sqlite3.Row) -> Event:
    return Event(
        at=columns.moment(row, "at"),
        who=columns.words(row, "who"),
        kind=columns.words(row, "kind"),
        cell=None if row["cell"] is None else columns.whole(row, "cell"),
        before=None if row["before"] is None else columns.words(row, "before"),
        after=None if row["after"] is None else columns.words(row, "after"),
        text=columns.words(row, "text"),
    )


UNREADABLE = (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError)
"""What the functions `…_from` raise for a row that was damaged or written by something else."""

_TEXT = ("sample", "operator", "notes", "source", "model_name", "model_sha256", "program", "kind")
_FLAGS = ("simulated", "second_signature")
_PLAIN = (*_TEXT, "target", "precision", "window_um")
_JSON = ("source_details", "leukocytes", "thresholds", "ranges", "classes", "decisions")


def cell_columns(cell: NewCell) -> dict[str, Any]:
    """`cell` as columns of the table `cell`: plain Python numbers, for SQLite would store NumPy's as bytes."""
    from . import png

    contour = None if cell.contour is None else cell.contour.astype("<i4").tobytes()
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
        "crop": None if cell.crop is None else png.encode(cell.crop),
    }


def cell_from(row: sqlite3.Row) -> StoredCell:
    box = columns.numbers(columns.parsed(row, "box", list), "box", -columns.LARGEST, columns.LARGEST)
    if len(box) != 4:
        raise ValueError("its box makes no sense")
    changed = row["changed_by"] is not None
    return StoredCell(
        id=columns.whole(row, "id", 1),
        label=columns.label(row, "label"),
        model_label=columns.label(row, "model_label"),
        confidence=columns.real(row, "confidence", 0, 1),
        views=columns.whole(row, "views"),
        first_seen=columns.moment(row, "first_seen"),
        last_seen=columns.moment(row, "last_seen"),
        area=columns.whole(row, "area", -1),
        key=columns.whole(row, "map_key", -1),
        **{name: columns.real(row, name) for name in ("dx", "dy", "x", "y")},
        frame=columns.whole(row, "frame"),
        by=columns.words(row, "changed_by") if changed else "model",
        changed=changed,
        undone=row["undone_at"] is not None,
        counted=bool(columns.whole(row, "counted", 0, 1)),
        looked=row["looked_by"] is not None,
        probabilities=tuple(columns.numbers(columns.parsed(row, "probabilities", list), "probabilities", 0, 1)),
        box=(int(box[0]), int(box[1]), int(box[2]), int(box[3])),
    )


def accounts_columns(accounts: Accounts) -> dict[str, Any]:
    skipped = {reason: int(count) for reason, count in accounts.skipped.items()}
    counted, dropped = int(accounts.counted), int(accounts.dropped)
    captured = counted + sum(skipped.values()) + dropped
    return {"captured": captured, "counted": counted, "skipped": text(skipped), "dropped": dropped}


def accounts_from(row: sqlite3.Row | None) -> Accounts:
    if row is None:
        return Accounts()
    skipped = columns.parsed(row, "skipped", dict)
    if not all(isinstance(count, int) and count >= 0 and reason.isidentifier() for reason, count in skipped.items()):
        raise ValueError("its skipped frames make no sense")
    return Accounts(columns.whole(row, "counted"), skipped, columns.whole(row, "dropped"))


def keyframe_columns(piece: MapPiece) -> dict[str, Any]:
    from . import png

    return {
        "key": int(piece.key),
        "area": int(piece.area),
        "x": float(piece.x),
        "y": float(piece.y),
        "shape": text([int(side) for side in piece.shape]),
        "view": png.encode_map(piece.fine),
    }


def keyframe_from(row: sqlite3.Row) -> MapPiece:
    from . import png

    fine = png.decode_map(row["view"])
    if fine is None:
        raise ValueError("a picture of its map is damaged")
    shape = columns.numbers(columns.parsed(row, "shape", list), "shape", 1, columns.LARGEST)
    if len(shape) != 3:
        raise ValueError("the shape of its map makes no sense")
    x, y = columns.real(row, "x"), columns.real(row, "y")
    return MapPiece(columns.whole(row, "key"), columns.whole(row, "area"), x, y, tuple(map(int, shape)), fine)


def text(value: Any) -> str:
    """JSON, strict: nothing that only Python reads back."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def shares(probabilities: Sequence[float]) -> str:
    return text([round(float(p), 6) for p in probabilities])


def utf8(words: str) -> str:
    """`words` without the halves of characters that a command line in another encoding leaves: SQLite takes none."""
    return words.encode("utf-8", "replace").decode()
