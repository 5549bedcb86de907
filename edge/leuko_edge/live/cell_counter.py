"""Looking at one frame that may be counted: find its cells, know those met before, name and store the new ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import PictureError
from ..mapping.slide_map import SlideMap
from ..model.classify import CellClassifier, doubted, judge
from ..model.finder import shipped
from ..session import Accounts, Place
from ..stopwatch import Stopwatch
from ..store import NewCell, SessionStore
from ..types import LEUKOCYTES, Cell, Frame, Prediction, Scale, Skip
from ..vision.crop import cut
from ..vision.field import Field
from ..vision.segment import CellFinder, find_cells
from ..vision.signs import FIELDS, signs
from .gate import Verdict
from .snapshot import Outline
from .tracks import Track, Tracks

SCALES = 9  # fields whose red cells give the session's scale, as their median
LOOKS = 3  # looks at one resting view: more show nothing new, unless the picture gets sharper
SHARPER = 1.15  # times as sharp: worth another look
RESTS_PX = 4  # full-frame px that a resting view creeps
MARGIN_UM = 1.0  # a cell nearer to the frame's edge may go on beyond it
CUT_WINDOW = 0.5  # quality of a view whose surroundings lie partly outside the frame


@dataclass
class Rest:
    """The view that the camera rests at: how often it was looked at, and what was seen."""

    place: Place | None = None
    looks: int = 0
    focus: float = 0.0
    outlines: tuple[Outline, ...] = ()
    waiting: int = 0  # cells cut by the frame's edge


@dataclass(frozen=True)
class Waiting:
    """A cell that the frame's edge cuts, its nucleus whole: named already, and counted if it goes without being seen
    whole."""

    track: Track
    new: NewCell


@dataclass
class Looker:
    """Cells of a session: `tracks` are all that were met, `rest` what is in view, `changed` whether counts did."""

    classifier: CellClassifier
    store: SessionStore
    map: SlideMap
    um_per_px: float | None  # None: measured from the red cells of the first fields
    stopwatch: Stopwatch
    rest: Rest = field(default_factory=Rest)
    finder: CellFinder = field(default_factory=shipped)
    changed: bool = True

    def __post_init__(self) -> None:
        self.tracks = Tracks(self.map.position)
        self._scales: list[float] = []
        self._measured = 0  # fields whose signs are in the store
        self._waiting: list[Waiting] = []

    @property
    def scale(self) -> float | None:
        """µm per px as far as it is known."""
        return self.um_per_px or (float(np.median(self._scales)) if self._scales else None)

    def look(self, frame: Frame, place: Place, verdict: Verdict, accounts: Accounts) -> Skip | None:
        """Count the frame's new cells; None, or the reason why it cannot be counted after all.

        `accounts` are the session's frames so far, which are stored with each cell.
        """
        rest = self.rest
        if rest.place is None or not _rests(rest.place, place):
            rest = self.rest = Rest(place)
        elif rest.looks >= LOOKS and verdict.focus <= SHARPER * rest.focus:
            return None  # nothing that it does not know
        try:
            with self.stopwatch.stage("light and scale"):
                seen = self._field(frame)
        except PictureError:  # no background, or no red cells while the scale is not known
            return Skip.EMPTY
        with self.stopwatch.stage("segment"):
            cells = find_cells(seen, self.finder)
        if self._measured < FIELDS and not rest.looks:
            self.store.add_signs(frame.index, signs(seen, cells))
            self._measured += 1
        whole = [cell for cell in cells if _whole(cell, frame.bgr.shape, seen.scale)]
        sharpness = max(verdict.focus, 0.1)
        tracks = self._known_and_new(frame, place, seen, whole, sharpness, accounts)
        self._settle(place, frame.bgr.shape, seen.scale.um_per_px, accounts)
        cut_cells = [cell for cell in cells if not _whole(cell, frame.bgr.shape, seen.scale) and not cell.nucleus_cut]
        self._wait(frame, place, seen, cut_cells, sharpness)
        rest.looks += 1
        rest.focus = max(rest.focus, verdict.focus)
        rest.outlines = tuple(_outline(cell, track) for cell, track in zip(whole, tracks, strict=True))
        rest.waiting = len(cells) - len(whole)
        self.store.add_field(frame.index, frame.captured_at, place.area, place.x, place.y, verdict.focus, len(whole))
        return None

    def _field(self, frame: Frame) -> Field:
        if self.um_per_px is not None:
            return Field.from_bgr(frame.bgr, self.um_per_px)
        seen = Field.from_bgr(frame.bgr)
        self._scales.append(seen.scale.um_per_px)
        if len(self._scales) >= SCALES:
            self.um_per_px = self.scale
            self.state_scale()
        return seen

    def state_scale(self) -> None:
        """Put the scale, given or measured so far, in the record."""
        if self.scale is not None:
            self.store.settings(um_per_px=self.scale)

    def _known_and_new(
        self, frame: Frame, place: Place, seen: Field, whole: Sequence[Cell], sharpness: float, accounts: Accounts
    ) -> list[Track | None]:
        """The track of each cell, new ones in the store."""
        card = self.classifier.card
        tracks = self.tracks.match(place, [cell.centre for cell in whole], seen.scale.um_per_px)
        half = card.window_um / seen.scale.um_per_px / 2
        quality = [sharpness * (1.0 if _inside(cell, half, frame.bgr.shape) else CUT_WINDOW) for cell in whole]
        wanted = [n for n, track in enumerate(tracks) if track is None or track.wants(quality[n])]
        if not wanted:
            return tracks
        with self.stopwatch.stage("crop"):
            crops = cut(seen, [whole[n].centre for n in wanted], card.window_um, card.input_size)
        with self.stopwatch.stage("classify"):
            predictions = self.classifier.classify(crops)
        with self.stopwatch.stage("store"):
            for n, crop, prediction in zip(wanted, crops, predictions, strict=True):
                track = tracks[n] or Track(place.key, *np.add(whole[n].centre, (place.dx, place.dy)).tolist())
                sharpest = all(quality[n] > view.quality for view in track.views)
                combined = track.see(quality[n], np.array(prediction.probabilities), prediction.distance)
                named = judge(combined, card, track.distance)
                named = doubted(named, whole[n], seen.scale.um_per_px, card)
                if tracks[n] is None:
                    tracks[n] = self._count(frame, place, whole[n], track, named, crop, accounts)
                else:
                    self._refine(track, named, crop if sharpest else None)
        return tracks

    def _count(
        self,
        frame: Frame,
        place: Place,
        cell: Cell,
        track: Track,
        named: Prediction,
        crop: np.ndarray,
        accounts: Accounts,
    ) -> Track:
        """A cell that was not met before: durable when this returns."""
        return self._add(track, self._new(frame, place, cell, track, named, crop), accounts)

    def _new(
        self, frame: Frame, place: Place, cell: Cell, track: Track, named: Prediction, crop: np.ndarray
    ) -> NewCell:
        _, x, y = self.map.position(track.key, track.dx, track.dy)
        return NewCell(
            label=named.label,
            confidence=named.confidence,
            probabilities=named.probabilities,
            views=1,
            area=place.area,
            key=track.key,
            dx=track.dx,
            dy=track.dy,
            x=x,
            y=y,
            box=cell.box,
            frame=frame.index,
            crop=crop,
            seen_at=frame.captured_at,
            contour=cell.contour,
        )

    def _add(self, track: Track, new: NewCell, accounts: Accounts) -> Track:
        track.id = self.store.add_cell(new, accounts)
        track.label, track.confidence = new.label, new.confidence
        self.changed = True
        return self.tracks.add(track)

    def _wait(self, frame: Frame, place: Place, seen: Field, cells: Sequence[Cell], sharpness: float) -> None:
        """Name and keep cut cells that are neither known nor waiting yet."""
        card, um = self.classifier.card, seen.scale.um_per_px
        centres = [cell.centre for cell in cells]
        waiting = Tracks(self.map.position)
        for one in self._waiting:
            waiting.add(one.track)
        known = zip(self.tracks.match(place, centres, um), waiting.match(place, centres, um), strict=True)
        fresh = [cell for cell, met in zip(cells, known, strict=True) if met == (None, None)]
        if not fresh:
            return
        with self.stopwatch.stage("classify"):
            crops = cut(seen, [cell.centre for cell in fresh], card.window_um, card.input_size)
            predictions = self.classifier.classify(crops)
        for cell, crop, prediction in zip(fresh, crops, predictions, strict=True):
            track = Track(place.key, *np.add(cell.centre, (place.dx, place.dy)).tolist())
            combined = track.see(sharpness * CUT_WINDOW, np.array(prediction.probabilities), prediction.distance)
            named = doubted(judge(combined, card, track.distance), cell, um, card)
            self._waiting.append(Waiting(track, self._new(frame, place, cell, track, named, crop)))

    def _settle(self, place: Place, shape: tuple[int, ...], um_per_px: float, accounts: Accounts) -> None:
        """Waiting cells that were seen whole meanwhile wait no more; those that have left the view are counted."""
        still = []
        for one in self._waiting:
            area, x, y = self.map.position(one.track.key, one.track.dx, one.track.dy)
            if self.tracks.near(area, x, y, um_per_px):
                continue
            inside = place.x <= x <= place.x + shape[1] and place.y <= y <= place.y + shape[0]
            if area == place.area and inside:
                still.append(one)
                continue
            with self.stopwatch.stage("store"):
                self._add(one.track, replace(one.new, area=area, x=x, y=y), accounts)
        self._waiting = still

    def _refine(self, track: Track, named: Prediction, crop: np.ndarray | None) -> None:
        """Another view of a known cell, with its `crop` where it is the sharpest; what a person said of it stands."""
        if track.by != "model" or track.undone or (named.label == track.label and crop is None):
            return
        self.store.refine(track.id, named, len(track.views), crop)
        track.label, track.confidence = named.label, named.confidence
        self.changed = True


def _rests(before: Place, now: Place) -> bool:
    return before.area == now.area and float(np.hypot(now.x - before.x, now.y - before.y)) < RESTS_PX


def _inside(cell: Cell, half: float, shape: tuple[int, ...]) -> bool:
    x, y = cell.centre
    return half <= x <= shape[1] - half and half <= y <= shape[0] - half


def _whole(cell: Cell, shape: tuple[int, ...], scale: Scale) -> bool:
    margin = MARGIN_UM / scale.um_per_px
    x, y, w, h = cell.box
    inside = x >= margin and y >= margin and x + w <= shape[1] - margin and y + h <= shape[0] - margin
    return inside and not cell.at_border


def _outline(cell: Cell, track: Track | None) -> Outline:
    if track is None:
        return Outline(cell.contour, None, 0.0, False)
    counted = track.label in LEUKOCYTES and not track.undone
    return Outline(cell.contour, track.label, track.confidence, counted)
