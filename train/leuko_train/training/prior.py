"""Make classes rarer to a trained network: `leuko-train prior` (Saerens et al. 2002; Menon et al. 2021).

Training draws every class about as often as the next, so that each is learnt. In blood an immature granulocyte is
rarer than a neutrophil a hundredfold, and where a laboratory is unlike those of the training, cells pile up in the rare
classes. The answer is multiplied by how much rarer a class is to be, as a constant in the bias of the last layer: no
work on the device. A class that asks for a person when it is met (a blast) is better left as likely as it is.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from leuko_edge.errors import UsageError
from leuko_edge.types import CLASSES

from ..data import cell_set
from ..data.cell_set import CellSet
from ..evaluation.evaluate import load_run
from . import derived
from .runs import MODEL
from .settings import weights


def weigh(model: keras.Model, factors: Mapping[str, float]) -> None:
    """Multiply what the model says of each class, before the probabilities are made to sum to 1, by its factor."""
    last = next(layer for layer in reversed(model.layers) if isinstance(layer, keras.layers.Dense))
    kernel, bias = last.get_weights()
    bias += np.array([np.log(factors.get(name, 1.0)) for name in CLASSES], bias.dtype)
    last.set_weights([kernel, bias])


def prior(cells: CellSet, run: Path, factors: Mapping[str, float], out: Path) -> float:
    """Write the run in a folder with its classes so weighed to `out`; returns its score on the validation cells.

    Raises UsageError for a run of other cells, a class that does not exist and a factor that is not above 0.
    """
    if unknown := sorted(set(factors) - set(CLASSES)):
        raise UsageError(f"No class {', '.join(unknown)}", f"there are {', '.join(CLASSES)}.")
    if not factors or min(factors.values()) <= 0:
        raise UsageError("--factors weighs no class", "give NAME:FACTOR with factors above 0.")
    model, trained = load_run(run)
    settings = trained["settings"]
    derived.same_cells(run, settings, cells)
    weigh(model, factors)
    before = settings.get("prior", {})
    both = {name: before.get(name, 1.0) * factors.get(name, 1.0) for name in CLASSES if name in {*before, *factors}}
    return derived.write(out, cells, model, settings | {"prior": both}, trained["epochs"], trained["seconds"], [run])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cells", type=Path, required=True, help="folder that `leuko-train cells` wrote")
    parser.add_argument("--model", type=Path, required=True, help="folder that `leuko-train fit` wrote")
    parser.add_argument(
        "--factors", required=True, metavar="'NAME:F NAME:F'", help="how much likelier each is to be; 1 where not given"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the network so weighed and its report")


def run(args: argparse.Namespace) -> int:
    if (args.out / MODEL).exists():
        raise UsageError(f"{args.out} already holds a run", "choose another --out.")
    score = prior(cell_set.load(args.cells), args.model, weights("factors", args.factors), args.out)
    print(f"Weighed: validation {score:.4f}; {args.out / MODEL}")
    return 0
