"""Fine-tune a network on a cell set: `leuko-train fit`.

trunk, rest = split_at(model, "block3_pool")    # the trunk stays as ImageNet made it
stream = ViewStream(cells, training, trunk, …)  # new views every epoch, each through the trunk once
rest.fit(stream, callbacks=[Course(…)])         # validates, keeps the best, writes checkpoints
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from leuko_edge.errors import UsageError

from ..data import cell_set
from ..data.augment import Window
from ..data.cell_set import CellSet
from ..data.view_pool import ViewPool
from ..data.views import identity_view
from ..network.vgg16 import CONFIGS, Network
from . import checkpoint, devices, loss, runs, sampling
from . import report as fit_report
from .course import Progress, averaged
from .runs import (
    CURVES,
    MODEL,
    PRUNED_ON,
    WEIGHTS,
    begin,
    begun,
    built,
    fine_tuning,
    made_of,
    put_down,
    refuse_known,
    trained,
)
from .settings import POLICIES, Settings, from_arguments, weights
from .teachers import read as read_teachers

MAY_CHANGE = ("epochs", "keep")
"""Settings that do not make another network of the same epoch."""
MAY_GO_ON = (*MAY_CHANGE, "augment")
"""Settings that `leuko-train fit --resume` may have otherwise than before; each epoch's row names its views."""


def compiled(model: keras.Model, network: Network, settings: Settings) -> tuple[keras.Model | None, keras.Model]:
    """(trunk, rest): they share the model's layers, and the rest is ready to train (convolutions slowly)."""
    trunk, rest = network.parted(model, settings.trunk)
    optimizer = fine_tuning(rest, settings)
    asked = loss.crossentropy(settings.label_smoothing, settings.taught, settings.focal)
    rest.compile(optimizer, asked, metrics=[loss.accuracy])
    return trunk, rest


def fit(
    cells: CellSet,
    settings: Settings,
    out: Path,
    init: str | Path | None,
    *,
    exclude_labs: tuple[str, ...] = (),
    minutes: float | None = None,
    resume: bool = False,
    may_change: tuple[str, ...] = MAY_CHANGE,
    verbose: int = 0,
    view_workers: int = 0,
    teachers: Sequence[Path] = (),
) -> Progress:
    """Train into `out`: model.weights.h5 and model.keras (of the epoch that `settings.keep` names), checkpoint, report.

    Excluded laboratories neither train nor validate. `minutes` ends the schedule in time, counted over resumes;
    `may_change` are settings that a resume may have otherwise than before; `view_workers` processes draw the views
    (0: this one, before each epoch); `teachers` are folders of earlier runs whose answers are `settings.taught` of
    the loss.
    Raises UsageError where no cells are left, where teachers do not fit, or `out` holds a run that was not to be
    resumed or differs.
    """
    network, window = CONFIGS[settings.network], Window(settings.window_um, settings.input_size)
    training = sampling.members(cells, "train", exclude_labs)
    validation = sampling.members(cells, "validation", exclude_labs)
    validation = sampling.capped(cells, validation, settings.validation_cap, settings.seed)
    if not len(training) or not len(validation):
        raise UsageError("No training or no validation cells are left", "exclude fewer laboratories.")
    refuse_known(init, exclude_labs)
    taught_by = read_teachers(teachers, window, exclude_labs)
    if not (0 <= settings.taught <= 1 and 0 <= settings.style <= 1):
        raise UsageError("--taught and --style are shares", "give numbers from 0 to 1.")
    if settings.focal < 0:
        raise UsageError("--focal is a power", "give a number from 0 on, as 2.")
    if bool(taught_by) != bool(settings.taught):
        raise UsageError("Teachers and --taught belong together", "give both --teachers RUN and --taught SHARE.")
    chances = sampling.probabilities(
        cells.labels[training],
        cells.labs[training],
        settings.class_power,
        settings.lab_power,
        weights("lab-weights", settings.lab_weights),
        weights("class-weights", settings.class_weights),
        cells.sources[training],
        settings.source_power,
    )
    keras.utils.set_random_seed(settings.seed)
    keras.mixed_precision.set_dtype_policy(POLICIES[settings.precision])
    sample = np.random.default_rng(settings.seed).choice(training, PRUNED_ON, p=chances)
    model = built(network, settings, None if begun(out) else init, identity_view(cells.crops, window, sample))
    trunk, rest = compiled(model, network, settings)
    described = asdict(settings) | ({"teachers": list(taught_by.names)} if taught_by else {})
    described |= {"exclude_labs": sorted(exclude_labs), "init": Path(init).name if init else None}
    progress = begin(out, model, rest, described | {"data_sha256": cells.sha256}, resume, may_change)
    rng = np.random.default_rng(settings.seed)
    if progress.rng:
        rng.bit_generator.state = progress.rng

    plain = identity_view(cells.crops, window, validation)
    features = sampling.through_trunk(trunk, plain, network.white, settings.batch)
    seen = sampling.network_input(features, trunk, network.white)
    truth, labs = cells.labels[validation], cells.labs[validation]

    def predict() -> np.ndarray:
        return rest.predict(seen, batch_size=settings.batch, verbose=0)

    def keep() -> None:
        model.save_weights(out / WEIGHTS)

    def stream_of(pool: ViewPool | None) -> sampling.ViewStream:
        white, answers = network.white, taught_by.answers if taught_by else None
        return sampling.ViewStream(cells, training, chances, trunk, white, window, settings, rng, pool, answers)

    def validate() -> dict[str, Any]:
        return fit_report.validation_row(predict(), truth, labs)

    trained(rest, cells, settings, progress, out, stream_of, validate, keep, minutes, view_workers, verbose)
    if settings.keep == "last":
        with averaged(rest):
            keep()
        progress.best_epoch = len(progress.rows)
        checkpoint.save(out, rest, vars(progress))  # that the best epoch's weights are gone
    model.load_weights(out / WEIGHTS)
    found = predict()
    put_down(network, settings, out)
    fit_report.write(
        out, progress, cells, training, validation, found, (*made_of(init), *teachers)
    )  # the sign of an end
    return progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    runs.add_arguments(parser)
    parser.add_argument("--devices", type=int, default=1, help="GPUs to train on together (%(default)s)")
    parser.add_argument("--teachers", nargs="+", type=Path, default=[], metavar="RUN", help="runs that it learns from")


def run(args: argparse.Namespace) -> int:
    cells, settings = cell_set.load(args.cells), from_arguments(args)
    runs.refuse_unknown(args, settings, cells)
    with devices.scope(args.devices):
        progress = fit(
            cells,
            settings,
            args.out,
            args.init,
            exclude_labs=tuple(args.exclude_lab),
            minutes=args.time_budget,
            resume=args.resume,
            may_change=MAY_GO_ON,
            verbose=int(args.progress),
            view_workers=args.view_workers,
            teachers=args.teachers,
        )
    kept = f"Kept: epoch {progress.best_epoch} (best on validation: {progress.best:.4f})"
    print(f"{kept}; {args.out / MODEL}, {args.out / 'report.md'}")
    if (curves := args.out / CURVES).is_dir():
        print(f"Curves: tensorboard --logdir {shlex.quote(str(curves))}")
    return 0
