"""`leuko-edge sessions`: what was counted, listed."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING

from ..errors import EnvironmentBroken
from . import upkeep
from .database import add_database, database
from .export import attempt, keep_database

if TYPE_CHECKING:
    from ..store import StoreError
    from ..store.archive import Summary


def add_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its words; `options.run(options)` runs what was given and returns its exit code."""
    listing = subparsers.add_parser(
        "sessions",
        help="list the sessions counted so far",
        description="The sessions counted so far.",
    )
    add_database(listing)
    listing.add_argument("--json", action="store_true", help="for other programs, on standard output")
    listing.add_argument(
        "--csv", metavar="FILE", help="a row for each session with its differential; - for standard output"
    )
    listing.set_defaults(run=run_sessions)
    upkeep.add_words(listing)


def run_sessions(options: argparse.Namespace) -> int:
    """Print the list and return 0, or 4 where some of it cannot be read; errors as of `Archive`."""
    from ..store.archive import Archive

    path = database(options)
    if options.csv:
        return _sessions_csv(path, options.csv)
    if not options.database and not os.path.exists(path):
        sessions: tuple[Summary, ...] = ()
        unreadable: tuple[StoreError, ...] = ()
    else:
        with Archive(path) as archive:
            sessions = archive.sessions()
            unreadable = archive.unreadable
    for error in unreadable:
        print(f"leuko-edge: {error}", file=sys.stderr)
    code = EnvironmentBroken.exit_code if unreadable else 0
    if options.json:
        from ..results.session_list import listed

        print(json.dumps(listed(path, sessions), indent=1, allow_nan=False))
        return code
    from ..results.console import Terminal
    from ..results.session_list import show

    show(Terminal(), path, sessions)
    return code


def _sessions_csv(path: str, file: str) -> int:
    from ..results.report import write
    from ..results.session_list import csv_text
    from ..store.archive import Archive

    keep_database([os.path.realpath(file)], path)
    with Archive(path) as archive:
        text = csv_text(archive.record(summary.id) for summary in archive.sessions())
        failures = [str(error) for error in archive.unreadable]
    if failure := attempt(file, lambda name: write(name, text)):
        failures.append(failure)
    for failure in failures:
        print(f"leuko-edge: {failure}", file=sys.stderr)
    return EnvironmentBroken.exit_code if failures else 0
