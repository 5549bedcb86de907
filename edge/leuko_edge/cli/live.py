"""One live session from the command line: a source, the engine, a display, and the result as table and files."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import cv2
from rich.text import Text

from ..camera.opening import open_source
from ..camera.tuning import wishes
from ..errors import INTERRUPTED, PARTLY, LeukoError, NothingCountable, UsageError
from ..files import default_path
from ..live.engine import Engine
from ..live.goal import Goal
from ..live.session_info import TARGET, information
from ..model.classify import Classifier
from ..results import table as display
from ..results.console import Terminal
from ..screen.face import Face, facing
from ..screen.keyboard import has_keyboard
from ..session import End
from ..simulate import demo
from ..sources.live_source import LiveSource
from ..store import SessionDamaged, SessionInfo, SessionStore
from ..store.archive import Archive
from ..tally import Differential, Fields
from ..types import Scale
from .enrol import offer
from .request import Request
from .sessions import export


def count_live(request: Request) -> int:
    """Count what a camera, a film or the simulated slide shows; returns the exit code.

    LeukoErrors before the first frame pass with their sentences; one that ends the count later is said after the
    table, and the session is kept open for --resume.
    """
    settings, references = request.settings, request.settings.reference
    cv2.setNumThreads(request.threads)
    messages = Terminal(stderr=True)
    out = messages if request.results.json == "-" else Terminal()
    with contextlib.ExitStack() as stack:
        source, truth = _source(request)
        classifier = stack.enter_context(
            contextlib.closing(Classifier.from_path(settings.model.path, request.threads, settings.model.site))
        )
        database = _database(request, stack)
        with source:  # first: without a camera no session begins
            store = stack.enter_context(_store(request, classifier, source, database))
            engine = Engine(classifier, store, _goal(request, store.info), settings.count.um_per_px, references)
            with facing(out if out.is_terminal else messages, request.window, request.quiet) as face:
                ended = _attend(engine, source, face, truth)
        unfinished = _finish(engine, source)
        ended = ended or unfinished
        differential, fields, number, warning = engine.differential, _fields(engine), store.id, engine.review
        if ended is None:
            store.close()
        else:
            with contextlib.suppress(LeukoError):  # what ended the count is what is said
                store.close("open")
        code = _code(ended, differential, source, film=request.video is not None)
        if request.results:  # before anything is shown
            try:
                code = export(database, number, request.results) or code
            except NothingCountable as error:  # written all the same, and said below
                code = code or error.exit_code
        if not request.quiet:
            if request.demo and request.resume is not None:  # the truth of this slide is not that of the whole session
                out.print(Text(display.SIMULATED, style="bold yellow"))
                truth = None
            display.show(out, differential, fields, truth, warning)
        elif warning:
            messages.print(Text(f"leuko-edge: {warning}"), soft_wrap=True)
        if engine.done == End.SIGNED and not request.quiet:
            with contextlib.suppress(LeukoError), Archive(database) as archive:  # no count fails for an offer
                taught = offer(archive.record(number), settings.model.site or "", settings.session.database or "")
                if taught:
                    messages.print(Text(taught), soft_wrap=True)
        if request.timings:
            for line in engine.stopwatch.lines():
                messages.print(Text(line), soft_wrap=True)
        if ended is not None:
            passing = request.demo and not settings.session.database
            damaged = store.given_up  # it cannot be gone on with, and the sentence has said so
            kept = "" if passing or damaged else f"; session {number} is kept, go on with --resume {number}"
            messages.print(Text(f"leuko-edge: {ended[0]}{kept}"), soft_wrap=True)
        elif code == NothingCountable.exit_code:
            messages.print(Text("leuko-edge: no white cell was counted"), soft_wrap=True)
        elif code == PARTLY:
            sentence = f"{source.dropped} frames could not be used and are not counted; copy or record it again"
            messages.print(Text(f"leuko-edge: {source.name}: {sentence}"), soft_wrap=True)
        return code


def _code(ended: tuple[str, int] | None, differential: Differential, source: LiveSource, film: bool) -> int:
    """The exit code, by what was counted. Who looks through a camera may leave it again, and it drops frames as it
    must; of a film every one was wanted."""
    if ended is not None:
        return ended[1]
    if film and not differential.counted:
        return NothingCountable.exit_code
    return PARTLY if film and source.dropped else 0


def _attend(engine: Engine, source: LiveSource, face: Face, truth: Mapping[str, int] | None) -> tuple[str, int] | None:
    """Run the session; None where it ended as it should, else (the sentence why not, the exit code)."""
    try:
        while True:
            engine.run(source, face.show, face.actions, truth)
            if not has_keyboard() or not engine.goal.reached(engine.differential):
                return None
            action = face.sign_or_go_on()
            if action is not None:
                engine.act(action)
                return None
            engine.go_on()
    except KeyboardInterrupt:
        return "interrupted", INTERRUPTED
    except SessionDamaged as error:
        with contextlib.suppress(LeukoError):
            engine.store.give_up(error.what)
        return str(error), error.exit_code
    except LeukoError as error:
        return str(error), error.exit_code


def _finish(engine: Engine, source: LiveSource) -> tuple[str, int] | None:
    """The session as it stands into the store, once the source is closed and knows all it has dropped."""
    if engine.store.given_up:
        return None
    try:
        engine.finish(source.dropped)
    except LeukoError as error:
        return str(error), error.exit_code
    return None


def _source(request: Request) -> tuple[LiveSource, Mapping[str, int] | None]:
    """What is to be watched, and the truth of it where it is drawn."""
    if request.demo:
        film = demo.simulated(request.demo.seed, request.demo.cells or TARGET)
        return film, film.counts
    if request.video is not None:
        return open_source("video", request.video), None
    return open_source("camera", request.settings.camera.source, **wishes(request.settings)), None


def _goal(request: Request, resumed: SessionInfo | None = None) -> Goal:
    asked = request.settings.count
    if asked.target is not None or asked.precision is not None:
        return Goal(asked.target, asked.precision)
    if resumed is not None:
        return Goal(resumed.target, resumed.precision)
    return Goal(None if request.demo else TARGET)  # the demo's slide is counted to its end, and so is its truth


def _database(request: Request, stack: contextlib.ExitStack) -> str:
    """Where the session is kept; a simulated one is not put among the patients' unless that is asked for."""
    if request.settings.session.database:
        return request.settings.session.database
    if request.demo:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="leuko-edge-demo-"))
        return str(Path(folder) / "demo.sqlite3")
    return os.fspath(default_path())


def _store(request: Request, classifier: Classifier, source: LiveSource, database: str) -> SessionStore:
    simulated = request.demo is not None
    if request.resume is not None:
        store = SessionStore.resume(database, request.resume or None)
        if store.info.simulated != simulated:
            store.close("open")
            kind = "simulated" if store.info.simulated else "real"
            raise UsageError(
                f"session {store.id} is of {kind} blood; simulated and real cells are not counted together"
            )
        return store
    info = information(
        source,
        classifier.card,
        _goal(request),
        request.settings.reference,
        sample=request.sample,
        operator=request.settings.session.operator or "",
        notes=request.notes,
        simulated=simulated,
        second_signature=request.settings.review.second_signature,
    )
    return SessionStore.create(database, info)


def _fields(engine: Engine) -> Fields:
    """The session's frames in the words of the table for photographs."""
    accounts = engine.accounts
    skipped = {**accounts.skipped, "dropped": accounts.dropped}
    scale = engine.cells.scale
    scales = [Scale(scale, engine.scale_origin)] if scale else []
    return Fields(accounts.captured, accounts.counted, skipped, scales)
