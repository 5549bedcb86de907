"""Photographs that show a part of the slide twice: which earlier one, and which of the cells are the same.

A person who photographs field by field comes back to a place, or does not move on far enough. Views of the photographs
so far are compared on thumbnails; where these look alike, the registration of live counting has to find the same
place, block by block.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from .correlation import Pattern, correlations
from .registration import Demand, search
from .view import View, reduced

REMEMBERED = 32  # photographs back; comparing with all takes 2 ms
LIKELY = (
    0.25  # correlation of the halved thumbnails: 24 overlaps in LISC, BCCD, Raabin, RV-PBS, DeepBioNet had 0.30 to 0.8
)
BELIEVE = Demand(ncc=0.8, agree=0.85, blocks=8, overlap=0.12)
"""Of 780 pairs of each of six laboratories the same place gave 0.84 to 1.00 and 0.89 to 1, others a correlation of at
most 0.74."""
SCALES = 1.1  # times; photographs whose scales differ by more were not taken through one objective
SAME_UM = 5.0  # centres nearer than this are one cell, as in live counting


@dataclass(frozen=True)
class Shared:
    """That a photograph shows cells of an earlier one: its name, and how many cells."""

    name: str
    cells: int


@dataclass(frozen=True)
class _Photograph:
    name: str
    shape: tuple[int, ...]
    um_per_px: float
    view: View = field(repr=False)
    small: Pattern = field(repr=False)  # its thumbnail halved
    centres: np.ndarray  # (n, 2) px
    named: np.ndarray  # (n,) bool


class Photographs:
    """The photographs of one run, the latest `REMEMBERED` of them; about 100 kB each."""

    def __init__(self) -> None:
        self._seen: deque[_Photograph] = deque(maxlen=REMEMBERED)

    def add(
        self,
        name: str,
        bgr: np.ndarray,
        um_per_px: float,
        centres: Sequence[tuple[float, float]],
        named: Sequence[bool],
    ) -> tuple[list[Shared], np.ndarray]:
        """Take in a photograph, (h, w, 3) uint8: the `centres` (px) of its cells, and which of them could be `named`.

        Gives what it shares with earlier ones, and (n,) bool: which of its cells an earlier one has given already. A
        cell that could be named only here has not been. A photograph without cells shares none, and is not kept.
        """
        known, shared = np.zeros(len(centres), bool), []
        if not len(centres):
            return [], known
        view = View.of(reduced(bgr))
        small = cv2.resize(view.thumb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        pattern = Pattern.of(small)
        new = _Photograph(
            name, bgr.shape, um_per_px, view, pattern, np.asarray(centres, float), np.asarray(named, bool)
        )
        for other in _likely([other for other in reversed(self._seen) if _comparable(other, new)], new):
            same = _common(other, new) & ~known
            if same.any():
                known |= same
                shared.append(Shared(other.name, int(same.sum())))
        self._seen.append(new)
        return shared, known


def _comparable(a: _Photograph, b: _Photograph) -> bool:
    return a.shape == b.shape and 1 / SCALES < a.um_per_px / b.um_per_px < SCALES


def _likely(others: Sequence[_Photograph], new: _Photograph) -> list[_Photograph]:
    """Those of `others` that may show a part of the same place."""
    if not others:
        return []
    best = correlations([other.small for other in others], new.small).max(axis=(1, 2))
    return [other for other, score in zip(others, best, strict=True) if score >= LIKELY]


def _common(a: _Photograph, b: _Photograph) -> np.ndarray:
    """(n,) which of the cells of b are cells of a."""
    none = np.zeros(len(b.centres), bool)
    shift = search(a.view, b.view)
    if shift is None or not shift.meets(BELIEVE):
        return none
    size = np.array(b.shape[1::-1])
    there = b.centres + shift.vector * size / b.view.fine.shape[::-1]
    apart = np.hypot(*(there[:, None] - a.centres[None]).transpose(2, 0, 1)) * b.um_per_px
    nearest = apart.argmin(axis=1)
    near = apart[np.arange(len(there)), nearest] < SAME_UM
    margin = SAME_UM / b.um_per_px
    inside = ((there > margin) & (there < size - margin)).all(axis=1)
    if 2 * (near & inside).sum() < inside.sum():  # where red cells lie in rows, they lie alike one row on; white do not
        return none
    same: np.ndarray = near & (a.named[nearest] | ~b.named)
    return same
