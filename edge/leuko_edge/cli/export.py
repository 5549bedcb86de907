"""`leuko-edge export`: a counted session as files, or sent."""

from __future__ import annotations

import argparse
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
    pass


def add_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command; `options.run(options)` runs it and returns its exit code."""
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
        failures = [failure for output, put in outputs if output and (failure := attempt(output, put))]
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
    keep_database(files, database)


def keep_database(files: list[str], database: str) -> None:
    real = os.path.realpath(database)
    if {real, *(real + suffix for suffix in ("-wal", "-shm", ".lock"))} & set(files):
        raise UsageError("that file holds the sessions themselves", "name another to export to")


def attempt(output: str, put: Callable[[str], None]) -> str | None:
    """Write one output; the sentence why where that failed."""
    try:
        put(output)
    except BrokenPipeError:  # whoever read standard output has seen enough
        raise
    except EnvironmentBroken as error:  # the store's, or a package that is not installed
        return str(error)
    except (OSError, MemoryError) as error:
        name = "standard output" if output == "-" else output
        return f"{name} could not be written: {getattr(error, 'strerror', None) or error or 'not enough memory'}"
    return None
