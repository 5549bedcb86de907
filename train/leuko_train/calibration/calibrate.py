"""How a trained network is to be read: `leuko-train calibrate`, and calibration.json and novelty.npz beside it.

Of validation cells alone: how many ways round a cell is shown (each costs a run of the network). The temperature of the
combined answers, and the limits of confidence and distance beyond which a cell is unidentified, are chosen on
laboratories that `leuko-train travel` left out, each by the network that never saw it; without them on validation
cells too. The card repeats all of it.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from leuko_edge.errors import UsageError
from leuko_edge.model.classify import calibrate
from leuko_edge.model.tta import TURNS

from .. import report
from ..data import cell_set, laboratories
from ..data.cell_set import CellSet
from ..evaluation.evaluate import load_run
from ..metrics import classification
from ..training import sampling
from ..training.report import COVERAGE, confidence_threshold, validation_row
from ..travel import pieces
from . import features, novelty, thresholds
from . import report as calibration_report
from .thresholds import Asked

FILE = "calibration.json"
TAUGHT = 150
"""Training cells of each class of each laboratory that the distance is fitted on."""
CAP = 240
"""Cells of each class of a left-out laboratory that the limits are chosen on."""


def measured(found: np.ndarray, truth: np.ndarray, labs: np.ndarray) -> dict[str, Any]:
    """Of probabilities (n, classes) before any temperature: what the card needs, and how good they are."""
    temperature = classification.fit_temperature(found, truth)
    tempered = calibrate(found, temperature)
    return {
        "temperature": temperature,
        "confidence_threshold": confidence_threshold(tempered),
        "negative_log_likelihood": classification.negative_log_likelihood(tempered, truth),
        "validation": validation_row(tempered, truth, labs),
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cells", type=Path, required=True, help="folder that `leuko-train cells` wrote")
    parser.add_argument("--model", type=Path, required=True, help="folder that `leuko-train fit` wrote")
    parser.add_argument(
        "--turns", type=int, choices=TURNS, default=4, help="ways round that a cell is shown (%(default)s)"
    )
    parser.add_argument(
        "--travel", type=Path, metavar="OUT", help="folder of a finished `leuko-train travel`: choose the limits there"
    )
    parser.add_argument(
        "--early-exit", type=float, metavar="P", help="a first way round so probable stands, and costs no other (none)"
    )
    parser.add_argument(
        "--keep-directions",
        action="store_true",
        help="the distance stays as calibrated before: the converted network holds it, and only its card changes",
    )
    parser.add_argument(
        "--cap", type=int, default=CAP, help="cells of a class of a left-out laboratory to choose on (%(default)s)"
    )


class Reader:
    """One network, its temperature and its distance; asks it about cells."""

    def __init__(
        self,
        model: keras.Model,
        trained: dict[str, Any],
        cells: CellSet,
        turns: tuple[int, ...],
        early_exit: float | None = None,
        kept: novelty.Doubt | None = None,
    ) -> None:
        """`turns`: ways round that are tried, each with `early_exit`; the last counts. `kept`: an earlier distance.

        UsageError without training or validation cells.
        """
        self._model, self._trained, self._cells, self._turns = model, trained, cells, turns[-1]
        self._early_exit = early_exit
        settings = trained["settings"]
        without = tuple(settings.get("exclude_labs", ()))
        taught = sampling.capped(cells, sampling.members(cells, "train", without), TAUGHT, settings["seed"])
        chosen = sampling.members(cells, "validation", without)
        chosen = sampling.capped(cells, chosen, settings.get("validation_cap", TAUGHT), settings["seed"])
        if not len(chosen) or not len(taught):
            raise UsageError("The cell set has no training or no validation cells of the laboratories that trained it.")
        real = ~np.isin(cells.labs[taught], laboratories.APART)  # drawn cells teach no class
        self.classes = np.unique(cells.labels[taught][real] if real.any() else cells.labels[taught])
        self.tried: dict[int, dict[str, Any]] = {}
        for way in turns:
            found, values, done = features.seen(model, trained, cells, chosen, way, early_exit)
            self.tried[way] = measured(found, cells.labels[chosen], cells.labs[chosen])
        self.temperature = self.tried[self._turns]["temperature"]
        if kept is None:
            fitted = novelty.fit(features.seen(model, trained, cells, taught).features, cells.labels[taught])
            kept = fitted.in_units_of(max(1e-9, float(np.median(fitted.distance(values)))))
        self.doubt = kept
        self.validation = self._asked(chosen, features.Seen(found, values, done))
        self.labs = cells.labs[chosen]

    def ask(self, rows: np.ndarray) -> Asked:
        seen = features.seen(self._model, self._trained, self._cells, rows, self._turns, self._early_exit)
        return self._asked(rows, seen)

    def _asked(self, rows: np.ndarray, seen: features.Seen) -> Asked:
        truth = self._cells.labels[rows]
        known = np.isin(truth, self.classes)
        return Asked(truth, seen.probabilities, self.doubt.distance(seen.features), known, seen.done)


def left_out(out: Path, cells: CellSet, turns: int, cap: int, early_exit: float | None = None) -> dict[str, Asked]:
    """Each laboratory's cells as the network of `leuko-train travel` sees them that was trained without it.

    Laboratories that were left out together are asked one by one; copies of a laboratory's photographs have no say.
    UsageError where `out` has no finished network of these cells.
    """
    result = {}
    for answers in sorted((out / pieces.TOLD.replace(" ", "-")).glob(f"*/{pieces.ANSWERS}")):
        folder = answers.parent
        keras.backend.clear_session()
        model, trained = load_run(folder)
        if trained["settings"].get("data_sha256") != cells.sha256:
            raise UsageError(f"The network in {folder} was trained on another cell set", "name the one of --travel.")
        with np.load(answers) as asked:
            rows = asked["rows"]
        reader = Reader(model, trained, cells, (turns,), early_exit)
        for lab in folder.name.split("+"):
            own = sampling.capped(cells, rows[cells.labs[rows] == lab], cap, seed=0)
            if len(own):
                print(f"{lab}: {len(own)} cells by the network of {folder}", flush=True)
                result[lab] = reader.ask(own)
    if not result:
        raise UsageError(f"{out} holds no finished network of leuko-train travel", "let that finish first.")
    return result


def run(args: argparse.Namespace) -> int:
    cells = cell_set.load(args.cells)
    kept = novelty.load(args.model) if args.keep_directions else None
    if args.keep_directions and kept is None:
        raise UsageError(f"{args.model} was not calibrated before", "leave --keep-directions away.")
    asked = {} if args.travel is None else left_out(args.travel, cells, args.turns, args.cap, args.early_exit)
    keras.backend.clear_session()
    model, trained = load_run(args.model)
    ways = (*(way for way in TURNS if way != args.turns), args.turns)
    reader = Reader(model, trained, cells, ways, args.early_exit, kept)
    # Whoever uses the network is a laboratory that did not train it: its confidence is to be right there.
    temperature = thresholds.temperature(list(asked.values())) if asked else reader.temperature
    away = {lab: one.judged(temperature) for lab, one in asked.items()}
    validation = reader.validation.judged(temperature)
    known = {str(lab): validation.of(reader.labs == lab) for lab in np.unique(reader.labs)}
    limits = thresholds.choose(list(away.values())) if away else thresholds.of_validation(validation, COVERAGE)
    sets = list(away.values()) or [validation]
    limits = replace(limits, abnormal=thresholds.abnormal_limit(sets))
    excluded = thresholds.excluded_limit(sets)
    warn = thresholds.warn_share(known, limits)
    strange = np.flatnonzero(cells.labs == laboratories.EVALUATION_ONLY)
    apart = {laboratories.EVALUATION_ONLY: reader.ask(strange).judged(temperature)} if len(strange) else {}

    print(f"{len(reader.labs)} validation cells\n\n{calibration_report.ways(reader.tried)}\n")
    found = calibration_report.doubt(away, known, apart, limits, warn)
    for lab in asked if len(asked) > 1 else ():
        other = thresholds.temperature([one for name, one in asked.items() if name != lab])
        found["left out"][lab]["ece_unchosen"] = thresholds.calibration_error(asked[lab].judged(other))
    print(calibration_report.text(found, limits, warn))
    ways_asked = {lab: 1 + (args.turns - 1) * (1 - one.done.mean()) for lab, one in asked.items()}
    ways_asked["validation"] = 1 + (args.turns - 1) * (1 - reader.validation.done.mean())
    print("Ways round asked, mean: " + ", ".join(f"{lab} {mean:.2f}" for lab, mean in ways_asked.items()))
    print(f"Temperature: {temperature:.3f}; of the network's own validation cells {reader.temperature:.3f}.")
    content = reader.tried[args.turns] | {"turns": args.turns, "early_exit": args.early_exit, "cells": len(reader.labs)}
    content |= {
        "temperature": temperature,
        "confidence_threshold": limits.confidence,
        "distance_threshold": limits.distance,
        "abnormal_threshold": limits.abnormal,
        "excluded_threshold": excluded,
        "warn_share": warn,
    }
    content["tried"] = {way: one["negative_log_likelihood"] for way, one in sorted(reader.tried.items())}
    content["ways_asked"] = ways_asked
    content["doubt"] = {"chosen_on": sorted(away) or "validation cells", "directions": len(reader.doubt.bias), **found}
    made = report.provenance(cells.sha256, trained["settings"]["seed"])
    report.write_json(args.model / FILE, content | {"provenance": made})
    reader.doubt.save(args.model)
    print(f"\n{args.model / FILE}, {args.model / novelty.FILE}: {args.turns} turns")
    return 0
