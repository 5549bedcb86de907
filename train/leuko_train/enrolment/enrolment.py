"""`leuko-train enrolment`: what a few named cells teach, on laboratories that the networks of `travel` never saw."""

from __future__ import annotations

import argparse
from pathlib import Path

from leuko_edge.errors import UsageError
from leuko_edge.types import CLASSES

from ..data import cell_set
from . import measure, unlabelled
from . import report as enrolment_report
from .left_out import left_out

NUMBERS = (0, 3, 5, 10, 20)
DRAWS = 20
CAP = 240  # as `travel` judges


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cells", type=Path, required=True, help="the cell set (leuko-train cells)")
    parser.add_argument("--travel", type=Path, required=True, help="what leuko-train travel wrote to its --out")
    parser.add_argument("--out", type=Path, required=True, help="folder for the report")
    parser.add_argument(
        "--numbers", type=int, nargs="+", default=NUMBERS, metavar="N", help="cells named of each class (0 3 5 10 20)"
    )
    parser.add_argument("--draws", type=int, default=DRAWS, help="of teaching and tested sources (%(default)s)")
    parser.add_argument("--cap", type=int, default=CAP, help="cells of each class of a laboratory (%(default)s)")
    parser.add_argument("--only-five", action="store_true", help="allow no answer but the five classes, to compare")
    parser.add_argument(
        "--wrong", type=float, default=0.0, metavar="SHARE", help="of the names given wrongly on purpose (%(default)s)"
    )
    parser.add_argument(
        "--all-classes", action="store_true", help="name cells of every class that the laboratory has, not of five"
    )
    parser.add_argument(
        "--without-labels",
        type=int,
        default=0,
        metavar="N",
        help="also what N cells of one patient teach without names, for several patients (not measured)",
    )
    parser.add_argument("--seed", type=int, default=0)


def run(args: argparse.Namespace) -> int:
    if args.draws < 1 or min(*args.numbers, args.without_labels) < 0:
        raise UsageError("--draws is 1 or more, --numbers and --without-labels 0 or more.")
    cells = cell_set.load(args.cells)
    classes = range(len(CLASSES)) if args.all_classes else measure.NAMED
    entries = []
    for lab in left_out(args.travel, cells, args.out, args.cap):
        given = lab.only_five(measure.NAMED) if args.only_five else lab
        found = measure.measured(given, classes, args.numbers, args.draws, args.seed, args.wrong)
        entry = {"laboratory": lab.name, "left_out": lab.own, "taught": found}
        if args.without_labels:
            entry["without_labels"] = unlabelled.measured(given, args.without_labels, args.draws, args.seed)
        entries.append(entry)
    if not entries:
        raise UsageError(f"{args.travel} holds no answers", f"make them with: leuko-train travel --out {args.travel}")
    args.out.mkdir(parents=True, exist_ok=True)
    asked = {name: getattr(args, name) for name in ("draws", "only_five", "wrong", "all_classes", "without_labels")}
    print(enrolment_report.write(args.out, entries, cells.sha256, args.seed, asked))
    return 0
