"""The loop of live counting, and the only place where its parts meet.

Every captured frame is either counted (looked at for cells), skipped for one reason, or dropped by its source; every
cell is durable in the store before a display is told of it.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .. import tally
from ..decision import Decision, Standing
from ..mapping.slide_map import SlideMap
from ..model.classify import CellClassifier
from ..session import ADVICE, Accounts, Action, End, Focus, Light, Motion, Place, Shown
from ..sources.live_source import LiveSource
from ..stopwatch import Stopwatch
from ..store import SessionStore
from ..tally import Differential
from ..types import REFERENCES, Frame, Skip
from . import history
from .cell_counter import Looker
from .gate import Gate, Verdict
from .goal import Goal, widest
from .snapshot import Snapshot
from .take_up import take_up
from .tracks import Track

CHECKED = 50  # counted frames after which the map's small corrections may have brought two tracks together
SHOWN = 8  # cells in the display's list
RESTING = 0.05  # seconds between two looks at the keys while a film is paused


@dataclass
class Engine:
    """One session. `show` is called for every frame, `actions` gives what the person asked for since.

    `slide_awaited`: it is paused until the person has put its slide on; what the source shows until then is another
    slide's, also after a run that broke off before. `decisions`: what the count is to tell, None for what the session
    began with. `next_slide`, afterwards: the person wants a session of another slide to follow.
    """

    classifier: CellClassifier
    store: SessionStore
    goal: Goal = field(default_factory=Goal)
    um_per_px: float | None = None
    references: Mapping[str, tuple[float, float]] = field(default_factory=lambda: REFERENCES)
    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    slide_awaited: bool = False
    decisions: Sequence[str] | None = None

    def __post_init__(self) -> None:
        self.map, self.gate = SlideMap(), Gate()
        self.slide_awaited = history.slide_awaited(self.store, self.slide_awaited)
        self.cells = Looker(self.classifier, self.store, self.map, self.um_per_px, self.stopwatch)
        self.paused = self.slide_awaited
        self.next_slide = False
        self.done: End | None = None
        self.place: Place | None = None  # of the latest frame
        self.cells.state_scale()
        self.scale_origin = "red cells" if self.um_per_px is None else "given"
        self._frames: Iterator[Frame] | None = None
        self._counted, self._skipped, self._dropped = 0, Counter[str](), 0
        self._before = self.store.accounts  # of the session's earlier runs
        self._areas = self._kept = 0  # areas of the map, and its keyframes that are in the store
        self._stated = False  # whether the record says what frames are judged by
        self._began, self._times = time.monotonic(), deque[float](maxlen=30)
        self._verdict = Verdict(Skip.LOST, 0.0, Light.GOOD, Focus.MEASURING, Motion.STILL)
        asked = self.store.info.decisions if self.decisions is None else self.decisions
        self._asked = tuple(map(Decision.parse, asked))
        self._recent: tuple[Shown, ...]
        self.standings: tuple[Standing, ...]
        self._differential: Differential
        self._ask_store()

    def run(
        self,
        source: LiveSource,
        show: Callable[[Snapshot], None],
        actions: Callable[[], Sequence[Action]] = tuple,
        truth: Mapping[str, int] | None = None,
    ) -> End:
        """Count until the goal is reached, the person stops or the source ends; returns why."""
        stage = self.stopwatch.stage
        if self._frames is None:  # a source is iterated once, also where counting goes on after the goal
            self._frames = iter(source)
        while self.done is None:
            if self.paused and not source.live:  # a film stops, so that none of its frames passes unseen
                self._rest(source, show, actions, truth)
                continue
            with stage("wait for a frame"):
                frame = next(self._frames, None)
            if frame is None:
                self.done = End.SOURCE
                break
            arrived = time.time()
            self._dropped = source.dropped
            self.look(frame)
            self.store.save_accounts(self.accounts)
            self._answer(actions())
            self.done = self.done or self.goal.reached(self.differential)
            with stage("display"):
                show(self.snapshot(source, frame, truth))
            since = frame.captured_at if source.live else arrived
            self.stopwatch.milliseconds["capture to display"].append(1000 * (time.time() - since))
        self._dropped = source.dropped
        return self.done

    def _rest(
        self,
        source: LiveSource,
        show: Callable[[Snapshot], None],
        actions: Callable[[], Sequence[Action]],
        truth: Mapping[str, int] | None,
    ) -> None:
        """A moment of a pause in which no frame is taken."""
        time.sleep(RESTING)
        self._answer(actions())
        show(self.snapshot(source, None, truth))

    def _answer(self, actions: Sequence[Action]) -> None:
        """To what was asked for, up to what ends the session: nothing more is done to one that is signed."""
        for action in actions:
            if self.done is None:
                self.act(action)

    def go_on(self) -> None:
        """Count on although the goal is reached."""
        self.goal, self.done = Goal(None), None

    def finish(self, dropped: int | None = None) -> None:
        """Leave the session as it stands in the store: all frames accounted for, cells where the map has them now.

        `dropped`: what the source dropped in all, which some know only when they are closed.
        """
        self._dropped = self._dropped if dropped is None else dropped
        self.store.save_accounts(self.accounts)
        if self.done == End.SIGNED:
            return
        self.store.settings(gate=self.gate.settings)
        if not self._before.counted:  # else an earlier run has, of more fields perhaps
            self.cells.state_scale()
        self.store.move_keyframes(self.map.places())
        self.store.relocate({t.id: self.map.position(t.key, t.dx, t.dy) for t in self.cells.tracks})

    def look(self, frame: Frame) -> None:
        """Locate, judge and, where it may be, count one frame."""
        if self.place is None:
            self._kept = take_up(self.store, self.map, self.cells.tracks, frame.bgr.shape)
            self._areas = self.map.areas
        with self.stopwatch.stage("registration"):
            place = self.map.locate(frame.bgr)
            new = self.map.pieces(self._kept)
        if new:
            self.store.add_keyframes(new)
            self._kept = new[-1].key + 1
        history.tell_place(self.store, self.place, place)
        self.place = place
        with self.stopwatch.stage("gate"):
            verdict = self.gate.judge(frame.bgr, place)
        if not self._stated and self.gate.reference is not None:
            self.store.settings(gate=self.gate.settings)
            self._stated = True
        reason = Skip.PAUSED if self.paused else verdict.reason
        if reason is None:
            reason = self.cells.look(frame, place, verdict, self.accounts)
        if reason is None:
            self._counted += 1
        else:
            self._skipped[reason] += 1
            self.cells.rest.outlines = ()
        self._verdict = Verdict(reason, verdict.focus, verdict.light, verdict.sharpness, verdict.motion)
        if joined := self.map.areas < self._areas:
            self.store.move_keyframes(self.map.places())  # else a run that goes on would part them again
        due = joined or (reason is None and self._counted % CHECKED == 0)
        scale = self.cells.scale  # None before anything was looked at
        if due and scale is not None and history.join_doubled(self.store, self.cells.tracks, scale):
            self.cells.changed = True
        self._areas = self.map.areas
        self._times.append(time.monotonic())

    def act(self, action: Action) -> None:
        """What the person asked for by a key."""
        now, who = time.time(), action.who or self.store.info.operator or "operator"
        if action.kind == "pause":
            self._pause(who, now)
        elif action.kind == "undo":
            for track in self._tracks_of(self.store.undo_last(who, now)):
                track.undone = True
        elif action.kind == "redo":
            for track in self._tracks_of(self.store.redo_last(who, now)):
                track.undone = False
        elif action.kind == "new_area":
            self.map.new_slide()
            self.store.event("another area", "", who, now)
        elif action.kind == "identify":
            self.store.identify(action.sample, action.operator, who, now)
        elif action.kind == "reclassify" and action.label:
            cell = action.cell or next((shown.id for shown in self.store.last(1)), None)
            if cell is not None:
                self.store.reclassify(cell, action.label, who, now)
                for track in self._tracks_of(cell):
                    track.label, track.by = action.label, who
        elif action.kind == "sign":
            self._sign(action, now)
        elif action.kind == "quit":
            self.done = End.STOPPED
        self.next_slide = self.next_slide or action.next_slide
        self.cells.changed = True

    def _pause(self, who: str, now: float) -> None:
        self.paused = not self.paused
        kind = "paused" if self.paused else "resumed"
        if self.slide_awaited and not self.paused:
            self.slide_awaited, kind = False, "new slide"
            self.map.new_slide()  # what the camera saw until now was the slide of before
        self.store.event(kind, "", who, now)

    def _sign(self, action: Action, now: float) -> None:
        """By who asks for it, or the session's operator, who may have been named only now; UsageError for nobody."""
        who = action.who or action.operator or self.store.info.operator
        if action.operator and not self.store.info.operator:
            self.store.identify(None, action.operator, who, now)
        self.finish()
        self.store.sign(who, now)
        self.done = End.SIGNED

    def _tracks_of(self, cell: int | None) -> list[Track]:
        """Its track; none where it was counted before the session was resumed."""
        return [track for track in self.cells.tracks if track.id == cell]

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
        if self.cells.changed:  # the store is the truth; it is asked again only when something changed
            self._ask_store()
        return self._differential

    def _ask_store(self) -> None:
        self._recent = tuple(self.store.last(SHOWN))
        self._differential = Differential.from_counts(
            self.store.counts(), self.classifier.card.leukocytes, self.references
        )
        seen = {share.label: share.count for share in self._differential.classes}
        self.standings = tuple(one.standing(seen.get(one.label, 0), self._differential.counted) for one in self._asked)
        self.cells.changed = False

    def snapshot(self, source: LiveSource, frame: Frame | None, truth: Mapping[str, int] | None = None) -> Snapshot:
        """How the session stands; `frame` is the one that was looked at, None in the pause of a film."""
        info, verdict, view = self.store.info, self._verdict, self.cells.rest
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
            advice=None if verdict.reason is None else ADVICE[verdict.reason],
            light=verdict.light,
            focus=verdict.sharpness,
            motion=verdict.motion,
            in_view=len(view.outlines),
            waiting=view.waiting,
            um_per_px=self.cells.scale,
            areas=self.map.areas,
            last=self._recent,
            paused=self.paused,
            slide_awaited=self.slide_awaited,
            done=self.done,
            warning=self.review or self.store.warning or source.warning,
            elapsed=time.monotonic() - self._began,
            outlines=view.outlines,
            bgr=None if frame is None else frame.bgr,
            decisions=self.standings,
            truth=truth,
        )

    @property
    def review(self) -> str:
        """Why a person must look at this count, in one line; empty where nothing asks for it."""
        return tally.warning(self.differential, self.classifier.card.warn_share)
