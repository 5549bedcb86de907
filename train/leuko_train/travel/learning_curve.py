"""Is it still data? `leuko-train learning-curve`: accuracy by the number of laboratories, in minutes.

To train a network for each subset of the laboratories would take weeks, and every network of ours has seen most of
them. So a linear classifier learns on what ImageNet's VGG-16, frozen, makes of the cells: its level is far below a
trained network's, and what more laboratories bring is measured the same way for all numbers of them.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
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


def ways(alike: int, cap: int) -> list[Way]:
    """The one that the report is about first, then what differs from it, mostly in one thing."""
    held = f"{alike} cells of each class"
    first, every = Way(held, alike, SHRINKAGE), Way(f"all cells, {cap} of a laboratory's class", None, SHRINKAGE)
    return [
        first,
        Way(f"{cap} cells of each class", cap, SHRINKAGE),
        every,
        replace(first, name=f"{held}, the five classes alone", five=True),
        replace(first, name=f"{held}, and a changed view of each", changed=True),
        replace(first, name=f"{held}, own statistics, classes alike", own=("alike", "alike")),
        replace(first, name=f"{held}, own statistics, as a normal smear", own=("smear", "smear")),
        replace(every, name="all cells, own statistics, classes alike", own=("alike", "alike")),
        replace(every, name="all cells, own statistics, as a normal smear", own=("smear", "smear")),
        replace(every, name="all cells, own statistics, alike but a smear's where asked", own=("alike", "smear")),
        *(replace(first, name=f"{held}, shrinkage {other}", shrinkage=other) for other in OTHERS),
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
    every = sorted(set(names(cells).tolist()) - {""})
    if len(set(every) - {EVALUATION_ONLY}) < 3:
        raise UsageError(f"{args.cells} has cells of {', '.join(every)} alone", "a curve needs three laboratories.")
    sample = Sample(Window(args.window_um, args.input_size), args.cap, args.seed)
    known = features(cells, args.init, sample, args.out)
    if not any(len(curve.asked_of(known, lab)) for lab in every if lab != EVALUATION_ONLY):
        raise UsageError(f"No laboratory has {ENOUGH} cells of a class to be judged by", "raise --cap.")
    found = {way: curve.judged(known, way, args.seed) for way in ways(args.alike, args.cap)}
    made = {
        "provenance": report.provenance(cells.sha256, args.seed),
        "settings": {"window_um": args.window_um, "input_size": args.input_size, "cap": args.cap, "init": args.init},
        "cells": len(known.rows),
    }
    print(curve_report.write(args.out, made, found))
    return 0
