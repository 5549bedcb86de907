"""A beginning that was taught without names: `leuko-train pretrain` (SimCLR; Chen et al. 2020, arXiv 2002.05709).

Of each cell two views are drawn, as another stain and another camera might show it. The convolutions learn to tell
which of a batch's views are of one cell; what they are asked through is thrown away. `fit` and `travel` go on with
`--init OUT/start.keras`. Laboratories that are to be left out later must be left out here too.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from leuko_edge.errors import UsageError
from leuko_edge.types import CLASSES

from .. import report
from ..data import cell_set
from ..data.augment import Window
from ..data.cell_set import CellSet
from ..data.view_pool import ViewPool
from ..data.views import identity_view
from ..network.vgg16 import CONFIGS, split_at
from . import sampling, seen
from .course import Progress, averaged
from .runs import (
    PRUNED_ON,
    WEIGHTS,
    as_read,
    begin,
    begun,
    built,
    fine_tuning,
    made_of,
    refuse_known,
    refuse_unknown,
    trained,
)
from .runs import add_arguments as add_arguments
from .settings import POLICIES, Settings, from_arguments, weights

START = "start.keras"  # not MODEL: its last layers know nothing, and no command may judge it
HIDDEN, ASKED = 256, 128
"""Units through which the pooled features are asked; both layers are thrown away."""
TEMPERATURE = 0.2
"""Of the similarities, -1 to 1: between the paper's 0.1 (thousands of views a batch) and its 0.5 (small pictures)."""
FAR = 1e9  # taken from a similarity that is not to count
NEEDLESS = ("class_weights", "taught", "style", "focal")


class PairStream(sampling.ViewStream):
    """Views two by two, both of one cell; the target is the cell's row in the set, (batch, 1), no name."""

    together = 2

    def __init__(self, cells: CellSet, *args: Any) -> None:
        super().__init__(cells, *args)
        self.told = np.arange(len(cells.labels), dtype=np.float32)[:, None]
        self.targets = np.zeros((len(self.features), 1), np.float32)


def _compared(cell: Any, found: Any) -> tuple[Any, Any]:
    """(similarities (n, n), a view to itself far below all; (n, n) 1 where two views are of one cell)."""
    cell, found = ops.convert_to_tensor(cell, "float32"), ops.convert_to_tensor(found, "float32")
    place = ops.cumsum(ops.ones_like(cell), axis=0)  # TensorFlow does not know the batch's size beforehand
    itself = ops.cast(ops.equal(place, ops.transpose(place)), "float32")
    same = ops.cast(ops.equal(cell, ops.transpose(cell)), "float32") - itself
    return ops.matmul(found, ops.transpose(found)) - FAR * itself, same


def contrastive(temperature: float = TEMPERATURE) -> Callable[[Any, Any], Any]:
    """The loss (n,) of cells (n, 1) and unit vectors (n, d): cross-entropy of finding the other view of its cell.

    Where a cell was drawn more than once, the mean over its other views (Khosla et al. 2020, arXiv 2004.11362).
    """

    def loss(cell: Any, found: Any) -> Any:
        alike, same = _compared(cell, found)
        said = ops.log_softmax(alike / temperature, axis=-1)
        return -ops.sum(same * said, axis=-1) / ops.sum(same, axis=-1)

    return loss


def accuracy(cell: Any, found: Any) -> Any:
    """(n,) 1 where the likest other view of the batch is of the same cell."""
    alike, same = _compared(cell, found)
    return ops.take_along_axis(same, ops.argmax(alike, axis=-1)[:, None], axis=-1)[:, 0]


def asked(rest: keras.Model) -> keras.Model:
    """What is trained: the convolutions and the pooling of `rest`, then two layers to unit vectors (n, `ASKED`)."""
    chain = [layer for layer in rest.layers if not isinstance(layer, layers.InputLayer)]
    end = next(i for i, layer in enumerate(chain) if isinstance(layer, layers.Dropout | layers.Dense))
    body, _ = split_at(rest, chain[end - 1].name)
    x = layers.Dense(HIDDEN, activation="relu")(body.output)
    x = layers.Dense(ASKED)(x)
    return keras.Model(body.input, layers.UnitNormalization(dtype="float32")(x), name="asked")


