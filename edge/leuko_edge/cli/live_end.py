"""The end of a live session: what was counted as table and files, and what is to be said of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass

from rich.text import Text

from ..errors import PARTLY, LeukoError, NothingCountable
from ..live.engine import Engine
from ..qc.around_counting import told_of
from ..results import table as display
from ..results.console import Terminal
from ..results.teaching import offer
from ..results.wording import decided, whose
from ..session import End
from ..sources.live_source import LiveSource
from ..store.archive import Archive
from ..tally import Differential, Fields
from ..types import Scale
from .export import export
from .request import Request


@dataclass(frozen=True)
class Count:
    """A session that has ended. `ended` is (the sentence why, the exit code), None where it ended as it should."""

    request: Request
    engine: Engine
    source: LiveSource
    database: str
    truth: Mapping[str, int] | None
    ended: tuple[str, int] | None


def consoles(request: Request) -> tuple[Terminal, Terminal]:
    """For messages, and for the table."""
    messages = Terminal(stderr=True)
    return messages, messages if request.results.json == "-" else Terminal()


def conclude(count: Count) -> int:
    """Close the session, write and show what it gave; the exit code."""
    request, engine, source = count.request, count.engine, count.source
    store, settings = engine.store, request.settings
    messages, out = consoles(request)
    ended = count.ended or _finish(engine, source)
    differential, fields, number, warning = engine.differential, _fields(engine), store.id, engine.review
    withdrawn = _close(engine, ended)
    code = _code(ended, differential, source, film=request.video is not None)
    results = request.results if request.first else request.results.of_session(number)
    if results and not withdrawn:  # before anything is shown
        try:
            code = export(count.database, number, results) or code
        except NothingCountable as error:  # written all the same, and said below
            code = code or error.exit_code
        except LeukoError as error:
            messages.print(Text(f"leuko-edge: {error}"), soft_wrap=True)
            code = code or error.exit_code
    if not request.quiet and not withdrawn:  # of a session that never began there is nothing but why
        truth = count.truth
        if request.demo and (request.resume is not None or engine.next_slide):
            truth = None  # the truth of this slide is not that of the whole session
        if request.demo and truth is None:
            out.print(Text(display.SIMULATED, style="bold yellow"))
        named = whose(store.info.sample, store.info.operator, time.time())
        told = [decided(one) for one in engine.standings]
        display.show(out, differential, fields, truth, warning, whose=named, told=told)
    elif warning:
        messages.print(Text(f"leuko-edge: {warning}"), soft_wrap=True)
    for drifted in () if withdrawn else told_of(count.database, number):
        messages.print(Text(f"leuko-edge: {drifted}"), soft_wrap=True)
    if engine.done == End.SIGNED and not request.quiet:
        with contextlib.suppress(LeukoError), Archive(count.database) as archive:  # no count fails for an offer
            taught = offer(archive.record(number), settings.model.site or "", settings.session.database or "")
            if taught:
                messages.print(Text(taught), soft_wrap=True)
    if request.timings:
        for line in engine.stopwatch.lines():
            messages.print(Text(line), soft_wrap=True)
    if ended is not None:
        passing = request.demo and not settings.session.database
        lost = passing or withdrawn or store.given_up  # damaged: it cannot be gone on with, and the sentence says so
        kept = "" if lost else f"; session {number} is kept, go on with --resume {number}"
        messages.print(Text(f"leuko-edge: {ended[0]}{kept}"), soft_wrap=True)
    elif code == NothingCountable.exit_code:
        messages.print(Text("leuko-edge: no white cell was counted"), soft_wrap=True)
    elif code == PARTLY:
        sentence = f"{source.dropped} frames could not be used and are not counted; copy or record it again"
        messages.print(Text(f"leuko-edge: {source.name}: {sentence}"), soft_wrap=True)
    return code


def _close(engine: Engine, ended: tuple[str, int] | None) -> bool:
    """Whether the session is withdrawn: it never began, so that there is nothing to keep."""
    store = engine.store
    if ended is None:
        store.close()
        return False
    with contextlib.suppress(LeukoError):  # what ended the count is what is said
        if store.withdraw():
            return True
    with contextlib.suppress(LeukoError):
        store.close("open")
    return False


def _code(ended: tuple[str, int] | None, differential: Differential, source: LiveSource, film: bool) -> int:
    """The exit code, by what was counted. Who looks through a camera may leave it again, and it drops frames as it
    must; of a film every one was wanted."""
    if ended is not None:
        return ended[1]
    if film and not differential.counted:
        return NothingCountable.exit_code
    return PARTLY if film and source.dropped else 0


def _finish(engine: Engine, source: LiveSource) -> tuple[str, int] | None:
    """The session as it stands into the store."""
    if engine.store.given_up:
        return None
    try:
        engine.finish(source.dropped)
    except LeukoError as error:
        return str(error), error.exit_code
    return None


def _fields(engine: Engine) -> Fields:
    """The session's frames in the words of the table for photographs."""
    accounts = engine.accounts
    skipped = {**accounts.skipped, "dropped": accounts.dropped}
    scale = engine.cells.scale
    scales = [Scale(scale, engine.scale_origin)] if scale else []
    return Fields(accounts.captured, accounts.counted, skipped, scales)
