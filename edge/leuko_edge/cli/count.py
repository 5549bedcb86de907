"""One run of the command: a source through the pipeline into the table and the files asked for."""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import cv2
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from ..errors import PARTLY, EnvironmentBroken, LeukoError, NothingCountable, Reason, UsageError
from ..files import default_path
from ..live.goal import Goal
from ..live.session_info import information
from ..model.card import ModelCard
from ..model.classify import Classifier
from ..pipeline import Pipeline
from ..plain_text import readable
from ..qc.around_counting import told_of
from ..results import picture_folder
from ..results import table as display
from ..results.annotate import Annotations
from ..results.console import Terminal
from ..results.contact_sheet import Gallery
from ..results.estimates import lines as estimate_lines
from ..results.outputs import Outputs, Sink
from ..results.photo_session import PhotoSession
from ..results.report import About, CsvReport, JsonReport
from ..results.wording import guesses, overlap, whose
from ..sources.pictures import Pictures, folders_below
from ..store import SessionStore
from ..store.corrections import PROGRAM
from ..tally import Differential, Tally
from ..tally import warning as review_warning
from ..types import FieldEstimate
from ..vision.signs import FIELDS
from .request import Request


def count(request: Request) -> int:
    """Count what `request` names and return the exit code: 0, PARTLY, or 4 where an output failed.

    Raises UsageError, NothingCountable and EnvironmentBroken (ModelError among them) with their sentences.
    """
    if not request.images:
        from .live import count_live

        return count_live(request)
    if not request.recursive:
        return _count_sample(request, _pictures(request))
    folders = folders_below(request.images)
    if not folders:
        raise UsageError("--recursive found no pictures (JPEG, PNG, TIFF or BMP) below what --image names")
    return _whole([_count_folder(request, folder) for folder in folders])


def _whole(codes: Sequence[int]) -> int:
    """The exit code of several samples: what broke comes first; where some were counted and others not, in part."""
    if EnvironmentBroken.exit_code in codes:
        return EnvironmentBroken.exit_code
    return codes[0] if len(set(codes)) == 1 else PARTLY


def _count_folder(request: Request, folder: str) -> int:
    """One of --recursive: a folder where nothing can be counted does not end the others."""
    sample = os.path.basename(os.path.realpath(folder))
    console = Terminal(stderr=True)
    _line(console, folder, f"sample {readable(sample)}")
    one = replace(request, images=(folder,), sample=sample)
    try:
        return _count_sample(one, _pictures(one))
    except NothingCountable as error:
        _line(console, folder, str(error))
        return error.exit_code


def _count_sample(request: Request, source: Pictures) -> int:
    settings, references = request.settings, request.settings.reference
    messages = Terminal(stderr=True)
    table = messages if request.results.json == "-" else Terminal()
    tally = Tally()
    fields: list[FieldEstimate] = []
    with contextlib.ExitStack() as stack:
        # One picture: each of its steps by all threads. Several: one by each, which wastes less.
        workers = request.threads if len(source) > 1 else 1
        within = 1 if workers > 1 else request.threads
        cv2.setNumThreads(within)
        model = Classifier.from_path(
            settings.model.path,
            within,
            settings.model.site,
            settings.model.trusted_keys,
            # Naming its cells takes up to two fifths of a picture's time: by one network, four workers would wait.
            at_once=min(workers, 2),
        )
        classifier = stack.enter_context(contextlib.closing(model))
        card = classifier.card
        picture_folder.begin(request.results.folders)
        sinks = _sinks(request, source, card)
        store = _session(request, source, card)
        if store is not None:
            stack.push(functools.partial(_close, store))
            sinks.insert(0, PhotoSession(store))  # durable before anything is shown
        outputs = Outputs(sinks)
        pipeline = Pipeline(
            classifier,
            settings.count.um_per_px,
            workers=workers,
            measured=FIELDS if store is not None else 0,
            estimates=request.estimates,
        )
        with source, _progress(messages, len(source), request.quiet) as (advance, log):
            for left in source.problems:
                _line(log, left.path, left.sentence)
            missing = sum(not left.harmless for left in source.problems)
            for outcome in pipeline.run(source):
                if outcome.refused is not None:
                    _line(log, outcome.name, outcome.refused)
                    missing += outcome.reason is not Reason.SAME_PICTURE
                for shared in outcome.shared:
                    _line(log, outcome.name, overlap(shared))
                fields += [] if outcome.estimate is None else [outcome.estimate]
                tally.add(outcome.result)
                outputs.add(outcome)
                advance()
        differential = tally.differential(card.leukocytes, references)
        outputs.finish(tally, differential)
    warning, guess = review_warning(differential, card.warn_share), guesses(tally.scales)
    if request.timings:
        for line in pipeline.stopwatch.lines():
            messages.print(Text(line), soft_wrap=True)
    for failure in outputs.failures:
        messages.print(Text(f"leuko-edge: {failure}"), soft_wrap=True)
    if warning and (request.quiet or not differential.counted):  # there is no table to say it under
        messages.print(Text(f"leuko-edge: {warning}"), soft_wrap=True)
    if guess and (request.quiet or not differential.counted):
        messages.print(Text(f"leuko-edge: {guess}"), soft_wrap=True)
    for drifted in () if store is None else told_of(store.path, store.id):
        messages.print(Text(f"leuko-edge: {drifted}"), soft_wrap=True)
    if store is not None and not request.quiet:
        kept = f"session {store.id} is kept: leuko-edge review, or leuko-edge export {store.id}"
        messages.print(Text(f"leuko-edge: {kept}"), soft_wrap=True)
    if not differential.counted:
        nothing = _nothing(tally, differential)
        if not outputs.failures:
            raise NothingCountable(nothing)
        messages.print(Text(f"leuko-edge: {nothing}"), soft_wrap=True)
    elif not request.quiet:
        method = card.name if settings.model.site else ""
        named = whose(request.sample, settings.session.operator or "", time.time())
        display.show(table, differential, tally.fields, None, warning, missing, method, named)
        for line in estimate_lines(fields):
            table.print(Text(line), soft_wrap=True)
    if outputs.failures:
        return EnvironmentBroken.exit_code
    return PARTLY if missing else 0


