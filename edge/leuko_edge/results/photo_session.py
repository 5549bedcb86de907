"""Photographs as a session: a sink that makes each picture durable with its cells."""

from __future__ import annotations

import os
import statistics
import time
from collections import Counter

import cv2
import numpy as np

from ..pipeline import Outcome
from ..session import Accounts
from ..store import NewCell, SessionStore
from ..store.corrections import PROGRAM
from ..store.records import Picture
from ..tally import Differential, Tally
from ..types import LEUKOCYTES, CountedCell
from .wording import overlap

VIEW_SIDE = 1600  # px; the long side of what is kept of a photograph to be looked at
VIEW_QUALITY = 85  # JPEG; some 300 kB a photograph


class PhotoSession:
    """Writes into `store`, which it neither opens nor closes. StoreError passes: what is not durable is not counted."""

    def __init__(self, store: SessionStore) -> None:
        self.path = store.path
        self._store = store
        self._scales: list[float] = []

    def add(self, outcome: Outcome) -> None:
        result = outcome.result
        number = outcome.index + 1
        scale = result.scale
        picture = Picture(
            number,
            os.path.realpath(result.path),
            result.width or None,
            result.height or None,
            None if scale is None else scale.um_per_px,
            None if scale is None else scale.origin,
            outcome.refused,
        )
        at = os.stat(result.path).st_mtime if os.path.exists(result.path) else 0.0
        crops = () if outcome.crops is None else outcome.crops
        found = zip(result.cells, crops, strict=True)
        cells = [_cell(number, at, entry, crop) for entry, crop in found if _kept(entry)]
        view = None if outcome.bgr is None else jpeg(outcome.bgr)
        if outcome.signs is not None:
            self._store.add_signs(number, outcome.signs)
        self._store.add_picture(picture, view, cells, _after(self._store.accounts, result.quality.reason))
        for shared in outcome.shared:
            self._store.event("overlap", f"{outcome.name}: {overlap(shared)}", PROGRAM, time.time())
        if scale is not None:
            self._scales.append(scale.um_per_px)
            self._store.add_field(number, at, number, 0.0, 0.0, result.quality.focus, len(cells))

    def finish(self, tally: Tally, differential: Differential) -> None:
        if self._scales:
            self._store.settings(um_per_px=statistics.median(self._scales))


def _kept(entry: CountedCell) -> bool:
    """A leukocyte whose centre lies outside its photograph is in no count, so that it is no cell of the session; nor is
    one that an earlier photograph has given."""
    return not entry.repeated and (entry.counted or entry.prediction.label not in LEUKOCYTES)


def _cell(number: int, at: float, entry: CountedCell, crop: np.ndarray) -> NewCell:
    """A photograph is an area of its own, and its pixels are the area's coordinates."""
    x, y = entry.cell.centre
    said = entry.prediction
    return NewCell(
        label=said.label,
        confidence=said.confidence,
        probabilities=said.probabilities,
        views=1,
        area=number,
        key=0,
        dx=x,
        dy=y,
        x=x,
        y=y,
        box=entry.cell.box,
        frame=number,
        crop=crop,
        seen_at=at,
        contour=entry.cell.contour,
    )


def _after(accounts: Accounts, reason: str | None) -> Accounts:
    if reason is None:
        return Accounts(accounts.counted + 1, accounts.skipped, accounts.dropped)
    return Accounts(accounts.counted, dict(Counter(accounts.skipped) + Counter({reason: 1})), accounts.dropped)


def jpeg(bgr: np.ndarray) -> bytes:
    """(h, w, 3) uint8 BGR reduced to VIEW_SIDE, as JPEG."""
    shrink = VIEW_SIDE / max(bgr.shape[:2])
    if shrink < 1:
        bgr = cv2.resize(bgr, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, VIEW_QUALITY))
    if not done:
        raise ValueError(f"a picture of shape {bgr.shape} cannot be stored")
    return data.tobytes()
