"""Networks with batch normalisation under the statistics of the laboratory they have never seen.

`leuko-train own-statistics` (Li et al. 2016, arXiv 1603.04779): mean and variance of each channel are taken from the
new laboratory's cells instead of the training's; no weight changes and no cell's name is needed. What mixture of
classes these cells are matters, so two are shown: the five classes alike, and a normal person's differential.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from leuko_edge.errors import UsageError

from ..data import cell_set
from ..data.augment import Window
from ..data.cell_set import CellSet
from ..data.views import identity_view
from ..evaluation import evaluate
from ..metrics.answers import FIVE
from ..metrics.differential import NORMAL, weights_as
from ..network.vgg16 import CONFIGS
from ..training.sampling import network_input, through_trunk
from .committee import HEADER, Member, read, rows_of
from .pieces import TOLD

CELLS = 512
"""Drawn, with replacement, for a statistic; each has sixteen places or more in a channel."""
MIXTURES = {
    "its own, classes alike": dict.fromkeys(FIVE, 1.0),
    "its own, a normal smear": NORMAL,
}


def drawn(labels: np.ndarray, shares: dict[str, float], rng: np.random.Generator) -> np.ndarray:
    """`CELLS` indices of `labels` (n,), each class by its share; a class without cells is left out."""
    chances = weights_as(labels, shares)
    if not chances.any():
        raise UsageError("None of the five classes is among the cells", "judge a laboratory that has them.")
    return rng.choice(len(labels), CELLS, p=chances / chances.sum())


def take_statistics(rest: keras.Model, given: np.ndarray) -> None:
    """Give each batch normalisation of `rest` the statistics of `given`, (n, …) as its input.

    All at once, as one batch of training: a layer's statistics are of what those before it make of the new ones.
    """
    normalisations = [layer for layer in rest.layers if isinstance(layer, keras.layers.BatchNormalization)]
    before = [layer.momentum for layer in normalisations]
    for layer in normalisations:
        layer.momentum = 0.0  # what the batch has, and nothing of what was
    rest(given, training=True)
    for layer, momentum in zip(normalisations, before, strict=True):
        layer.momentum = momentum


def judged(out: Path, left_out: str, cells: CellSet) -> list[Member]:
    """The training's network as it is and under each of `MIXTURES`, asked about the same cells.

    Raises UsageError where it has no normalisation of the batch after its trunk.
    """
    as_trained = read(out, left_out, cells)
    model, trained = evaluate.load_run(out / TOLD.replace(" ", "-") / left_out)
    settings = trained["settings"]
    network = CONFIGS[settings["network"]]
    trunk, rest = network.parted(model, settings["trunk"])
    if not any(isinstance(layer, keras.layers.BatchNormalization) and layer.trainable for layer in rest.layers):
        raise UsageError(f"{settings['network']} has no statistics to take", "give trainings of a --network with norm.")
    pictures = identity_view(cells.crops, Window(settings["window_um"], settings["input_size"]), as_trained.rows)
    features = through_trunk(trunk, pictures, network.white, 64)
    kept, labs, labels = rest.get_weights(), cells.labs[as_trained.rows], cells.labels[as_trained.rows]
    members = [replace(as_trained, name="the training's")]
    for name, shares in MIXTURES.items():
        raw = as_trained.raw.copy()
        for lab in np.unique(labs):
            own = np.flatnonzero(labs == lab)
            chosen = own[drawn(labels[own], shares, np.random.default_rng(0))]
            take_statistics(rest, network_input(features[chosen], trunk, network.white))
            given = network_input(features[own], trunk, network.white)
            raw[own] = rest.predict(given, batch_size=64, verbose=0)
            rest.set_weights(kept)
        members.append(replace(as_trained, name=name, raw=raw))
    return members


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cells", type=Path, required=True, help="folder that `leuko-train cells` wrote")
    parser.add_argument("--left-out", nargs="+", required=True, metavar="NAME", help="as `travel` was told")
    parser.add_argument("--out", required=True, type=Path, help="folder that `travel` wrote")


def run(args: argparse.Namespace) -> int:
    cells = cell_set.load(args.cells)
    print(HEADER.replace("network", "statistics"))
    for left_out in args.left_out:
        for member in judged(args.out, left_out, cells):
            print("\n".join(rows_of(member, cells, left_out)))
    return 0
