"""Platelets and red cells in whole fields: `leuko-train estimates`.

Against the laboratories' boxes: recall, precision, error of the count per field, its correlation and bias; of red cells
that lie alone also their width by the width of their boxes. `--fit FILE` teaches what finds platelets, from the
training split; what is measured is the test split.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from leuko_edge.errors import UsageError

from ..data.laboratories import LABORATORIES
from .fields import boxed
from .measure import Found, correlation, measure


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="folder with the laboratories' images")
    parser.add_argument("--fit", type=Path, metavar="FILE", help="write new weights here and measure nothing")
    parser.add_argument(
        "--part", choices=("test", "validation", "train"), default="test", help="which split is measured (test)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")


def run(args: argparse.Namespace) -> int:
    if not args.data.is_dir():
        raise UsageError(f"{args.data} is not a folder", "give the one with the laboratories' images.")
    if args.fit:
        from .fit import TEACHERS, fit

        licences = {lab: LABORATORIES[lab].licence for lab in TEACHERS}
        weights = {"written_by": "leuko-train estimates --fit", "licences": licences, **fit(args.data)}
        args.fit.write_text(json.dumps(weights) + "\n")
        return 0
    found = [measure(lab, items) for lab, items in boxed(args.data, args.part).items()]
    console = Console()
    console.width = max(console.width, 110)  # a log keeps every column
    for title, rows in (
        ("Platelets", [small for small, _ in found]),
        ("Red cells", [red for _, red in found]),
    ):
        console.print(_table(f"{title} in the {args.part} fields", [*rows, _all(rows)]))
    for _, red in found:
        print(_widths(red))
    if args.json:
        args.json.write_text(json.dumps([asdict(one) for both in found for one in both], indent=1) + "\n")
    return 0


def _all(rows: list[Found]) -> Found:
    every = Found("all", rows[0].kind)
    for row in rows:
        every.hits += row.hits
        every.counts += row.counts
    return every


def _table(title: str, rows: list[Found]) -> Table:
    table = Table(title=title)
    for name in ("laboratory", "fields", "boxes", "found", "recall", "precision", "error a field", "r", "bias"):
        table.add_column(name, justify="left" if name == "laboratory" else "right")
    for row in rows:
        shares = (row.hits / max(1, row.true), row.hits / max(1, row.found))
        table.add_row(
            *(row.lab, str(len(row.counts)), str(row.true), str(row.found)),
            *(f"{share:.3f}" for share in shares),
            f"{row.error:.2f}",
            "–" if row.r is None else f"{row.r:.3f}",
            "–" if row.bias is None else f"{100 * row.bias:+.0f} %",
        )
    return table


def _widths(red: Found) -> str:
    if len(red.widths) < 3:
        return f"{red.lab}: too few red cells lie alone"
    boxes, measured = np.array(red.widths).T
    r = correlation(red.widths)
    said = "–" if r is None else f"{r:.2f}"
    spread = " and ".join(f"{100 * values.std() / values.mean():.1f} %" for values in (boxes, measured))
    return (
        f"{red.lab}: {len(boxes)} red cells alone: boxes {boxes.mean():.2f} µm, measured {measured.mean():.2f} µm; "
        f"spread {spread}; r {said}, standard deviation of the difference {(measured - boxes).std():.2f} µm"
    )
