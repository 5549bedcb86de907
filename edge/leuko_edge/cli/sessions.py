"""`leuko-edge sessions` and `leuko-edge export`: what was counted, listed and as files."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import values
from ..errors import EnvironmentBroken, NothingCountable, UsageError
from ..files import write_whole
from .database import add_database, database
from .request import Results

if TYPE_CHECKING:
    from ..store import StoreError
    from ..store.archive import Summary


def add_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the two commands; `options.run(options)` runs the one that was given and returns its exit code."""
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
    _upkeep(listing)
    export = subparsers.add_parser("export", help="a session as files", description="A counted session as files.")
    export.add_argument("id", type=values.whole(1), metavar="ID", help="the session's number, see leuko-edge sessions")
    add_database(export)
    export.add_argument("--json", metavar="FILE", help="result, frames and history; - for standard output")
    export.add_argument("--csv", metavar="FILE", help="a row for each cell")
    export.add_argument(
        "--annotate", metavar="DIR", help="a map of each area of the slide, its cells outlined and named"
    )
    export.add_argument("--crops", metavar="DIR", help="a contact sheet for each class")
    export.add_argument("--pdf", metavar="FILE", help="a page for the doctor, and pictures of the cells")
    export.add_argument("--fhir", metavar="FILE", help="FHIR R4, a DiagnosticReport with an Observation for each class")
    export.add_argument("--hl7", metavar="FILE", help="HL7 v2.3.1 ORU^R01")
    export.add_argument(
        "--mllp", metavar="HOST:PORT", help="send the signed result as HL7; what is not taken is kept and sent again"
    )
    export.set_defaults(run=run_export)


def _upkeep(listing: argparse.ArgumentParser) -> None:
    """`sessions name`, `send`, `prune` and `backup`. The database may be named before or after the word."""
    words = listing.add_subparsers(metavar="name|send|prune|backup", title="upkeep, each with its own --help")
    name = words.add_parser(
        "name",
        help="give a session its sample or operator",
        description="Say whose blood a session is of, or who counted it, until it is signed.",
    )
    name.add_argument("id", type=values.whole(1), metavar="ID", help="the session's number, see leuko-edge sessions")
    name.add_argument("--sample", type=values.NAME, metavar="ID", help="whose blood it is")
    name.add_argument("--operator", type=values.NAME, metavar="NAME", help="who counted it")
    name.set_defaults(run=run_name)
    prune = words.add_parser("prune", help="remove old sessions", description="Remove sessions that ended long ago.")
    prune.add_argument(
        "--older-than", type=values.whole(0), required=True, metavar="DAYS", help="what ended longer ago goes"
    )
    prune.add_argument(
        "--keep-signed",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="signed sessions stay (default: they do)",
    )
    prune.set_defaults(run=run_prune)
    backup = words.add_parser(
        "backup",
        help="copy the sessions to a new file",
        description="Copy all sessions to a new file, also while they are being counted.",
    )
    backup.add_argument("file", metavar="FILE", help="the copy; a file that exists is not written over")
    backup.set_defaults(run=run_backup)
    send = words.add_parser(
        "send",
        help="send again what no LIS has taken yet",
        description="Send the HL7 messages again that export --mllp could not deliver: they wait in the database.",
    )
    send.add_argument("--mllp", metavar="HOST:PORT", help="only those for this place")
    send.add_argument("--list", action="store_true", help="only tell what waits, and why")
    send.set_defaults(run=run_send)
    for parser in (name, send, prune, backup):
        add_database(parser, default=argparse.SUPPRESS)


def run_name(options: argparse.Namespace) -> int:
    """Name the session and return 0; UsageError where it is signed, or nothing is said."""
    import getpass
    import time

    from ..store.review import Review

    if options.sample is None and options.operator is None:
        raise UsageError("name what it is to bear: --sample ID, --operator NAME or both")
    path = database(options)
    if not os.path.exists(path):
        raise UsageError(f"there is no session {options.id} in {path}", "leuko-edge sessions lists them")
    with contextlib.closing(Review(path)) as review:
        review.identify(options.id, options.sample, options.operator, getpass.getuser(), time.time())
    print(f"session {options.id} is named")
    return 0


def run_send(options: argparse.Namespace) -> int:
    """As of `sending.send_again`."""
    from .sending import list_waiting, send_again

    path = database(options)
    return list_waiting(path, options.mllp) if options.list else send_again(path, options.mllp)


def run_prune(options: argparse.Namespace) -> int:
    """Print what was removed and return 0; StoreError as of `prune`."""
    import time

    from ..store.upkeep import prune

    done = prune(database(options), time.time() - 86400 * options.older_than, options.keep_signed)
    size = f"{done.before / 1e6:.1f} MB before, {done.after / 1e6:.1f} MB now"
    waiting = (
        "" if done.shrunk else "; the room is used again by the next sessions, the file shrinks while nobody counts"
    )
    print(f"{done.sessions} sessions removed; {size}{waiting}")
    return 0


