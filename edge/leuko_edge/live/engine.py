"""The loop of live counting, and the only place where its parts meet.

Every captured frame is either counted (looked at for cells), skipped for one reason, or dropped by its source; every
cell is durable in the store before a display is told of it.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..classify import CellClassifier, judge
from ..crop import cut
from ..errors import PictureError
from ..optics import Field
from ..segment import find_cells
from ..stopwatch import Stopwatch
from ..store import NewCell, SessionStore
from ..tally import REFERENCES, Differential
from ..types import LEUKOCYTES, UNIDENTIFIED, Cell, Frame, Scale
from .gate import Gate, Verdict, advice
from .goal import Goal, widest
from .keys import Action
from .slidemap import SlideMap
from .state import Accounts, LiveSource, Outline, Place, Snapshot
from .tracks import Track, Tracks

SCALES = 9  # fields whose red cells give the session's scale, as their median
LOOKS = 4  # looks at one resting view: more show nothing new, unless the picture gets sharper
UNFAMILIAR = 0.15  # share of unidentified among white cells above which the laboratory is outside what the model knows
FEW = 20  # white cells below which no share is judged
MARGIN_UM = 1.0  # a cell nearer to the frame's edge may go on beyond it
CHECKED = 50  # counted frames after which the map's small corrections may have brought two tracks together
SHOWN = 8  # cells in the display's list


@dataclass
class _View:
    """The place the camera rests at: how often it was looked at, and what was seen."""

    place: Place | None = None
    looks: int = 0
    focus: float = 0.0
    outlines: tuple[Outline, ...] = ()
    waiting: int = 0


@dataclass
class Engine:
    """One session. `show` is called for every frame, `actions` gives what the person asked for since."""

    classifier: CellClassifier
    store: SessionStore
    goal: Goal = field(default_factory=Goal)
    um_per_px: float | None = None
    references: Mapping[str, tuple[float, float]] = field(default_factory=lambda: REFERENCES)
    stopwatch: Stopwatch = field(default_factory=Stopwatch)

    def __post_init__(self) -> None:
        self.map, self.gate = SlideMap(), Gate()
        self.tracks = Tracks(self.map.position)
        self.paused, self.done = False, ""
        self.place: Place | None = None  # of the latest frame
        self.scale_origin = "red cells" if self.um_per_px is None else "given"
        self._frames: Iterator[Frame] | None = None
        self._scales: list[float] = []
        self._view = _View()
        self._counted, self._skipped, self._dropped = 0, Counter[str](), 0
        self._before = self.store.accounts  # of the session's earlier runs
        self._areas = 0
        self._began, self._times = time.monotonic(), deque[float](maxlen=30)
        self._changed = True
        self._recent = self.store.last(SHOWN)
        self._verdict = Verdict("lost", 0.0, "good", "measuring", "still")

    def run(
        self,
        source: LiveSource,
        show: Callable[[Snapshot], None],
        actions: Callable[[], Sequence[Action]] = tuple,
        truth: Mapping[str, int] | None = None,
    ) -> str:
        """Count until the goal is reached, the person stops or the source ends; returns why, in words."""
        stage = self.stopwatch.stage
        if self._frames is None:  # a source is iterated once, also where counting goes on after the goal
            self._frames = iter(source)
        while not self.done:
            with stage("wait for a frame"):
                frame = next(self._frames, None)
            if frame is None:
                self.done = "the source has ended"
                break
            arrived = time.time()
            self._dropped = source.dropped
            self.look(frame)
            self.store.save_accounts(self.accounts)
            for action in actions():
                self.act(action)
            self.done = self.done or self.goal.reached(self.differential)
            with stage("display"):
                show(self.snapshot(source, frame, truth))
            since = frame.captured_at if source.live else arrived
            self.stopwatch.milliseconds["capture to display"].append(1000 * (time.time() - since))
        self._dropped = source.dropped
        return self.done

    def go_on(self) -> None:
        """Count on although the goal is reached."""
        self.goal, self.done = Goal(None), ""

    def finish(self) -> None:
        """Leave the session as it stands in the store: all frames accounted for, cells where the map has them now."""
        self.store.save_accounts(self.accounts)
        if self.done == "signed":
            return
        self.store.settings(gate=self.gate.settings)
        self.store.relocate({t.id: self.map.position(t.key, t.dx, t.dy) for t in self.tracks})

    def look(self, frame: Frame) -> None:
        """Locate, judge and, where it may be, count one frame."""
        with self.stopwatch.stage("registration"):
            place = self.map.locate(frame.bgr)
        self._tell_place(place)
        with self.stopwatch.stage("gate"):
            verdict = self.gate.judge(frame.bgr, place)
        reason = "paused" if self.paused else verdict.reason
        if reason is None and not self._looked_enough(place, verdict):
            reason = self._count(frame, place, verdict)
        if reason is None:
            self._counted += 1
        else:
            self._skipped[reason] += 1
            self._view.outlines = ()
        self._verdict = Verdict(reason, verdict.focus, verdict.light, verdict.sharpness, verdict.motion)
        if self.map.areas < self._areas or (reason is None and self._counted % CHECKED == 0):
            self._join_doubled()
        self._areas = self.map.areas
        self._times.append(time.monotonic())

    def _tell_place(self, place: Place) -> None:
        """Into the session's history: where counting broke off, and where it was taken up again."""
        before, self.place = self.place, place
        if before is not None and (before.state == "lost") != (place.state == "lost"):
            kind = {"lost": "lost", "new": "new area"}.get(place.state, "found")
            self.store.event(kind, "", "model", time.time())

    def _looked_enough(self, place: Place, verdict: Verdict) -> bool:
        view = self._view
        last = view.place
        rests = last is not None and last.area == place.area and np.hypot(place.x - last.x, place.y - last.y) < 4
        if not rests:
            self._view = _View(place)
            return False
        return view.looks >= LOOKS and verdict.focus <= 1.15 * view.focus

    def _count(self, frame: Frame, place: Place, verdict: Verdict) -> str | None:
        """Find the frame's cells and count the new ones; the reason where it cannot be counted after all."""
        stage, card = self.stopwatch.stage, self.classifier.card
        try:
            with stage("light and scale"):
                seen = self._field(frame)
        except PictureError:  # no background, or no red cells while the scale is not known
            return "empty"
        with stage("segment"):
            cells = find_cells(seen)
        whole = [cell for cell in cells if _whole(cell, frame.bgr.shape, seen.scale)]
        tracks = self.tracks.match(place, [cell.centre for cell in whole], seen.scale.um_per_px)
        quality = max(verdict.focus, 0.1)
        wanted = [n for n, track in enumerate(tracks) if track is None or track.wants(quality)]
        if wanted:
            with stage("crop"):
                crops = cut(seen, [whole[n].centre for n in wanted], card.window_um, card.input_size)
            with stage("classify"):
                predictions = self.classifier.classify(crops)
            for n, crop, prediction in zip(wanted, crops, predictions, strict=True):
                with stage("store"):
                    tracks[n] = self._seen(
                        frame, place, whole[n], tracks[n], quality, crop, np.array(prediction.probabilities)
                    )
        self._view.looks += 1
        self._view.focus = max(self._view.focus, verdict.focus)
        self._view.outlines = tuple(_outline(c, t) for c, t in zip(whole, tracks, strict=True))
        self._view.waiting = len(cells) - len(whole)
        self.store.add_field(frame.index, frame.captured_at, place.area, place.x, place.y, verdict.focus, len(whole))
        return None

    def _field(self, frame: Frame) -> Field:
        if self.um_per_px is not None:
            return Field.from_bgr(frame.bgr, self.um_per_px)
        seen = Field.from_bgr(frame.bgr)
        self._scales.append(seen.scale.um_per_px)
        if len(self._scales) >= SCALES:
            self.um_per_px = float(np.median(self._scales))
            self.store.settings(um_per_px=self.um_per_px, gate=self.gate.settings)
        return seen

    def _seen(
        self,
        frame: Frame,
        place: Place,
        cell: Cell,
        track: Track | None,
        quality: float,
        crop: np.ndarray,
        probabilities: np.ndarray,
    ) -> Track:
        """Another view of a known cell, or a new cell: in the store when this returns."""
        card = self.classifier.card
        if track is None:
            track = Track(place.key, place.dx + cell.centre[0], place.dy + cell.centre[1])
        sharpest = all(quality > q for q, _ in track.views)
        combined = judge(track.see(quality, probabilities), card)
        if track.id and combined.label == track.label and not sharpest:
            return track
        if track.id:
            if track.by == "model" and not track.undone:
                self.store.refine(track.id, combined, len(track.views), crop if sharpest else None)
                track.label, track.confidence = combined.label, combined.confidence
        else:
            _, x, y = self.map.position(track.key, track.dx, track.dy)
            new = NewCell(
                label=combined.label,
                confidence=combined.confidence,
                probabilities=combined.probabilities,
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
            track.id = self.store.add_cell(new, self.accounts)
            track.label, track.confidence = combined.label, combined.confidence
            self.tracks.add(track)
        self._changed = True
        return track

    def _join_doubled(self) -> None:
        """The map was corrected, or two areas turned out to be one: what is now at one place was one cell."""
        for older, newer in self.tracks.doubled(self.um_per_px or float(np.median(self._scales or [0.1]))):
            self.store.discard(newer.id, f"the same cell as {older.id}", time.time())
            newer.undone = True
            self._changed = True

    def act(self, action: Action) -> None:
        """What the person asked for by a key."""
        now, who = time.time(), self.store.info.operator or "operator"
        if action.kind == "pause":
            self.paused = not self.paused
            self.store.event("paused" if self.paused else "resumed", "", who, now)
        elif action.kind == "undo":
            for track in self._tracks_of(self.store.undo_last(who, now)):
                track.undone = True
        elif action.kind == "new_slide":
            self.map.new_slide()
            self.store.event("new slide", "", who, now)
        elif action.kind == "reclassify" and action.label:
            cell = action.cell or next((shown.id for shown in self.store.last(1)), None)
            if cell is not None:
                self.store.reclassify(cell, action.label, who, now)
                for track in self._tracks_of(cell):
                    track.label, track.by = action.label, who
        elif action.kind == "sign":
            self.finish()
            self.store.sign(who, now)
            self.done = "signed"
        elif action.kind == "quit":
            self.done = "stopped by the operator"
        self._changed = True

    def _tracks_of(self, cell: int | None) -> list[Track]:
        """Its track; none where it was counted before the session was resumed."""
        return [track for track in self.tracks if track.id == cell]

    @property
    def accounts(self) -> Accounts:
        """Of the whole session, its earlier runs with it."""
        before = self._before
        return Accounts(
            before.counted + self._counted,
            dict(Counter(before.skipped) + self._skipped),
            before.dropped + self._dropped,
        )

    @property
    def differential(self) -> Differential:
        if self._changed:  # the store is the truth; it is asked again only when something changed
            self._recent = self.store.last(SHOWN)
            self._differential = Differential.from_counts(
                self.store.counts(), self.classifier.card.leukocytes, self.references
            )
            self._changed = False
        return self._differential

    def snapshot(self, source: LiveSource, frame: Frame, truth: Mapping[str, int] | None = None) -> Snapshot:
        info, verdict, view = self.store.info, self._verdict, self._view
        differential = self.differential
        span = self._times[-1] - self._times[0] if len(self._times) > 1 else 0.0
        return Snapshot(
            session=self.store.id,
            sample=info.sample,
            operator=info.operator,
            source=source.name,
            simulated=info.simulated,
            differential=differential,
            target=self.goal.target,
            precision=self.goal.precision,
            widest=widest(differential),
            accounts=self.accounts,
            frames_per_second=(len(self._times) - 1) / span if span else 0.0,
            advice=advice(verdict.reason),
            light=verdict.light,
            focus=verdict.sharpness,
            motion=verdict.motion,
            in_view=len(view.outlines),
            waiting=view.waiting,
            um_per_px=self.um_per_px,
            areas=self.map.areas,
            last=tuple(self._recent),
            paused=self.paused,
            done=self.done,
            warning=self._warned(differential),
            elapsed=time.monotonic() - self._began,
            outlines=view.outlines,
            bgr=frame.bgr,
            truth=truth,
        )

    def _warned(self, differential: Differential) -> str:
        white = differential.counted + differential.unidentified
        if white >= FEW and differential.unidentified > UNFAMILIAR * white:
            share = 100 * differential.unidentified / white
            return f"{share:.0f} % of white cells are unidentified: the model does not know this stain or camera"
        return self.store.warning


def _whole(cell: Cell, shape: tuple[int, ...], scale: Scale) -> bool:
    margin = MARGIN_UM / scale.um_per_px
    x, y, w, h = cell.box
    inside = x >= margin and y >= margin and x + w <= shape[1] - margin and y + h <= shape[0] - margin
    return inside and not cell.at_border


def _outline(cell: Cell, track: Track | None) -> Outline:
    if track is None:
        return Outline(cell.contour, None, 0.0, False)
    counted = track.label in LEUKOCYTES and not track.undone
    return Outline(cell.contour, track.label or UNIDENTIFIED, track.confidence, counted)
