"""How a trained network is to be read: `leuko-train calibrate`, which writes calibration.json beside its report.

Chosen on validation cells alone: how many ways round a cell is shown (each costs a run of the network), the
temperature of the combined answers, and the confidence below which a cell is unidentified. The card repeats all three.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from leuko_edge.errors import UsageError
from leuko_edge.turns import TURNS

from . import dataset, metrics, report, sampling
from .evaluate import load_run, predict_as_trained
from .fit_report import confidence_threshold, validation_row

FILE = "calibration.json"


def measured(found: np.ndarray, truth: np.ndarray, labs: np.ndarray) -> dict[str, Any]:
    """Of probabilities (n, classes) before any temperature: what the card needs, and how good they are."""
    temperature = metrics.fit_temperature(found, truth)
    tempered = metrics.tempered(found, temperature)
    return {
        "temperature": temperature,
        "confidence_threshold": confidence_threshold(tempered),
        "negative_log_likelihood": metrics.negative_log_likelihood(tempered, truth),
        "validation": validation_row(tempered, truth, labs),
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cells", type=Path, required=True, help="folder that `leuko-train cells` wrote")
    parser.add_argument("--model", type=Path, required=True, help="folder that `leuko-train fit` wrote")
    parser.add_argument(
        "--turns", type=int, choices=TURNS, default=4, help="ways round that a cell is shown (%(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    cells = dataset.load(args.cells)
    model, trained = load_run(args.model)
    settings = trained["settings"]
    chosen = sampling.members(cells, "validation", tuple(settings.get("exclude_labs", ())))
    chosen = sampling.capped(cells, chosen, settings["validation_cap"], settings["seed"])
    if not len(chosen):
        raise UsageError(f"{args.cells} has no validation cells of the laboratories that trained {args.model}.")
    truth, labs = cells.labels[chosen], cells.labs[chosen]
    tried = {}
    for turns in TURNS:
        found = predict_as_trained(model, trained | {"turns": turns}, cells, chosen)
        tried[turns] = measured(found, truth, labs)
    header = ("turns", "balanced accuracy, mean of laboratories", "negative log-likelihood", "temperature", "threshold")
    rows = [
        (
            turns,
            one["validation"]["score"],
            one["negative_log_likelihood"],
            one["temperature"],
            one["confidence_threshold"],
        )
        for turns, one in tried.items()
    ]
    print(f"{len(chosen)} validation cells\n\n{report.table(header, rows)}")
    content = tried[args.turns] | {"turns": args.turns, "cells": len(chosen)}
    content["tried"] = {turns: one["negative_log_likelihood"] for turns, one in tried.items()}
    report.write_json(args.model / FILE, content | {"provenance": report.provenance(cells.sha256, settings["seed"])})
    print(f"\n{args.model / FILE}: {args.turns} turns")
    return 0
