"""Live sessions from the command line: a source, an engine and a display for each slide."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import cv2
from rich.text import Text

from ..camera.opening import open_source
from ..camera.tuning import wishes
from ..errors import INTERRUPTED, LeukoError
from ..files import default_path
from ..live.engine import Engine
from ..live.goal import Goal
from ..live.session_info import TARGET, information, misfit
from ..live.session_stream import Stream
from ..model.classify import Classifier
from ..qc.around_counting import ask_for_test
from ..results import picture_folder
from ..screen.face import Face, facing
from ..screen.keyboard import has_keyboard
from ..simulate import demo
from ..sources.live_source import LiveSource
from ..store import SessionDamaged, SessionInfo, SessionStore
from .live_end import Count, conclude, consoles
from .request import Request


def count_live(request: Request) -> int:
    """Count what a camera, a film or the simulated slide shows, slide after slide; returns the first exit code that is
    not 0.

    LeukoErrors before the first frame pass with their sentences; one that ends the count later is said after the
    table, and the session is kept open for --resume.
    """
    settings = request.settings
    cv2.setNumThreads(request.threads)
    for folder in request.results.folders:  # before anything is counted for it
        picture_folder.check(folder)
    with contextlib.ExitStack() as stack:
        source, truth = _source(request)
        stream = Stream(source)
        classifier = stack.enter_context(
            contextlib.closing(
                Classifier.from_path(
                    settings.model.path, request.threads, settings.model.site, settings.model.trusted_keys
                )
            )
        )
        database = _database(request, stack)
        _ask_for_test(request, database, classifier.card.sha256)
        codes = []
        with stream:  # first: without a camera no session begins
            count = _count_slide(request, classifier, stream, database, truth)
            while count.engine.next_slide:
                codes.append(conclude(count))
                request = _for_another_slide(request)
                _ask_for_test(request, database, classifier.card.sha256)
                stream.next_session()
                count = _count_slide(request, classifier, stream, database, None, slide_awaited=True)
        codes.append(conclude(count))  # the source is closed: it knows all that it has dropped
        return next((code for code in codes if code), 0)


def _ask_for_test(request: Request, database: str, model_sha256: str) -> None:
    """NotTested where the microscope was not tested as it should be; only asked of a camera, and of a new session."""
    if request.demo or request.video is not None or request.resume is not None:
        return
    said = ask_for_test(request.settings.qc, database, model_sha256)
    if said:
        consoles(request)[0].print(Text(f"leuko-edge: {said}"), soft_wrap=True)


def _count_slide(
    request: Request,
    classifier: Classifier,
    stream: Stream,
    database: str,
    truth: Mapping[str, int] | None,
    slide_awaited: bool = False,
) -> Count:
    """One session, from its beginning to why it ended."""
    messages, out = consoles(request)
    settings = request.settings
    with facing(out if out.is_terminal else messages, request.window, request.quiet) as face:  # it may be refused
        store = _store(request, classifier, stream, database)
        goal, um_per_px = _goal(request, store.info), settings.count.um_per_px
        engine = Engine(classifier, store, goal, um_per_px, store.info.ranges, slide_awaited=slide_awaited)
        ended = _attend(engine, stream, face, truth)
    return Count(request, engine, stream, database, truth, ended)


def _for_another_slide(request: Request) -> Request:
    """Another patient's, perhaps: nothing that was said of the slide of before."""
    settings = request.afterwards or request.settings
    return replace(request, settings=settings, sample="", notes="", resume=None, first=False)


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
    info = information(
        source,
        classifier.card,
        _goal(request),
        request.settings.reference,
        sample=request.sample,
        operator=request.settings.session.operator or "",
        notes=request.notes,
        simulated=request.demo is not None,
        second_signature=request.settings.review.second_signature,
        decisions=request.settings.count.decisions or (),
    )
    if request.resume is None:
        return SessionStore.create(database, info)
    return SessionStore.resume(database, request.resume or None, unfit=lambda before: misfit(before, info))
