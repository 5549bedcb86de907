"""`leuko-edge compare`: do the differentials agree with the laboratory's own?"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from ..config import load, values
from ..config.options import add_reference, given
from ..errors import PARTLY, EnvironmentBroken, UsageError
from ..files import write_whole
from .database import add_database, database


def add_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command; `options.run(options)` runs it and returns its exit code."""
    parser = subparsers.add_parser(
        "compare",
        help="does it agree with a manual or analyzer's differential?",
        description="Compares differentials with those of a manual count or an analyzer, sample by sample.",
    )
    parser.add_argument(
        "results",
        nargs="*",
        metavar="PATH",
        help="reports of --json (of folder or file, named as the sample), a database or a CSV (default: all sessions)",
    )
    parser.add_argument(
        "--against",
        required=True,
        metavar="FILE",
        help="CSV with a line for each sample: sample, neutrophil, lymphocyte … in per cent or counts, of one or two "
        "observers",
    )
    parser.add_argument(
        "--cells",
        type=values.whole(1, 100_000),
        metavar="N",
        help="how many cells a line of FILE was counted on, where it gives per cent and does not say",
    )
    parser.add_argument("--json", metavar="FILE", help="for other programs; - for standard output")
    parser.add_argument("--pdf", metavar="FILE", help="the same with pictures of each class")
    add_reference(parser)
    add_database(parser)
    parser.set_defaults(run=run_compare)


def run_compare(options: argparse.Namespace) -> int:
    """Print or write the comparison; 0, or PARTLY where a sample is left out. UsageError where nothing is compared."""
    from ..results.console import Terminal
    from ..results.report import write
    from ..validation.comparison import compare
    from ..validation.differential_table import read_table
    from ..validation.json_report import json_text
    from ..validation.needs import stats
    from ..validation.pairing import pair
    from ..validation.report import show
    from ..validation.results import read_results
    from ..validation.sample import LEFT_OUT
    from ..validation.wording import said

    if options.results and options.database:
        raise UsageError("--database and files were named", "name one of them")
    paths = [Path(path) for path in options.results] or [Path(database(options))]
    against = Path(options.against)
    _check_outputs(options, (*paths, against))
    stats()
    ranges = load(options.config, flags=given(options)).typed().reference
    reference, results = read_table(against, options.cells), read_results(paths)
    pairs = pair(results.samples, reference.samples)
    remarks = [*results.remarks, *reference.remarks, *pairs.remarks]
    for remark in remarks:
        print(f"leuko-edge: {said(remark)}", file=sys.stderr)
    if not pairs.pairs:
        raise UsageError("no sample is in both", "the names of the samples must be the same in results and reference")
    comparison = compare(pairs, ranges)
    if options.json != "-":
        show(Terminal(), comparison)
    if options.json:
        _write(options.json, lambda file: write(file, json_text(comparison, remarks)))
    if options.pdf:
        from ..validation.pdf import pdf_bytes

        content = pdf_bytes(comparison)
        _write(options.pdf, lambda file: write_whole(Path(os.path.realpath(file)), content))
    return PARTLY if any(remark.code in LEFT_OUT for remark in remarks) else 0


def _check_outputs(options: argparse.Namespace, compared: Iterable[Path]) -> None:
    """UsageError where one would be written over what is compared, or over the other."""
    if options.pdf == "-":
        raise UsageError("--pdf needs a file name", "only --json can go to standard output")
    taken = {os.path.realpath(path) for path in compared}
    for name in ("json", "pdf"):
        file = getattr(options, name)
        if file and file != "-":
            if os.path.realpath(file) in taken:
                raise UsageError(f"--{name} names a file that is compared or written", "name another")
            taken.add(os.path.realpath(file))


def _write(file: str, put: Callable[[str], None]) -> None:
    try:
        put(file)
    except BrokenPipeError:  # whoever read standard output has seen enough
        raise
    except OSError as error:
        raise EnvironmentBroken(f"{file} could not be written: {error.strerror or error}") from None
