"""What a training run reports: its course, and how its best network does on the validation cells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from leuko_edge.model.classify import calibrate
from leuko_edge.types import CLASSES

from .. import report
from ..data.augment import CROP_UM_PER_PX
from ..data.cell_set import CellSet
from ..metrics import classification, figures
from . import seen
from .course import Progress

COVERAGE = 0.98
"""Share of the validation cells that the proposed confidence threshold accepts."""
ENOUGH = 5
"""Validation cells that a class of a laboratory needs for a say: an epoch was once chosen for one lucky basophil."""


def confidence_threshold(tempered: np.ndarray) -> float:
    """Below it a cell is unidentified: `COVERAGE` of the calibrated probabilities (n, classes) have a higher best."""
    return float(np.quantile(tempered.max(1), 1 - COVERAGE))


def validation_row(found: np.ndarray, truth: np.ndarray, labs: np.ndarray) -> dict[str, Any]:
    """Of probabilities (n, classes): `score`, the mean of the laboratories' balanced accuracies, and what is in it."""
    by_lab = classification.balanced_by_lab(truth, found.argmax(1), labs, found.shape[1], ENOUGH)
    if not by_lab:  # a small set of the user's own: better judged by few cells than not at all
        by_lab = classification.balanced_by_lab(truth, found.argmax(1), labs, found.shape[1])
    return {
        "score": float(np.mean(list(by_lab.values()))),
        "loss": classification.negative_log_likelihood(found, truth),
        "accuracy": float((found.argmax(1) == truth).mean()),
        "labs": by_lab,
    }


def _counts(cells: CellSet, chosen: np.ndarray) -> dict[str, dict[str, int]]:
    """Cells of each class in each laboratory."""
    labs, labels = cells.labs[chosen], cells.labels[chosen]
    return {
        str(lab): dict(zip(CLASSES, np.bincount(labels[labs == lab], minlength=len(CLASSES)).tolist(), strict=True))
        for lab in np.unique(labs)
    }


def write(
    out: Path,
    progress: Progress,
    cells: CellSet,
    training: np.ndarray,
    validation: np.ndarray,
    found: np.ndarray,
    before: Sequence[Path] = (),
) -> None:
    """report.json, report.md, curves.png, confusion.png in `out`. `found`: probabilities of the validation cells.

    `before`: the folders of the runs that it began as, learnt from, or is the mean of.
    """
    settings = progress.settings
    truth, labs = cells.labels[validation], cells.labs[validation]
    temperature = classification.fit_temperature(found, truth)
    matrix = classification.confusion(truth, found.argmax(1), len(CLASSES))
    made = report.provenance(cells.sha256, settings["seed"])
    content = {
        "provenance": made,
        "settings": settings,
        "classes": CLASSES,
        "input_size": settings["input_size"],
        "window_um": settings["window_um"],
        "um_per_px": settings["window_um"] / settings["input_size"],
        "crop_um_per_px": CROP_UM_PER_PX,
        "temperature": temperature,
        "confidence_threshold": confidence_threshold(calibrate(found, temperature)),
        "best_epoch": progress.best_epoch,
        "validation": validation_row(found, truth, labs),
        "confusion": matrix,
        "seconds": progress.seconds,
        "training_cells": _counts(cells, training),
        "validation_cells": _counts(cells, validation),
        "epochs": progress.rows,
    }
    seen.remember(out, cells, np.concatenate([training, validation]), before)
    report.write_json(out / "report.json", content)
    figures.confusion_picture(out / "confusion.png", matrix, CLASSES, "validation")
    lines = {key: [row[key] for row in progress.rows] for key in progress.rows[0]}
    panels = {
        "loss": {"training": lines["loss"], "validation": lines["val_loss"]},
        "accuracy": {"training": lines["accuracy"], "validation": lines["val_accuracy"]},
        "balanced accuracy": {lab: [row[lab] for row in lines["val_labs"]] for lab in lines["val_labs"][0]},
    }
    figures.curves_picture(out / "curves.png", panels)
    header = ("epoch", "views", "training loss", "training accuracy", "validation loss", "validation accuracy", "score")
    keys = ("loss", "accuracy", "val_loss", "val_accuracy", "val_score")
    rows = [(i, row.get("augment", ""), *(row[k] for k in keys)) for i, row in enumerate(progress.rows, 1)]
    course = report.table(header, rows)
    by_lab = report.table(("laboratory", "balanced accuracy"), content["validation"]["labs"].items())
    text = (
        f"# Training of {settings['network']}\n\nBest epoch {progress.best_epoch}; temperature {temperature:.3f}; "
        f"{progress.seconds / 60:.0f} minutes; {len(training)} training, {len(validation)} validation cells.\n\n"
        f"{by_lab}\n\nTraining figures are of augmented views, with smoothed labels.\n\n{course}\n\n"
        f"{report.provenance_lines(made)}\n"
    )
    (out / "report.md").write_text(text, encoding="utf-8")