def pretrain(
    cells: CellSet,
    settings: Settings,
    out: Path,
    init: str | Path | None,
    *,
    exclude_labs: tuple[str, ...] = (),
    minutes: float | None = None,
    resume: bool = False,
    verbose: int = 0,
    view_workers: int = 0,
) -> Progress:
    """Train into `out`: start.keras for `fit --init`, its weights, checkpoint, and a report.

    The cells' names are not used: laboratories and their smears decide how often a cell is drawn, classes do not.
    Arguments as of `fit`. Raises UsageError where no cells are left, for a setting that needs names, and where `out`
    holds a run that was not to be resumed or differs.
    """
    network, window = CONFIGS[settings.network], Window(settings.window_um, settings.input_size)
    training = sampling.members(cells, "train", exclude_labs)
    validation = sampling.members(cells, "validation", exclude_labs)
    if not len(training) or not len(validation):
        raise UsageError("No training or no validation cells are left", "exclude fewer laboratories.")
    refuse_known(init, exclude_labs)
    if given := [name for name in NEEDLESS if getattr(settings, name)]:
        raise UsageError(
            f"--{given[0].replace('_', '-')} needs names, and a network is pretrained without", "give it to fit."
        )
    if settings.batch % 2 or settings.views % settings.batch or settings.batch < 4:
        raise UsageError("Views go two by two here", "give an even --batch of 4 or more, and --views a multiple of it.")
    chances = sampling.probabilities(
        np.zeros(len(training), int),
        cells.labs[training],
        settings.class_power,
        settings.lab_power,
        weights("lab-weights", settings.lab_weights),
        sources=cells.sources[training],
        source_power=settings.source_power,
    )
    keras.utils.set_random_seed(settings.seed)
    keras.mixed_precision.set_dtype_policy(POLICIES[settings.precision])
    sample = np.random.default_rng(settings.seed).choice(training, PRUNED_ON, p=chances)
    model = built(network, settings, None if begun(out) else init, identity_view(cells.crops, window, sample))
    trunk, rest = network.parted(model, settings.trunk)
    learner = asked(rest)
    learner.compile(fine_tuning(learner, settings), contrastive(), metrics=[accuracy])
    described = asdict(settings) | {"exclude_labs": sorted(exclude_labs), "init": Path(init).name if init else None}
    progress = begin(out, model, learner, described | {"data_sha256": cells.sha256}, resume, ("epochs",))
    rng = np.random.default_rng(settings.seed)
    if progress.rng:
        rng.bit_generator.state = progress.rng

    def stream_of(rows: np.ndarray, p: np.ndarray, rng: np.random.Generator, pool: ViewPool | None) -> PairStream:
        return PairStream(cells, rows, p, trunk, network.white, window, settings, rng, pool)

    even = np.full(len(validation), 1 / len(validation))
    held = stream_of(validation, even, np.random.default_rng(settings.seed), None)
    held.refresh()

    def validate() -> dict[str, Any]:
        found = learner.evaluate(held, verbose=0, return_dict=True)
        return {"score": found["accuracy"], "loss": found["loss"], "accuracy": found["accuracy"], "labs": {}}

    def stream(pool: ViewPool | None) -> PairStream:
        return stream_of(training, chances, rng, pool)

    trained(learner, cells, settings, progress, out, stream, validate, lambda: None, minutes, view_workers, verbose)
    with averaged(learner):
        model.save_weights(out / WEIGHTS)
    as_read(network, settings, out / WEIGHTS).save(out / START)
    seen.remember(out, cells, np.concatenate([training, validation]), made_of(init))
    content = {
        "provenance": report.provenance(cells.sha256, settings.seed),
        "settings": progress.settings,
        "classes": CLASSES,
        "seconds": progress.seconds,
        "epochs": progress.rows,
    }
    report.write_json(out / "report.json", content)
    return progress


def run(args: argparse.Namespace) -> int:
    cells, settings = cell_set.load(args.cells), from_arguments(args)
    refuse_unknown(args, settings, cells)
    progress = pretrain(
        cells,
        settings,
        args.out,
        args.init,
        exclude_labs=tuple(args.exclude_lab),
        minutes=args.time_budget,
        resume=args.resume,
        verbose=int(args.progress),
        view_workers=args.view_workers,
    )
    last = progress.rows[-1]
    print(f"Other view found: {100 * last['val_accuracy']:.1f} % of validation cells' views; {args.out / START}")
    return 0
