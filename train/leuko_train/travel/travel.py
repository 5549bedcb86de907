"""How far a network travels: `leuko-train travel` trains one without each laboratory and judges it there.

Laboratories that are one (BCCD and its Kaggle copies) are left out together. The settings are those of `fit`;
baselines and variants of the settings run beside them for the same table. The same command started several times
shares the work: each takes a piece that no other has.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..data import cell_set
from ..training.runs import INIT
from ..training.settings import add_settings, from_arguments
from . import pieces
from . import report as travel_report

CAP = 720
"""Cells judged of one class of one laboratory at most: only PBC's classes and Kaggle's neutrophils have more."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cells", type=Path, required=True, help="folder that `leuko-train cells` wrote")
    parser.add_argument("--init", required=True, help=INIT)
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs and the report")
    parser.add_argument(
        "--left-out", nargs="+", default=[], metavar="NAME[+NAME]", help="only without these (each in turn; + together)"
    )
    parser.add_argument("--exclude-lab", nargs="+", default=[], metavar="NAME", help="leave these out of everything")
    parser.add_argument("--time-budget", type=float, metavar="MIN", help="for each training")
    parser.add_argument(
        "--baselines", nargs="+", choices=pieces.BASELINES, default=[], help="the paper's recipe; PBC alone"
    )
    parser.add_argument(
        "--ablation", nargs="+", default=[], metavar="KEY=VALUE[,KEY=VALUE]", help="settings otherwise than told"
    )
    parser.add_argument(
        "--teachers", nargs="+", type=Path, default=[], metavar="OUT", help="folders of earlier travels to learn from"
    )
    parser.add_argument("--cap", type=int, default=CAP, help="cells judged of a class of a laboratory (%(default)s)")
    parser.add_argument("--report-only", action="store_true", help="train nothing; report what is finished")
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    cells = cell_set.load(args.cells)
    told = from_arguments(args)
    plan = pieces.plan(cells.labs.tolist(), told, args.left_out, args.exclude_lab, args.baselines, args.ablation)
    done, left = [], []
    for number, piece in enumerate(plan, 1):
        found = pieces.finished(piece, cells, args.out)
        if found is None and not args.report_only:
            with pieces.claimed(piece, args.out) as own:
                if own:
                    print(f"{number} of {len(plan)}: {piece.name}, without {', '.join(piece.excluded)}", flush=True)
                    found = pieces.work(piece, cells, args.out, args.init, args.time_budget, args.cap, args.teachers)
        if found is None:
            left.append(piece.name)
        else:
            done.append(found)
    if done:
        print(travel_report.write(args.out, done, cells))
    if left:
        print(f"Left: {len(left)} of {len(plan)} ({', '.join(left)}); the same command without --report-only goes on.")
    return 0
