"""Is it still data? `leuko-train learning-curve`: accuracy by the number of laboratories, in minutes.

To train a network for each subset of the laboratories would take weeks, and every network of ours has seen most of
them. So a linear classifier learns on what ImageNet's VGG-16, frozen, makes of the cells: its level is far below a
trained network's, and what more laboratories bring is measured the same way for all numbers of them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from leuko_edge.errors import UsageError

from .. import report
from ..data import cell_set
from ..data.augment import Window
from ..data.laboratories import EVALUATION_ONLY
from ..metrics.answers import ENOUGH
from . import curve, curve_report
from .curve import Way
from .frozen import Sample, features, names

CAP = 60
ALIKE = 24
"""Cells of a class: as many as nearly every laboratory has of every class that it names."""
SHRINKAGE = 0.3
OTHERS = (0.1, 0.9)


def ways(alike: int) -> list[Way]:
    """The one that the report is about first, then what differs from it in one thing each."""
    held = f"{alike} cells of each class"
    return [
        Way(held, alike, SHRINKAGE),
        Way("all cells", None, SHRINKAGE),
        Way(f"{held}, the five classes alone", alike, SHRINKAGE, five=True),
        Way(f"{held}, and a changed view of each", alike, SHRINKAGE, changed=True),
        Way(f"{held}, each laboratory's own statistics", alike, SHRINKAGE, own="alike"),
        Way(f"{held}, own statistics of a normal smear", alike, SHRINKAGE, own="smear"),
        *(Way(f"{held}, shrinkage {other}", alike, other) for other in OTHERS),
    ]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cells", type=Path, required=True, help="folder that `leuko-train cells` wrote")
    parser.add_argument("--init", required=True, help="VGG-16 weights without top, or 'imagenet' (Keras loads them)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the features and the report")
    parser.add_argument("--cap", type=int, default=CAP, help="cells at most of a class of a laboratory (%(default)s)")
    parser.add_argument("--alike", type=int, default=ALIKE, help="cells of a class that teach (%(default)s)")
    parser.add_argument("--window-um", type=float, default=24.0, help="(%(default)s)")
    parser.add_argument("--input-size", type=int, default=64, help="pixels of the window (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(%(default)s)")


def run(args: argparse.Namespace) -> int:
    cells = cell_set.load(args.cells)
    every = sorted(set(names(cells).tolist()) - {""}, key=lambda lab: (lab == EVALUATION_ONLY, lab))
    if len(set(every) - {EVALUATION_ONLY}) < 3:
        raise UsageError(f"{args.cells} has cells of {', '.join(every)} alone", "a curve needs three laboratories.")
    sample = Sample(Window(args.window_um, args.input_size), args.cap, args.seed)
    known = features(cells, args.init, sample, args.out)
    labs = [lab for lab in every if len(curve.asked_of(known, lab))]
    if not set(labs) - {EVALUATION_ONLY}:
        raise UsageError(f"No laboratory has {ENOUGH} cells of a class to be judged by", "raise --cap.")
    found = {way: {lab: curve.judged(known, lab, way, args.seed) for lab in labs} for way in ways(args.alike)}
    made = {
        "provenance": report.provenance(cells.sha256, args.seed),
        "settings": {"window_um": args.window_um, "input_size": args.input_size, "cap": args.cap, "init": args.init},
        "cells": len(known.rows),
    }
    print(curve_report.write(args.out, made, found))
    return 0
