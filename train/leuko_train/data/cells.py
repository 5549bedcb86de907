"""Build the cell set from the laboratories' images: `leuko-train cells`."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import build, cell_set
from .laboratories import LABORATORIES
from .own import own_lab


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="folder with the laboratories' images")
    parser.add_argument("--out", type=Path, required=True, help="folder for the cell set")
    parser.add_argument(
        "--lab",
        action="append",
        default=[],
        type=own_lab,
        metavar="NAME=FOLDER",
        help="a laboratory of your own: FOLDER/<class>/<pictures>, or pictures and boxes.csv (see train/DATA.md)",
    )
    parser.add_argument(
        "--without-lab",
        action="append",
        default=[],
        choices=sorted(LABORATORIES),
        metavar="NAME",
        help="leave this laboratory out, because of its licence say; one of %(choices)s",
    )
    parser.add_argument(
        "--without",
        nargs="+",
        choices=build.NORMALISED,
        default=[],
        help="leave this out, to measure what it is worth: pictures as they are, one µm per pixel for all",
    )


def run(args: argparse.Namespace) -> int:
    cells = build.build(args.data, args.out, without=args.without, own=args.lab, without_labs=args.without_lab)
    for line in cell_set.summary(cells):
        print(line)
    for name, lab in cells.laboratories.items():
        print(f"licence of {name}: {lab.licence} ({lab.source})")
    print(f"{len(cells.labels)} cells in {args.out}, SHA-256 {cells.sha256}")
    return 0
