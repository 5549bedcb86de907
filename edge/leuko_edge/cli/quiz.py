"""`leuko-edge quiz`: a person names signed cells without seeing their names."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..config import values
from ..errors import UsageError
from .database import add_database, database

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console

    from ..store.archive import Archive
    from ..store.quizzes import Quiz, Quizzes

PER_CLASS = 5  # as `quiz.PER_CLASS`, which --help need not load
LINES = 32  # of the terminal for a picture, at most
QUIT = "q"


def add_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command; `options.run(options)` runs it and returns its exit code."""
    parser = subparsers.add_parser(
        "quiz",
        help="name signed cells, blind",
        description="Shows cells whose names are signed, in random order and without them, and says at the end how "
        "PERSON's names agree: confusion, Cohen's kappa with its interval, time a cell. Kept by person.",
    )
    parser.add_argument("person", nargs="?", metavar="PERSON", help="who names them")
    parser.add_argument("--labelled", metavar="FOLDER", help="FOLDER/class/picture instead of the signed sessions")
    parser.add_argument(
        "--session", type=values.whole(1), nargs="+", metavar="ID", help="of these sessions (default: all signed ones)"
    )
    parser.add_argument(
        "--per-class", type=values.whole(1, 1000), default=PER_CLASS, metavar="N", help=f"cells a class ({PER_CLASS})"
    )
    parser.add_argument("--resume", action="store_true", help="go on with what PERSON left")
    parser.add_argument("--abandon", action="store_true", help="forget what PERSON left")
    parser.add_argument("--results", action="store_true", help="what was reached so far, of PERSON or of everybody")
    parser.add_argument(
        "--picture", metavar="FILE", help="also write each cell to FILE, a PNG, for a viewer beside the terminal"
    )
    add_database(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """0; UsageError where there is nobody to ask or nothing to show."""
    from ..results.console import Terminal
    from ..store.quizzes import Quizzes

    path = database(options)
    quizzes, console = Quizzes(path), Terminal()
    if sum((options.resume, options.abandon, options.results)) > 1:
        raise UsageError("--resume, --abandon and --results are three things", "give one")
    if options.results:
        return _results(console, quizzes, options.person)
    if not (options.person or "").strip():
        raise UsageError("a quiz needs the person who takes it", "leuko-edge quiz NAME")
    if options.abandon:
        print("forgotten" if quizzes.abandon(options.person) else f"{options.person} left none")
        return 0
    from ..store.archive import Archive

    if options.labelled:
        quizzes.prepare()
    with Archive(path) as archive:
        return _take(options, console, quizzes, archive)


def _take(options: argparse.Namespace, console: Console, quizzes: Quizzes, archive: Archive) -> int:
    quiz = quizzes.unfinished(options.person)
    if options.resume:
        if quiz is None:
            raise UsageError(f"{options.person} left no quiz", "leave out --resume for a new one")
    else:
        if quiz is not None:
            print(f"leuko-edge: the quiz that {options.person} left is forgotten", file=sys.stderr)
        quiz = _new(options, quizzes, archive)
    through = _ask(console, quizzes, archive, quiz, options.picture)
    said = sum(cell.said is not None for cell in (quizzes.unfinished(options.person) or quiz).asked)
    if not said:
        quizzes.abandon(options.person)
        if through:
            raise UsageError("none of the pictures can be shown", "name other sessions or another folder")
        return 0
    if not through:
        print(f"\n{said} of {len(quiz.asked)} are kept: --resume goes on, --abandon forgets them")
        return 0
    quizzes.finish(quiz.id, time.time())
    return _results(console, quizzes, options.person, quiz.id)


def _new(options: argparse.Namespace, quizzes: Quizzes, archive: Archive) -> Quiz:
    from .. import quiz as deck

    if options.labelled and options.session:
        raise UsageError("--labelled and --session are two places", "give one")
    folder = os.path.abspath(options.labelled) if options.labelled else ""
    cells = deck.of_folder(folder) if folder else deck.of_sessions(archive, options.session or ())
    return deck.begin(quizzes, options.person, cells, options.per_class, folder)


def _ask(console: Console, quizzes: Quizzes, archive: Archive, quiz: Quiz, file: str | None) -> bool:
    """Show what is not answered yet; whether all is answered now."""
    from ..quiz import picture
    from ..results.wording import class_name
    from ..screen.half_blocks import half_blocks
    from ..screen.keys import CLASS_KEYS

    if console.color_system is None and not file:
        cure = "name --picture FILE and look at that, or take the quiz on the page of leuko-edge review"
        print(f"leuko-edge: this terminal shows no colours; {cure}", file=sys.stderr)
    keys = ", ".join(f"{key} {class_name(label)}" for key, label in CLASS_KEYS.items())
    for number, cell in enumerate(quiz.asked):
        if cell.said is not None:
            continue
        rgb = picture(cell, archive)
        if rgb is None:
            print(f"leuko-edge: cell {number + 1} is gone and left out", file=sys.stderr)
            continue
        console.print(half_blocks(rgb, console.width, min(LINES, max(8, console.height - 4))), end="")
        if file:
            _write(file, rgb)
        print(f"cell {number + 1} of {len(quiz.asked)}; {keys}; {QUIT}: leave", flush=True)
        shown = time.monotonic()
        said = _answer(CLASS_KEYS)
        if said is None:
            return False
        quizzes.answer(quiz.id, number, said, time.monotonic() - shown)
    return True


def _answer(keys: Mapping[str, str]) -> str | None:
    """The class; None where the person leaves, or nobody is there any more."""
    while True:
        print("> ", end="", flush=True)
        try:
            line = sys.stdin.readline()
        except KeyboardInterrupt:
            return None
        word = line.strip().lower()
        if not line or word == QUIT:
            return None
        if word in keys:
            return keys[word]


def _write(file: str, rgb: np.ndarray) -> None:
    from pathlib import Path

    from ..files import write_whole
    from ..store.png import encode

    try:
        write_whole(Path(os.path.realpath(file)), encode(rgb))
    except OSError as error:
        raise UsageError(f"{file} could not be written: {error.strerror or error}", "name another file") from None


def _results(console: Console, quizzes: Quizzes, person: str | None, only: int | None = None) -> int:
    from ..screen.quiz_results import show

    finished = [quiz for quiz in quizzes.finished(person) if only is None or quiz.id == only]
    if not finished:
        raise UsageError("no quiz was finished" + (f" by {person}" if person else ""), "leuko-edge quiz NAME takes one")
    show(console, finished)
    return 0
