"""A run that is made of others without training: written as `fit` would have, so that every command takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from leuko_edge.errors import UsageError

from ..data.cell_set import CellSet
from ..evaluation.evaluate import predict_as_trained
from . import report as fit_report
from . import sampling
from .course import Progress
from .runs import MODEL, WEIGHTS


def same_cells(run: Path, settings: Mapping[str, Any], cells: CellSet) -> None:
    """Raises UsageError where the run in a folder was trained on another cell set."""
    if settings["data_sha256"] != cells.sha256:
        raise UsageError(f"{run} was trained on other cells", "give the cell set of the run with --cells.")


def write(
    out: Path,
    cells: CellSet,
    model: keras.Model,
    settings: dict[str, Any],
    rows: list[dict[str, Any]],
    seconds: float,
    made_of: Sequence[Path],
) -> float:
    """Weights, model and report in `out`; returns the score on the validation cells.

    `rows` and `seconds` are of all epochs that went into it. What any run of `made_of` saw, this one has seen.
    """
    excluded = tuple(settings["exclude_labs"])
    training = sampling.members(cells, "train", excluded)
    validation = sampling.members(cells, "validation", excluded)
    validation = sampling.capped(cells, validation, settings["validation_cap"], settings["seed"])
    found = predict_as_trained(model, {"settings": settings}, cells, validation)
    out.mkdir(parents=True, exist_ok=True)
    model.save_weights(out / WEIGHTS)
    model.save(out / MODEL)
    progress = Progress(rows=rows, seconds=seconds, best_epoch=len(rows), settings=settings)
    fit_report.write(out, progress, cells, training, validation, found, made_of)
    return float(fit_report.validation_row(found, cells.labels[validation], cells.labs[validation])["score"])