def run_backup(options: argparse.Namespace) -> int:
    """Copy the database and return 0; errors as of `backup`."""
    from ..store.upkeep import backup

    count = backup(database(options), options.file)
    print(f"{count} sessions copied to {options.file}")
    return 0


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

    _keep_database([os.path.realpath(file)], path)
    with Archive(path) as archive:
        text = csv_text(archive.record(summary.id) for summary in archive.sessions())
    if failure := _attempt(file, lambda name: write(name, text)):
        print(f"leuko-edge: {failure}", file=sys.stderr)
        return EnvironmentBroken.exit_code
    return 0


def run_export(options: argparse.Namespace) -> int:
    """As `export`; UsageError where nothing is asked for, too."""
    names = ("json", "csv", "annotate", "crops", "pdf", "fhir", "hl7", "mllp")
    results = Results(**{name: getattr(options, name) for name in names})
    if not results:
        raise UsageError(
            "name what to export: --json FILE, --csv FILE, --pdf FILE, --fhir FILE, --hl7 FILE, --annotate DIR, "
            "--crops DIR or --mllp HOST:PORT"
        )
    return export(database(options), options.id, results)


def export(path: str, number: int, results: Results) -> int:
    """Write the files of a session and return 0, or 4 where one failed; the others are written all the same.

    UsageError for a session that is not there; NothingCountable, with the files written, where no cell is counted.
    """
    _check_outputs(results, path)
    from ..results import picture_folder
    from ..results.fhir import fhir_text
    from ..results.hl7 import message
    from ..results.pdf import pdf_bytes
    from ..results.report import write
    from ..results.session_pictures import write_maps, write_sheets
    from ..results.session_report import csv_text, json_text
    from ..store.archive import Archive

    with Archive(path) as archive:
        record, damage = archive.record(number), archive.damage()
        picture_folder.begin(results.folders)
        outputs: tuple[tuple[str | None, Callable[[str], None]], ...] = (
            (results.csv, lambda file: write(file, csv_text(record))),
            (results.annotate, lambda folder: write_maps(archive, record, folder)),
            (results.crops, lambda folder: write_sheets(archive, record, folder)),
            (results.json, lambda file: write(file, json_text(record, damage))),
            (results.pdf, lambda file: write_whole(Path(os.path.realpath(file)), pdf_bytes(archive, record))),
            (results.fhir, lambda file: write(file, fhir_text(record))),
            (results.hl7, lambda file: write(file, message(record))),
        )
        failures = [failure for output, put in outputs if output and (failure := _attempt(output, put))]
    failures += [damage] if damage else []
    for failure in failures:
        print(f"leuko-edge: {failure}", file=sys.stderr)
    if results.mllp:
        from .sending import hand_over

        hand_over(path, record, results.mllp)
    if failures:
        return EnvironmentBroken.exit_code
    if not record.summary.cells:
        raise NothingCountable(f"session {number} has no counted white cell", "what was asked for is written")
    return 0


def _check_outputs(results: Results, database: str) -> None:
    """UsageError where a file would be written over the sessions or another one."""
    given = {name: getattr(results, name) for name in ("json", "csv", "pdf", "fhir", "hl7")}
    named = {f"--{name}": file for name, file in given.items() if file}
    files = [os.path.realpath(file) for file in named.values() if file != "-"]
    if results.pdf == "-":
        raise UsageError("--pdf needs a file name", "only --json can go to standard output")
    if results.csv == "-":
        raise UsageError("--csv needs a file name", "only --json can go to standard output")
    if len(set(files)) < len(files):
        first, second = [name for name, file in named.items() if files.count(os.path.realpath(file)) > 1][:2]
        raise UsageError(f"{first} and {second} name the same file")
    _keep_database(files, database)


def _keep_database(files: list[str], database: str) -> None:
    real = os.path.realpath(database)
    if {real, *(real + suffix for suffix in ("-wal", "-shm", ".lock"))} & set(files):
        raise UsageError("that file holds the sessions themselves", "name another to export to")


def _attempt(output: str, put: Callable[[str], None]) -> str | None:
    """Write one output; the sentence why where that failed."""
    from ..store import StoreError

    try:
        put(output)
    except BrokenPipeError:  # whoever read standard output has seen enough
        raise
    except StoreError as error:
        return str(error)
    except (OSError, MemoryError) as error:
        name = "standard output" if output == "-" else output
        return f"{name} could not be written: {getattr(error, 'strerror', None) or error or 'not enough memory'}"
    return None
