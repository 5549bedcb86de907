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


def slide_awaited(store: SessionStore, now: bool) -> bool:
    """Whether the session's slide is yet to come: from `now` on, or since before the run of before broke off."""
    if now:
        store.event("slide awaited", "", "leuko-edge", time.time())
    return store.slide_awaited()


def join_doubled(store: SessionStore, tracks: Tracks, um_per_px: float) -> bool:
    """The map was corrected, or two areas turned out to be one: what is now at one place was one cell. Whether any."""
    doubled = tracks.doubled(um_per_px)
    stored = {cell.id: cell for cell in store.cells()} if doubled else {}
    kept = {older.id: older for older, _ in doubled}
    for older, newer in doubled:
        stays, goes = kept[older.id], newer
        for track in (stays, goes):
            track.undone = stored[track.id].undone  # a person may have taken it out, on the review page
        if stays.undone or goes.undone:
            continue
        if stored[goes.id].changed and not stored[stays.id].changed:  # what a person said of the cell stays
            stays, goes = goes, stays
            kept[older.id] = stays
        store.discard(goes.id, f"the same cell as {stays.id}", time.time())
        goes.undone = True
    return bool(doubled)
