"""What the map tells the session's history: where counting broke off, and which cells were one."""

from __future__ import annotations

import time

from ..session import Place, PlaceState
from ..store import SessionStore
from .tracks import Tracks


def tell_place(store: SessionStore, before: Place | None, place: Place) -> None:
    """Where counting broke off, and where it was taken up again; `before` is the frame's before, None of the first."""
    if before is not None and (before.state == PlaceState.LOST) != (place.state == PlaceState.LOST):
        kind = {PlaceState.LOST: "lost", PlaceState.NEW: "new area"}.get(place.state, "found")
        store.event(kind, "", "model", time.time())


def join_doubled(store: SessionStore, tracks: Tracks, um_per_px: float) -> bool:
    """The map was corrected, or two areas turned out to be one: what is now at one place was one cell. Whether any."""
    doubled = tracks.doubled(um_per_px)
    for older, newer in doubled:
        store.discard(newer.id, f"the same cell as {older.id}", time.time())
        newer.undone = True
    return bool(doubled)
