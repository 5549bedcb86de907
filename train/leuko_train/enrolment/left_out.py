"""Laboratories as the networks see them that `leuko-train travel` trained without them: answers and features.

A network's features are asked once and kept in the report's folder, for they take minutes and the draws take seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from leuko_edge.errors import UsageError
from leuko_edge.files import whole
from leuko_edge.model.card import ModelCard
from leuko_edge.model.classify import calibrate, simulated_card

from ..calibration import features, novelty, thresholds
from ..calibration.calibrate import FILE as CALIBRATION
from ..calibration.thresholds import Asked
from ..data import laboratories
from ..data.cell_set import CellSet
from ..evaluation.evaluate import load_run
from ..training import sampling
from ..training.report import COVERAGE
from ..travel.pieces import ANSWERS, TOLD

TAUGHT = 20
"""Training cells of each class of each laboratory that the features' directions are fitted on."""


@dataclass(frozen=True)
class LeftOut:
    """A laboratory's n cells; `own`: it was left out, not a set that nobody trains on.

    `found` (n, classes) calibrated, `features` (n, d) in which the card's centres lie; `card` holds the limits of doubt
    that the network's own validation cells give.
    """

    name: str
    own: bool
    found: np.ndarray
    features: np.ndarray
    labels: np.ndarray
    sources: np.ndarray
    card: ModelCard

    def only_five(self, named: tuple[int, ...]) -> LeftOut:
        """The same where no class but those may be answered: how much the others' probability costs."""
        found = np.zeros_like(self.found)
        found[:, named] = self.found[:, named]
        return replace(self, found=found / np.maximum(found.sum(1, keepdims=True), 1e-9))


def left_out(travel: Path, cells: CellSet, kept: Path, cap: int) -> Iterator[LeftOut]:
    """All laboratories that the networks in `travel` judged, at most `cap` cells of each class of each.

    UsageError where the networks are of other cells.
    """
    for answers in sorted((travel / TOLD.replace(" ", "-")).glob(f"*/{ANSWERS}")):
        run = answers.parent
        trained = json.loads((run / "report.json").read_text(encoding="utf-8"))
        if trained["provenance"]["data_sha256"] != cells.sha256:
            raise UsageError(
                f"{run} is of another cell set", "give --cells the one that leuko-train travel was run with"
            )
        with np.load(answers) as stored:
            rows = sampling.capped(cells, stored["rows"], cap, seed=0)
        seen = _kept(kept / f"features-{run.name}.npz", run, cells, rows)
        for lab in dict.fromkeys(cells.labs[rows].tolist()):
            here = cells.labs[rows] == lab
            own = lab not in (*laboratories.APART, *laboratories.COPIES)
            name, card = lab if own else f"{lab}, without {run.name}", _card(seen)
            found, labels = calibrate(seen["raw"][here], card.temperature), cells.labels[rows[here]]
            yield LeftOut(name, own, found, seen["features"][here], labels, cells.sources[rows[here]], card)


def _kept(path: Path, run: Path, cells: CellSet, rows: np.ndarray) -> dict[str, np.ndarray]:
    """What `looked` gives, from the file where an earlier call left it and network and rows are still the same."""
    stamp = np.array([(run / "model.keras").stat().st_mtime_ns, len(rows), int(rows.sum())])
    if path.is_file():
        with np.load(path) as stored:
            if np.array_equal(stored["stamp"], stamp):
                return dict(stored)
    seen = looked(run, cells, rows) | {"stamp": stamp}
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as file:
        np.savez(file, allow_pickle=False, **seen)
    return seen


def looked(run: Path, cells: CellSet, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Of a run's network: `raw` (rows, classes), `features` (rows, d), `centres` (m, d), and its limits.

    As `leuko-train calibrate` finds them, but on validation cells alone: nothing is chosen by a laboratory left out.
    """
    keras.backend.clear_session()
    model, trained = load_run(run)
    if (run / CALIBRATION).is_file():
        print(f"{run}: what calibrate chose for it is not used here", flush=True)
    settings: dict[str, Any] = trained["settings"]
    without = tuple(settings.get("exclude_labs", ()))
    taught = sampling.capped(cells, sampling.members(cells, "train", without), TAUGHT, settings["seed"])
    chosen = sampling.members(cells, "validation", without)
    chosen = sampling.capped(cells, chosen, settings.get("validation_cap", TAUGHT), settings["seed"])
    turns = int(trained.get("turns", 1))
    asked = np.concatenate([rows, taught, chosen])
    print(f"{run.name}: {len(asked)} cells", flush=True)
    raw, values, done = features.seen(model, trained, cells, asked, turns, trained.get("early_exit"))
    parts = np.split(np.arange(len(asked)), [len(rows), len(rows) + len(taught)])
    fitted = novelty.fit(values[parts[1]], cells.labels[taught])
    doubt = fitted.in_units_of(max(1e-9, float(np.median(fitted.distance(values[parts[2]])))))
    truth = cells.labels[chosen]
    known = Asked(truth, raw[parts[2]], doubt.distance(values[parts[2]]), np.ones(len(chosen), bool), done[parts[2]])
    temperature = thresholds.temperature([known])
    judged = known.judged(temperature)
    limits = thresholds.of_validation(judged, COVERAGE)
    abnormal = thresholds.abnormal_limit([judged])
    return {
        "raw": raw[parts[0]],
        "features": doubt.project(values[parts[0]]),
        "centres": doubt.centres,
        "temperature": np.array(temperature),
        "limits": np.array([limits.confidence, limits.distance, np.nan if abnormal is None else abnormal]),
    }


def _card(seen: dict[str, np.ndarray]) -> ModelCard:
    confidence, distance, abnormal = seen["limits"].tolist()
    return replace(
        simulated_card(),
        centres=tuple(map(tuple, seen["centres"].tolist())),
        temperature=float(seen["temperature"]),
        confidence_threshold=confidence,
        distance_threshold=distance,
        abnormal_threshold=None if np.isnan(abnormal) else abnormal,
    )
