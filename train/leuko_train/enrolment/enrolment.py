"""`leuko-train enrolment`: what a few named cells teach, on laboratories that the networks of `travel` never saw."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leuko_edge.errors import UsageError

from ..data import cell_set, laboratories
from ..data.cell_set import CellSet
from ..metrics.answers import Answers
from . import measure
from . import report as enrolment_report

NUMBERS = (0, 3, 5, 10, 20)
DRAWS = 20
PIECES = "as-told/*/answers.npz"
"""The answers that `travel` left, of the networks trained as told."""


@dataclass(frozen=True)
class LeftOut:
    """A laboratory's cells and what a network says of them; `own`: it was left out, not a set that nobody trains on.

    `threshold`: confidence below which that network's calibration sets a cell aside.
    """

    name: str
    own: bool
    answers: Answers
    threshold: float


def left_out(out: Path, cells: CellSet) -> Iterator[LeftOut]:
    """All that the pieces in `out` judged; UsageError where they are of other cells."""
    for path in sorted(out.glob(PIECES)):
        trained = json.loads((path.parent / "report.json").read_text(encoding="utf-8"))
        if trained["provenance"]["data_sha256"] != cells.sha256:
            raise UsageError(f"{path.parent} is of another cell set", "give the one that it was trained with.")
        with np.load(path) as stored:
            rows, raw = stored["rows"], stored["raw"]
        for lab in dict.fromkeys(cells.labs[rows].tolist()):
            here = rows[cells.labs[rows] == lab]
            own = lab not in (*laboratories.APART, *laboratories.COPIES)
            name = lab if own else f"{lab}, without {path.parent.name}"
            asked = raw[cells.labs[rows] == lab]
            answers = Answers(asked, cells.labels[here], cells.sources[here], trained["temperature"])
            yield LeftOut(name, own, answers, trained["confidence_threshold"])


def only_five(answers: Answers) -> Answers:
    """The same where no class but the five may be answered: how much the others' probability costs."""
    raw = np.zeros_like(answers.raw)
    raw[:, measure.NAMED] = answers.raw[:, measure.NAMED]
    raw /= np.maximum(raw.sum(1, keepdims=True), 1e-9)
    return Answers(raw, answers.truth, answers.sources, answers.temperature)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cells", type=Path, required=True, help="the cell set (leuko-train cells)")
    parser.add_argument("--travel", type=Path, required=True, help="what leuko-train travel wrote to its --out")
    parser.add_argument("--out", type=Path, required=True, help="folder for the report")
    parser.add_argument(
        "--numbers", type=int, nargs="+", default=NUMBERS, metavar="N", help="cells named of each class (0 3 5 10 20)"
    )
    parser.add_argument("--draws", type=int, default=DRAWS, help="of teaching and tested sources (%(default)s)")
    parser.add_argument("--only-five", action="store_true", help="allow no answer but the five classes, to compare")
    parser.add_argument("--seed", type=int, default=0)


def run(args: argparse.Namespace) -> int:
    if args.draws < 1 or min(args.numbers) < 0:
        raise UsageError("--draws is 1 or more, --numbers 0 or more.")
    cells = cell_set.load(args.cells)
    entries = []
    for lab in left_out(args.travel, cells):
        answers = only_five(lab.answers) if args.only_five else lab.answers
        found = measure.measured(answers, lab.threshold, measure.NAMED, args.numbers, args.draws, args.seed)
        entries.append({"laboratory": lab.name, "left_out": lab.own, "taught": found})
    if not entries:
        raise UsageError(f"{args.travel} holds no answers", f"make them with: leuko-train travel --out {args.travel}")
    args.out.mkdir(parents=True, exist_ok=True)
    print(enrolment_report.write(args.out, entries, cells.sha256, args.seed, args.draws, args.only_five))
    return 0
