"""How well a trained network does on each laboratory's cells: `leuko-train evaluate`.

Two figures a laboratory, both balanced over the classes it has: nine-way, and "five classes", where only the
five classic leukocytes are asked for but any of the nine may be answered (and is wrong).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

from leuko_edge.errors import EnvironmentBroken, UsageError
from leuko_edge.types import CLASSES

from . import dataset, figures, metrics, report, seen
from .augment import Window, identity_view
from .dataset import CellSet
from .network import CONFIGS
from .sampling import PART

FIVE = ("neutrophil", "lymphocyte", "monocyte", "eosinophil", "basophil")
SPLITS = ("train", "validation", "test")
COVERAGES = (1.0, 0.99, 0.98, 0.95, 0.9, 0.8)


def predict(
    model: keras.Model, cells: CellSet, chosen: np.ndarray, window: Window, white: float, batch: int = 64
) -> np.ndarray:
    """Probabilities (n, classes) of the plain views of `cells.crops[chosen]`."""
    parts = []
    for start in range(0, len(chosen), PART):
        rgb = identity_view(cells.crops, window, chosen[start : start + PART])
        parts.append(model.predict(rgb.astype(np.float32) * (white / 255), batch_size=batch, verbose=0))
    return np.concatenate(parts)


def of_lab(found: np.ndarray, truth: np.ndarray, sources: np.ndarray, threshold: float) -> dict[str, Any]:
    """The figures of one laboratory, from calibrated probabilities (n, classes)."""
    predicted, confidence = found.argmax(1), found.max(1)
    five = np.isin(truth, [CLASSES.index(name) for name in FIVE])
    result: dict[str, Any] = {"cells": len(truth), "sources": len(np.unique(sources))}
    for name, rows in (("nine", np.ones(len(truth), bool)), ("five", five)):
        if not rows.any():
            continue
        right = predicted[rows] == truth[rows]
        matrix = metrics.confusion(truth[rows], predicted[rows], len(CLASSES))
        drawn = (truth[rows], predicted[rows], sources[rows], len(CLASSES), metrics.balanced_accuracy)
        result[name] = {
            "cells": int(rows.sum()),
            "balanced_accuracy": metrics.balanced_accuracy(matrix),
            "balanced_accuracy_ci95": metrics.bootstrap(*drawn),
            "accuracy": float(right.mean()),
            "accuracy_ci95": metrics.wilson(int(right.sum()), len(right)),
            "confusion": matrix,
            "per_class": metrics.per_class(matrix),
        }
    accepted = confidence >= threshold
    result["rejected"] = float(1 - accepted.mean())
    result["accuracy_of_accepted"] = float((predicted == truth)[accepted].mean()) if accepted.any() else None
    result["calibration_error"] = metrics.calibration_error(confidence, predicted == truth)
    return result


def _risks(found: np.ndarray, truth: np.ndarray) -> list[dict[str, float]]:
    """What accepting only the most confident share of the cells would cost and gain."""
    coverage, risk, threshold = metrics.risk_coverage(found.max(1), found.argmax(1) == truth)
    at = [min(len(coverage) - 1, int(np.searchsorted(coverage, wanted - 1e-9))) for wanted in COVERAGES]
    return [{"coverage": float(coverage[i]), "risk": float(risk[i]), "threshold": float(threshold[i])} for i in at]


def _markdown(content: dict[str, Any]) -> str:
    rows = []
    for lab, figures_of in content["labs"].items():
        row: list[Any] = [lab, figures_of["cells"], figures_of["sources"]]
        for name in ("nine", "five"):
            part = figures_of.get(name)
            low, high = part["balanced_accuracy_ci95"] if part else (0, 0)
            row += [part["balanced_accuracy"], f"{low:.3f}–{high:.3f}"] if part else [None, None]
        rows.append([*row, figures_of["calibration_error"], figures_of["rejected"]])
    header = ("laboratory", "cells", "sources", "nine, balanced", "95 %", "five, balanced", "95 %", "ECE", "rejected")
    scores = content["all"]["nine"]["per_class"]
    classes = [(name, *(scores[key][i] for key in scores)) for i, name in enumerate(CLASSES)]
    risks = [(risk["coverage"], risk["risk"], risk["threshold"]) for risk in content["risk_coverage"]]
    return "\n\n".join(
        (
            f"# {content['model']} on the {content['split']} cells",
            report.table(header, rows),
            "All laboratories together, each class against the rest:",
            report.table(("class", *scores), classes),
            f"Accepting only the most confident (temperature {content['temperature']:.3f}, threshold now "
            f"{content['threshold']:.2f}):",
            report.table(("coverage", "wrong among accepted", "confidence from"), risks),
            report.provenance_lines(content["provenance"]) + "\n",
        )
    )


def _trained(run_folder: Path) -> tuple[keras.Model, dict[str, Any]]:
    """The network and the report that `fit` left in a folder."""
    described, path = run_folder / "report.json", run_folder / "model.keras"
    if not described.is_file() or not path.is_file():
        raise UsageError(f"{run_folder} holds no finished run (model.keras and report.json); train one with fit.")
    try:
        return keras.models.load_model(path, compile=False), json.loads(described.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError) as error:
        raise EnvironmentBroken(f"The model in {run_folder} cannot be read ({error}); train it again.") from error


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cells", type=Path, required=True, help="folder that `leuko-train cells` wrote")
    parser.add_argument("--model", type=Path, required=True, help="folder that `leuko-train fit` wrote")
    parser.add_argument("--split", choices=(*SPLITS, "all"), default="test")
    parser.add_argument("--lab", nargs="+", metavar="NAME", help="only these laboratories")
    parser.add_argument("--threshold", type=float, help="confidence below which a cell is unidentified")
    parser.add_argument("--out", type=Path, help="folder for the report (MODEL/evaluation-SPLIT)")


def run(args: argparse.Namespace) -> int:
    cells = dataset.load(args.cells)
    wanted = SPLITS if args.split == "all" else (args.split,)
    rows = np.isin(cells.splits, wanted) & (np.isin(cells.labs, args.lab) if args.lab else True)
    if args.split == "test":
        fresh = seen.unseen(args.model, cells)
        spoiled = np.unique(cells.sources[rows & ~fresh])
        if len(spoiled):
            count = int((rows & ~fresh).sum())
            print(f"{count} cells of {len(spoiled)} photographs set aside: the network saw a copy.\n")
        rows &= fresh
    chosen = np.flatnonzero(rows)
    if not len(chosen):
        raise UsageError(f"No {args.split} cells of {', '.join(args.lab or ['any laboratory'])} in {args.cells}.")
    model, trained = _trained(args.model)
    settings = trained["settings"]
    window = Window(settings["window_um"], settings["input_size"])
    raw = predict(model, cells, chosen, window, CONFIGS[settings["network"]].white)
    out = args.out or args.model / "-".join(["evaluation", args.split, *(args.lab or [])])
    threshold = trained["confidence_threshold"] if args.threshold is None else args.threshold
    write(out, args.model.name, args.split, cells, chosen, raw, trained, threshold)
    return 0


def write(
    out: Path,
    name: str,
    split: str,
    cells: CellSet,
    chosen: np.ndarray,
    raw: np.ndarray,
    trained: dict[str, Any],
    threshold: float,
) -> None:
    """report.json, report.md, confusion.png and reliability.png in `out`; the Markdown to the terminal too."""
    out.mkdir(parents=True, exist_ok=True)
    truth, labs, sources = cells.labels[chosen], cells.labs[chosen], cells.sources[chosen]
    found = metrics.tempered(raw, trained["temperature"])
    right = found.argmax(1) == truth
    content = {
        "provenance": report.provenance(cells.sha256, trained["settings"]["seed"]),
        "trained": trained["provenance"] | {"exclude_labs": trained["settings"]["exclude_labs"]},
        "model": name,
        "split": split,
        "classes": CLASSES,
        "temperature": trained["temperature"],
        "threshold": threshold,
        "calibration_error_untempered": metrics.calibration_error(raw.max(1), right),
        "labs": {
            str(lab): of_lab(found[labs == lab], truth[labs == lab], sources[labs == lab], threshold)
            for lab in np.unique(labs)
        },
        "all": of_lab(found, truth, sources, threshold),
        "risk_coverage": _risks(found, truth),
    }
    report.write_json(out / "report.json", content)
    figures.confusion_picture(out / "confusion.png", content["all"]["nine"]["confusion"], CLASSES, split)
    figures.reliability_picture(out / "reliability.png", metrics.reliability(found.max(1), right), split)
    text = _markdown(content)
    (out / "report.md").write_text(text, encoding="utf-8")
    print(text)
