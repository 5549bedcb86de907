"""One session after another, and after a fault another try: the whole life of the service in one loop and one thread.

A try reads the configuration, the model and the camera anew, so that whatever was mended in the meantime is found.
Every fault leaves the session open on the disk, and the next try goes on with it, as the next start does after a crash.
"""

from __future__ import annotations

import contextlib
import os
import time
import traceback
from collections import Counter
from collections.abc import Callable

import cv2

from ..camera.opening import open_source
from ..camera.tuning import wishes
from ..config import Settings
from ..errors import EnvironmentBroken, LeukoError, PictureError, SourceLost, UsageError
from ..files import default_path
from ..live.engine import Engine
from ..live.goal import Goal
from ..live.session_stream import Stream
from ..live.snapshot import Snapshot
from ..model.classify import Classifier
from ..qc.around_counting import ask_for_test, told_of
from ..results.teaching import offer
from ..screen import words
from ..session import Action, End
from ..sources.live_source import LiveSource
from ..store import SessionDamaged, SessionStore, StoreDamaged, StoreError, rescue, schema
from ..store.archive import Archive
from . import sentences
from .backoff import FIRST, LONGEST, Pauses
from .journal import ERROR, WARNING
from .reporter import Teller
from .resume import check_room, last_open, new_session, take_up

LOADING = 60.0  # seconds that the model may take, on the slowest card and board
OPENING = 60.0  # seconds that a camera may take: "auto" tries one after the other, and waits at each
TICK = 0.1  # seconds between two looks at keys and clock while no frames come
DEVICE = (OSError, MemoryError, cv2.error, ImportError)
"""What the device itself may do to a try; anything else that is no LeukoError is a defect of the program."""
PATIENT = 2
"""Times that a session may meet a defect before it is ended: what it holds may be what the program cannot bear."""


