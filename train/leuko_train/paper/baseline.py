"""The seed paper's recipe on the cell set, as a baseline: whole crops in 0–1, Adam 1e-4, no view of them changed.

It is a generous one: the crops are white-referenced and cut at one scale, which the paper's pictures are not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from leuko_edge.errors import UsageError
from leuko_edge.model.classify import calibrate
from leuko_edge.types import CLASSES

from .. import report
from ..data.augment import Window
from ..data.cell_set import CellSet
from ..data.views import identity_view
from ..metrics import classification
from ..training import report as fit_report
from ..training import sampling, seen
from ..training.course import Schedule
from . import recipe

SIZE = 64
DROPOUT = 0.5
PICTURE_UM = 36.0  # the width of PBC's single-cell pictures: the recipe sees the whole picture


def fit_recipe(
    cells: CellSet,
    out: Path,
    init: str | Path | None,
    excluded: tuple[str, ...],
    minutes: float | None,
    seed: int,
    precision: str = "float32",
) -> None:
    """Train into `out`: model.keras and report.json, with what `evaluate` reads of them.

    The last epoch's network counts; `minutes` ends it after the epoch whose end is nearest to them. Validation cells
    give the temperature and nothing else. Raises UsageError where no cells are left.
    """
    training = sampling.members(cells, "train", excluded)
    validation = sampling.members(cells, "validation", excluded)
    if not len(training) or not len(validation):
        raise UsageError("No training or no validation cells are left", "exclude fewer laboratories.")
    window = Window(PICTURE_UM, SIZE)
    chosen = np.concatenate([training, validation])
    rgb = identity_view(cells.crops, window, chosen)
    places = np.arange(len(chosen))
    testing = places[len(training) :]

    schedule = Schedule(recipe.LEARNING_RATE, recipe.EPOCHS, minutes=minutes)  # for its end alone: the rate is constant

    def more(rows: list[dict[str, Any]]) -> bool:
        gone = sum(row["seconds"] for row in rows)
        return not rows or schedule.seconds_left(len(rows), gone, gone / len(rows)) > 0

    model = recipe.compiled(len(CLASSES), SIZE, init, DROPOUT, seed, precision)
    rows = recipe.train(
        model,
        rgb,
        cells.labels[chosen],
        places[: len(training)],
        testing,
        out,
        epochs=recipe.EPOCHS,
        batch=recipe.BATCH,
        seed=seed,
        more=more,
    )
    found = recipe.probabilities(model, rgb, testing, recipe.BATCH)
    temperature = classification.fit_temperature(found, cells.labels[validation])
    sure = calibrate(found, temperature).max(1)
    content = {
        "provenance": report.provenance(cells.sha256, seed),
        "settings": {
            "network": "paper",
            "window_um": window.um,
            "input_size": SIZE,
            "batch": recipe.BATCH,
            "learning_rate": recipe.LEARNING_RATE,
            "dropout": DROPOUT,
            "precision": precision,
            "seed": seed,
            "exclude_labs": sorted(excluded),
            "data_sha256": cells.sha256,
        },
        "temperature": temperature,
        "confidence_threshold": float(np.quantile(sure, 1 - fit_report.COVERAGE)),
        "best_epoch": len(rows),
        "seconds": sum(row["seconds"] for row in rows),
        "epochs": rows,
    }
    model.save(out / "model.keras")
    seen.remember(out, cells, chosen)
    report.write_json(out / "report.json", content)
