"""How well a trained network does on each laboratory's cells: `leuko-train evaluate`.

Nothing here is chosen by the cells that are judged: temperature and threshold are the run's own, from its validation
cells, and cells of whose photograph the network saw a copy are set aside first.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from leuko_edge.errors import EnvironmentBroken, UsageError
from leuko_edge.model.tta import combined, turned

from ..data import cell_set
from ..data.augment import Window
from ..data.cell_set import CellSet
from ..data.views import identity_view
from ..metrics.answers import Answers
from ..network.vgg16 import CONFIGS
from ..training import seen
from ..training.sampling import PART
from . import report as evaluation_report

SPLITS = ("train", "validation", "test")


def predict(
    model: keras.Model,
    cells: CellSet,
    chosen: np.ndarray,
    window: Window,
    white: float,
    batch: int = 64,
    turns: int = 1,
    early_exit: float | None = None,
) -> np.ndarray:
    """Probabilities (n, classes) of the plain views of `cells.crops[chosen]`, each shown `turns` ways round.

    `early_exit`: as in a model's card; all ways are asked here, and those that the device would not ask do not count.
    """
    parts = outputs(model, cells, chosen, window, white, batch, turns)
    return np.concatenate([combined(found, turns, early_exit) for found in parts])


def outputs(
    model: keras.Model,
    cells: CellSet,
    chosen: np.ndarray,
    window: Window,
    white: float,
    batch: int,
    turns: int,
) -> Iterator[Any]:
    """What `model` gives for the plain views of `cells.crops[chosen]`, `turns` ways round: `PART` cells at a time."""
    for start in range(0, len(chosen), PART):
        rgb = turned(identity_view(cells.crops, window, chosen[start : start + PART]), turns)
        yield model.predict(rgb.astype(np.float32) * (white / 255), batch_size=batch, verbose=0)


def predict_as_trained(model: keras.Model, trained: dict[str, Any], cells: CellSet, chosen: np.ndarray) -> np.ndarray:
    """Probabilities (n, classes) with the window, input range and turns that the run names."""
    settings = trained["settings"]
    window = Window(settings["window_um"], settings["input_size"])
    white, looks = CONFIGS[settings["network"]].white, trained.get("turns", 1)
    return predict(model, cells, chosen, window, white, turns=looks, early_exit=trained.get("early_exit"))


def load_run(folder: Path) -> tuple[keras.Model, dict[str, Any]]:
    """The network and the report that `fit` left in a folder, what `calibrate` chose in its place.

    Raises UsageError where there is no finished run, EnvironmentBroken where it cannot be read.
    """
    described, path = folder / "report.json", folder / "model.keras"
    if not described.is_file() or not path.is_file():
        raise UsageError(f"{folder} holds no finished run (model.keras and report.json)", "train one with fit.")
    try:
        trained = json.loads(described.read_text(encoding="utf-8"))
        if (calibrated := folder / "calibration.json").is_file():
            trained |= json.loads(calibrated.read_text(encoding="utf-8"))
        return keras.models.load_model(path, compile=False), trained
    except (OSError, ValueError, KeyError) as error:
        raise EnvironmentBroken(f"The model in {folder} cannot be read ({error})", "train it again.") from error


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cells", type=Path, required=True, help="folder that `leuko-train cells` wrote")
    parser.add_argument("--model", type=Path, required=True, help="folder that `leuko-train fit` wrote")
    parser.add_argument("--split", choices=(*SPLITS, "all"), default="test")
    parser.add_argument("--lab", nargs="+", metavar="NAME", help="only these laboratories")
    parser.add_argument("--threshold", type=float, help="confidence below which a cell is unidentified")
    parser.add_argument("--out", type=Path, help="folder for the report (MODEL/evaluation-SPLIT)")


def run(args: argparse.Namespace) -> int:
    cells = cell_set.load(args.cells)
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
    model, trained = load_run(args.model)
    out = args.out or args.model / "-".join(["evaluation", args.split, *(args.lab or [])])
    answers = Answers(
        predict_as_trained(model, trained, cells, chosen),
        cells.labels[chosen],
        cells.sources[chosen],
        trained["temperature"],
    )
    threshold = trained["confidence_threshold"] if args.threshold is None else args.threshold
    named = {"model": args.model.name, "split": args.split}
    evaluation_report.write(out, named, answers, cells.labs[chosen], trained, threshold, cells.sha256)
    return 0