class Service:
    """`load` reads the settings, which `follow` is told too; `video` is a film to count instead of the camera,
    `demo` opens a drawn slide."""

    def __init__(
        self,
        teller: Teller,
        load: Callable[[], Settings],
        video: str | None = None,
        follow: Callable[[Settings], None] = lambda settings: None,
        demo: Callable[[], LiveSource] | None = None,
    ) -> None:
        self._teller, self._load, self._follow = teller, load, follow
        self._video, self._demo = video, demo
        self._pauses = Pauses()
        self._display: str | None = None  # as last asked for
        self._frames_came = False
        self._given_up: list[Stream] = []  # whose reading may still hold the camera
        self._paused = False  # by a person, when the fault came
        self._slide_changes = False  # a session has ended, and the slide of the next is not said to be there
        self._counting: tuple[str, int] | None = None  # database and session in work
        self._defects = Counter[tuple[str, int]]()  # by database and session
        self._unclosed: set[tuple[str, int]] = set()  # sessions that are ended and cannot even be closed
        self._told: set[str] = set()  # defects that the journal has
        self._blamable = True  # no session was ended for a defect since frames came: one that comes again is elsewhere

    def run(self) -> None:
        """Count until something is raised; returns at the end of a film.

        LeukoErrors pass where a film cannot be used, and where only another process could use the camera.
        """
        fault: LeukoError
        while True:
            try:
                self._count()
                return
            except StoreDamaged as error:
                fault = self._begin_anew(error)
            except SessionDamaged as error:
                self._end_session(error.path, error.session, error.what)
                fault = error
            except LeukoError as error:
                if self._video is not None and isinstance(error, UsageError | PictureError | SourceLost):
                    raise
                fault = error
            except DEVICE as error:
                why = getattr(error, "strerror", None) or str(error) or type(error).__name__
                cure = "if it stays so, restart the device, then install leuko-edge again"
                fault = EnvironmentBroken(f"the device fails ({why})", cure)
            except Exception as error:
                fault = self._defect(error)
            self._rest(sentences.fault(fault))

    def _begin_anew(self, damage: StoreDamaged) -> StoreError:
        """Put a damaged database aside, as it is, so that the next try makes a new one; what is to be said of it."""
        try:
            aside = rescue.set_aside(damage.path)
        except StoreError as error:
            return error
        return StoreError(
            f"{damage.path} is damaged: it was set aside as {aside}, with all that is in it, and a new one is begun",
            "restore the old one from a copy",
        )

    def _defect(self, error: Exception) -> EnvironmentBroken:
        """An error that nobody has thought of: the journal has its traceback once, the session does not meet it for
        ever."""
        trace = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{type(error).__name__} in {os.path.basename(trace.filename)}, line {trace.lineno}"
        if where not in self._told:
            self._told.add(where)
            for line in "".join(traceback.format_exception(error)).splitlines():
                self._teller.journal.say(line, ERROR)
        found = f"leuko-edge has a defect ({where})"
        if self._counting is not None:
            self._defects[self._counting] += 1
            if self._defects[self._counting] >= PATIENT and self._blamable:
                self._blamable = False
                database, session = self._counting
                self._end_session(database, session, f"the program met a defect in it ({where})")
                found = f"{found}; session {session} is closed, not signed, and all its cells are kept"
        return EnvironmentBroken(found, "please report it with the lines of the journal")

    def _end_session(self, database: str, session: int, why: str) -> None:
        """Close it, or where even that cannot be done go on without it."""
        try:
            SessionStore.give_up_session(database, session, why)
        except StoreError:
            self._unclosed.add((os.path.realpath(database), session))

    def _rest(self, fault: str) -> None:
        if self._display is None:  # the configuration itself is at fault
            self._open_display("auto")
        pause = self._pauses.after_fault()
        # Once a camera has given frames, a second fault is enough; else a new start is the last thing to be tried.
        enough = FIRST if self._frames_came else LONGEST / 2
        if pause > enough and self._teller.notifier.supervised and self._a_reader_hangs():
            raise EnvironmentBroken(f"{fault}: its driver does not answer any more, so the program is started anew")
        self._teller.fault(fault, pause)
        until = time.monotonic() + pause
        while (left := until - time.monotonic()) > 0 and not self._teller.face.pressed():
            self._teller.resting(pause, left)
            time.sleep(min(TICK, left))

    def _give_up(self, stream: Stream) -> None:
        if stream.hangs:
            self._given_up.append(stream)

    def _a_reader_hangs(self) -> bool:
        self._given_up = [stream for stream in self._given_up if stream.hangs]
        return bool(self._given_up)

    def _open_display(self, wanted: str) -> None:
        if wanted != self._display:
            self._display = wanted
            self._teller.face.open(wanted)

    def _count(self) -> None:
        """One try: count until a fault is raised, or until a film has ended."""
        self._teller.step("reading the configuration and the model", LOADING)
        settings = self._load()
        database = os.fspath(settings.session.database or default_path())
        if settings.review.enabled:  # made here, where nobody else makes it: who makes it holds its lock for a moment
            schema.open_beside(database).close()
        self._follow(settings)
        self._open_display(settings.service.display)
        threads = settings.count.threads or os.cpu_count() or 1
        cv2.setNumThreads(threads)
        with contextlib.ExitStack() as stack:
            classifier = Classifier.from_path(
                settings.model.path, threads, settings.model.site, settings.model.trusted_keys
            )
            stack.enter_context(contextlib.closing(classifier))
            check_room(database)
            # Before the camera, which the test needs.
            if self._video is None and self._demo is None and last_open(database) is None:
                ask_for_test(settings.qc, database, classifier.card.sha256)
            self._teller.step("opening the camera", OPENING)
            stream = self._stream(settings)
            stack.callback(self._give_up, stream)
            stack.enter_context(stream)
            while self._session(settings, classifier, stream, database) or stream.live:
                self._slide_changes = True

    def _stream(self, settings: Settings) -> Stream:
        if self._video is not None:
            return Stream(open_source("video", self._video))
        if self._demo is not None:
            return Stream(self._demo())
        # A lost camera is opened anew here, where the watchdog is fed meanwhile, and not by the source in silence.
        return Stream(open_source("camera", settings.camera.source, tries=0, **wishes(settings)))

    def _session(self, settings: Settings, classifier: Classifier, stream: Stream, database: str) -> bool:
        """Count one session to its end, the one of before or a new one; whether another slide was asked for."""
        stream.next_session()
        info = new_session(settings, stream, classifier.card, simulated=self._demo is not None)
        self._counting = None
        store = take_up(database, info, self._teller.journal.say, self._unclosed)
        resumed = store is not None
        if not resumed and self._video is None and self._demo is None:
            untested = ask_for_test(settings.qc, database, classifier.card.sha256)
            if untested:
                self._teller.news(untested)
        store = store or SessionStore.create(database, info)
        self._counting = (database, store.id)
        self._teller.database = store.path
        with store:
            goal = Goal(store.info.target, store.info.precision)
            engine = Engine(
                classifier,
                store,
                goal,
                settings.count.um_per_px,
                store.info.ranges,
                slide_awaited=self._slide_changes,
            )
            counted = engine.differential.counted
            engine.paused, self._paused = engine.paused or self._paused, False
            if engine.slide_awaited:
                self._teller.news(f"session {store.id} waits for its slide: put it on, then press p")
            elif resumed and not self._frames_came:
                self._teller.news(
                    f"session {store.id} goes on, with {counted} cells of before; if the slide is another one, press n"
                )
            try:
                self._until_ended(engine, stream)
            except BaseException:  # SIGTERM among them: the session stays open, as it stands
                self._paused, self._slide_changes = engine.paused, engine.slide_awaited
                with contextlib.suppress(LeukoError):
                    engine.finish(stream.dropped)
                raise
            engine.finish(stream.dropped)
            counted, warning = engine.differential.counted, engine.review
        said = words.ended(engine.done, engine.goal.target, engine.goal.precision) if engine.done else "interrupted"
        why = said if engine.done == End.SIGNED else f"not signed: {said}"
        self._teller.journal.say(f"session {store.id} has ended with {counted} leukocytes, {why}")
        if warning:
            self._teller.journal.say(f"session {store.id}: {warning}", WARNING)
        if engine.done == End.SIGNED:
            self._offer_to_teach(database, store.id, settings.model.site or "")
        for drifted in told_of(database, store.id):
            self._teller.news(f"session {store.id}: {drifted}")
        return engine.next_slide

    def _offer_to_teach(self, database: str, session: int, site: str) -> None:
        with contextlib.suppress(LeukoError), Archive(database) as archive:  # no count fails for an offer
            if offered := offer(archive.record(session), site, database):
                self._teller.news(f"session {session}: {offered}")

    def _until_ended(self, engine: Engine, stream: Stream) -> None:
        """Until the result is signed, the person wants no more of it, or a film is over."""

        def show(snapshot: Snapshot) -> None:
            self._frames_came = self._blamable = True
            self._pauses.frame(time.monotonic())
            self._teller.frame(snapshot)

        while True:
            ended = engine.run(stream, show, self._teller.face.actions)
            if ended not in (End.TARGET, End.PRECISION):
                if stream.live and ended == End.SOURCE:
                    raise SourceLost(f"{stream.name} gives no more pictures")
                return
            if not stream.live:
                return
            action = self._asked_to_sign(engine, ended)
            if action is not None:
                engine.act(action)
                return
            engine.go_on()

    def _asked_to_sign(self, engine: Engine, ended: End) -> Action | None:
        """At the goal: what the person answers; None where counting is to go on. Nobody there: it waits."""
        face = self._teller.face
        face.ask_to_sign()
        why = words.ended(ended, engine.goal.target, engine.goal.precision)
        said = f"session {engine.store.id}: {why}; {sentences.SIGN_IT}"
        self._teller.journal.say(said)
        while face.question:
            self._teller.waiting(said)
            for action in face.actions():
                if action.kind in ("sign", "quit"):
                    return action
                engine.act(action)
                self._teller.named(engine.store.info)
            time.sleep(TICK)
        return None