def _session(request: Request, source: Pictures, card: ModelCard) -> SessionStore | None:
    """Where these photographs are kept, None where that was not asked for or there are none."""
    if not request.keep or not source.files:
        return None
    info = information(
        source,
        card,
        Goal(None),
        request.settings.reference,
        sample=request.sample,
        operator=request.settings.session.operator or "",
        notes=request.notes,
        kind="photographs",
        second_signature=request.settings.review.second_signature,
    )
    return SessionStore.create(request.settings.session.database or default_path(), info)


def _close(store: SessionStore, kind: type[BaseException] | None, *_: object) -> None:
    """Also where the count broke off: photographs are not counted on later, what is there can be reviewed."""
    if kind is None:
        store.close()
        return
    with contextlib.suppress(LeukoError):  # what ended the count is what is said
        if store.withdraw():
            return
        store.event("interrupted", "not every photograph was counted", store.info.operator or PROGRAM, time.time())
        store.close()


def _pictures(request: Request) -> Pictures:
    pictures = Pictures(
        request.images, [folder for folder in (request.results.annotate, request.results.crops) if folder]
    )
    _keep_inputs(request, pictures)
    return pictures


def _keep_inputs(request: Request, source: Pictures) -> None:
    """UsageError where a result would be written over, or in among, the pictures to be counted."""
    inputs = {os.path.realpath(file) for file in source.files}
    for option, path in (("--json", request.results.json), ("--csv", request.results.csv)):
        if path and os.path.realpath(path) in inputs:
            raise UsageError(f"{option} {readable(path)} would overwrite a picture to be counted", "name another file")
    folders = {os.path.dirname(file) for file in inputs}
    for option, path in (("--annotate", request.results.annotate), ("--crops", request.results.crops)):
        if path and os.path.realpath(path) in folders:
            raise UsageError(f"{option} {readable(path)} holds the pictures to be counted", "name a folder of its own")
    for folder in request.results.folders:
        picture_folder.check(folder)


def _sinks(request: Request, source: Pictures, card: ModelCard) -> list[Sink]:
    sinks: list[Sink] = []
    named = (request.sample or "", request.settings.session.operator or "")
    about = About(source.problems, card.warn_share, *named)
    if request.results.json:
        sinks.append(JsonReport(request.results.json, card.name, card.sha256, source.name, about))
    if request.results.csv:
        sinks.append(CsvReport(request.results.csv, about, request.estimates))
    if request.results.annotate:
        sinks.append(Annotations(request.results.annotate, card.classes))
    if request.results.crops:
        sinks.append(Gallery(request.results.crops, card.classes))
    return sinks


@contextmanager
def _progress(console: Console, total: int, quiet: bool) -> Iterator[tuple[Callable[[], None], Console]]:
    """A bar on standard error where that is a terminal and there are several pictures.

    It is drawn between pictures, never by a thread of its own: while a picture is decoded, what is written to
    standard error is taken for the decoder's (see sources).
    """
    if quiet or total in (0, 1) or not console.is_terminal:
        yield (lambda: None), console
        return
    columns = (TextColumn("counting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as bar:
        task = bar.add_task("counting", total=total)

        def advance() -> None:
            bar.advance(task)
            bar.refresh()

        bar.refresh()
        yield advance, bar.console


def _line(console: Console, name: str, reason: str) -> None:
    console.print(Text(f"{readable(name)}: {reason}"), soft_wrap=True)


def _nothing(tally: Tally, differential: Differential) -> str:
    excluded = ", ".join(f"{label} {count}" for label, count in differential.excluded.items())
    return (
        f"no white cell could be counted in {tally.captured} picture{'s' * (tally.captured != 1)} "
        f"({tally.captured - tally.counted} not usable; unidentified {differential.unidentified}, {excluded})"
    )
