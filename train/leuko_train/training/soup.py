"""Average the weights of networks that began alike: `leuko-train soup` (Wortsman et al. 2022, "Model soups").

Runs that were fine-tuned from the same beginning, on other views or with another seed, lie in one valley of the loss:
the mean of their weights is a network of its own that costs no more than one of them, and errs less on what none of
them saw.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from leuko_edge.errors import UsageError
from leuko_edge.types import CLASSES

from ..data import cell_set
from ..data.cell_set import CellSet
from ..evaluation.evaluate import load_run
from ..network import warm_start
from ..network.vgg16 import CONFIGS
from . import derived
from .runs import MODEL

MUST_AGREE = ("network", "window_um", "input_size", "exclude_labs", "data_sha256")
"""Settings without which two runs are not the same network of the same cells."""


def mixed(models: Sequence[keras.Model], shares: Sequence[float]) -> list[np.ndarray]:
    """The mean of the models' weights, by `shares` (which need not add up to 1). UsageError where shapes differ."""
    every = [model.get_weights() for model in models]
    if len({tuple(w.shape for w in weights) for weights in every}) > 1:
        raise UsageError("The runs' networks differ in shape", "average runs of the same network.")
    parts = np.asarray(shares, np.float64) / np.sum(shares)
    return [
        sum(p * w for p, w in zip(parts, same, strict=True)).astype(np.float32) for same in zip(*every, strict=True)
    ]


def towards(weights: Sequence[np.ndarray], told: dict[str, Any], beginning: Path, share: float) -> list[np.ndarray]:
    """`weights` with `share` of the network in `beginning` (.tflite or .keras), of the kind that `told` names.

    A class that the beginning did not know keeps its row of the last layer: there is nothing to go back to.
    """
    known = warm_start.read(beginning)
    model = CONFIGS[told["network"]].build(len(CLASSES), told["input_size"], None, told["dropout"])
    warm_start.inherit(model, known)
    both = [((1 - share) * w + share * b).astype(np.float32) for w, b in zip(weights, model.get_weights(), strict=True)]
    new = [i for i, name in enumerate(CLASSES) if name not in known.classes]
    for mixed_in, own in zip(both[-2:], weights[-2:], strict=True):  # kernel (features, classes), bias (classes)
        mixed_in[..., new] = own[..., new]
    return both


def _agreed(runs: Sequence[Path], trained: Sequence[dict[str, Any]]) -> None:
    first = trained[0]["settings"]
    for run, report in zip(runs[1:], trained[1:], strict=True):
        differ = [key for key in MUST_AGREE if report["settings"].get(key) != first.get(key)]
        if differ:
            raise UsageError(f"{run} has another {', '.join(differ)} than {runs[0]}", "average runs that agree in it.")


def soup(
    cells: CellSet,
    runs: Sequence[Path],
    shares: Sequence[float],
    out: Path,
    beginning: Path | None = None,
    beginning_share: float = 0.0,
) -> float:
    """Write the averaged network to `out` as `fit` would have, and return its score on the validation cells.

    `shares` are of the runs among one another; `beginning_share` of the whole goes to the network in `beginning`.

    What any of the runs saw, the average has seen; its report has every run's epochs, one after the other.
    Raises UsageError where the runs do not belong together or are of other cells.
    """
    loaded = [load_run(run) for run in runs]
    trained = [report for _, report in loaded]
    _agreed(runs, trained)
    told = trained[0]["settings"]
    derived.same_cells(runs[0], told, cells)
    model = loaded[0][0]
    weights = mixed([m for m, _ in loaded], shares)
    if beginning is not None:
        weights = towards(weights, told, beginning, beginning_share)
    model.set_weights(weights)
    members = [
        {
            "share": (1 - beginning_share) * share / sum(shares),
            "commit": report["provenance"].get("commit"),
            **{key: report["settings"][key] for key in ("seed", "augment", "class_weights", "init")},
        }
        for share, report in zip(shares, trained, strict=True)
    ]
    made_of = list(runs)
    if beginning is not None:
        members.append({"share": beginning_share, "init": beginning.name})
        made_of.append(beginning.parent)
    rows = [row for report in trained for row in report["epochs"]]
    seconds = sum(report["seconds"] for report in trained)
    return derived.write(out, cells, model, told | {"soup": members}, rows, seconds, made_of)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cells", type=Path, required=True, help="folder that `leuko-train cells` wrote")
    parser.add_argument("--runs", nargs="+", type=Path, required=True, help="folders that `leuko-train fit` wrote")
    parser.add_argument("--shares", nargs="+", type=float, help="of each run in the mean (alike)")
    parser.add_argument("--beginning", type=Path, metavar="MODEL", help="what the runs began as (.tflite, .keras)")
    parser.add_argument("--beginning-share", type=float, default=0.2, help="of it in the mean (%(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the averaged network and its report")


def run(args: argparse.Namespace) -> int:
    shares = args.shares or [1.0] * len(args.runs)
    if len(args.runs) + (args.beginning is not None) < 2:
        raise UsageError("One run has no mean", "name two or more folders with --runs, or its --beginning.")
    if not 0 < args.beginning_share < 1:
        raise UsageError("--beginning-share is no share", "give a number between 0 and 1.")
    if len(shares) != len(args.runs) or min(shares) <= 0:
        raise UsageError("--shares does not fit --runs", "give a number above 0 for each run.")
    if (args.out / MODEL).exists():
        raise UsageError(f"{args.out} already holds a run", "choose another --out.")
    share = args.beginning_share if args.beginning else 0.0
    score = soup(cell_set.load(args.cells), args.runs, shares, args.out, args.beginning, share)
    print(f"Averaged {len(args.runs)} runs: validation {score:.4f}; {args.out / MODEL}")
    return 0
