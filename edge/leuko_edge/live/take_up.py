"""A session that is gone on with: its map and its cells are known again."""

from __future__ import annotations

import numpy as np

from ..mapping.slide_map import SlideMap
from ..store import SessionStore
from .tracks import VIEWS, Look, Track, Tracks


def take_up(store: SessionStore, slide_map: SlideMap, tracks: Tracks, shape: tuple[int, ...]) -> int:
    """Know again what earlier runs of the session saw, where the camera's frames are of the `shape` they had.

    Returns how many keyframes of the map the store holds; 0 where another map begins.
    """
    pieces, cells = store.keyframes(), store.cells()
    if not pieces or pieces[0].shape != shape:
        if pieces:  # the new map's pieces take their numbers
            store.drop_map()
        slide_map.number_from(max((cell.area for cell in cells), default=-1) + 1)
        return 0
    slide_map.restore(pieces)
    for cell in cells:
        if 0 <= cell.key < len(pieces):
            track = Track(cell.key, cell.dx, cell.dy, cell.id, label=cell.label, confidence=cell.confidence)
            track.by, track.undone = cell.by, cell.undone
            track.views = [Look(1.0, np.array(cell.probabilities))] * min(cell.views, VIEWS)
            tracks.add(track)
    return len(pieces)
