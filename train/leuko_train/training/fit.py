"""Fine-tune a network on a cell set: `leuko-train fit`.

trunk, rest = split_at(model, "block3_pool")    # the trunk stays as ImageNet made it
stream = ViewStream(cells, training, trunk, …)  # new views every epoch, each through the trunk once
rest.fit(stream, callbacks=[Course(…)])         # validates, keeps the best, writes checkpoints
"""

from __future__ import annotations

import argparse
import importlib.util
import shlex
from collections.abc import Sequence
from contextlib import closing, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from leuko_edge.errors import UsageError
from leuko_edge.types import CLASSES

from ..data import cell_set
from ..data.augment import Window
from ..data.cell_set import CellSet
from ..data.view_pool import ViewPool
from ..data.views import identity_view
from ..network import prune, warm_start
from ..network.vgg16 import CONFIGS, Network, vgg16
from . import checkpoint, devices, loss, sampling
from . import report as fit_report
from .course import Course, Progress, Schedule, averaged
from .optimizer import FineTuning
from .settings import POLICIES, Settings, add_settings, as_made, from_arguments, weights
from .teachers import read as read_teachers

WEIGHTS, MODEL = "model.weights.h5", "model.keras"
CURVES = "tensorboard"  # folder of a run
MAY_CHANGE = ("epochs", "keep")
"""Settings that do not make another network of the same epoch."""
MAY_GO_ON = (*MAY_CHANGE, "augment")
"""Settings that `leuko-train fit --resume` may have otherwise than before; each epoch's row names its views."""
INIT = "what the network begins as: VGG-16 weights without top (a file, or 'imagenet'), or a model (.tflite, .keras)"
PRUNED_ON = 600
"""Training cells that a narrow network is fitted on before it trains: a minute's work."""


def built(network: Network, settings: Settings, init: str | Path | None, rgb: np.ndarray) -> keras.Model:
    """The whole network with what `init` teaches it; `rgb`, (n, size, size, 3) uint8, are cells for the pruning."""
    if not network.narrow and not warm_start.is_model(init):
        return network.build(len(CLASSES), settings.input_size, init, settings.dropout)
    model = network.build(len(CLASSES), settings.input_size, None, settings.dropout)
    if init is not None and warm_start.is_model(init):
        warm_start.inherit(model, warm_start.read(Path(init)))
    elif init is not None:
        explained = prune.inherit(model, vgg16(init, settings.input_size), rgb, settings.seed)
        shares = ", ".join(f"{name} {share:.3f}" for name, share in explained.items())
        print(f"Pruned on {len(rgb)} cells; explained of the kept channels' variance: {shares}", flush=True)
    return model


def fine_tuning(rest: keras.Model, settings: Settings) -> FineTuning:
    """The optimizer for what is trained of a network: its convolutions slowly."""
    optimizer = FineTuning(settings.learning_rate, settings.weight_decay, use_ema=True, ema_momentum=settings.ema)
    slow = {w.path for layer in rest.layers if isinstance(layer, keras.layers.Conv2D) for w in layer.weights}
    optimizer.shares = tuple(1 / settings.head_rate if w.path in slow else 1.0 for w in rest.trainable_variables)
    return optimizer


def compiled(model: keras.Model, network: Network, settings: Settings) -> tuple[keras.Model | None, keras.Model]:
    """(trunk, rest): they share the model's layers, and the rest is ready to train (convolutions slowly)."""
    trunk, rest = network.parted(model, settings.trunk)
    optimizer = fine_tuning(rest, settings)
    asked = loss.crossentropy(settings.label_smoothing, settings.taught, settings.focal)
    rest.compile(optimizer, asked, metrics=[loss.accuracy])
    return trunk, rest


def as_read(network: Network, settings: Settings, trained: Path) -> keras.Model:
    """The trained network in float32 throughout, as it is read and converted, whatever precision trained it."""
    keras.mixed_precision.set_dtype_policy("float32")
    model = network.build(len(CLASSES), settings.input_size, None, settings.dropout)
    model.load_weights(trained)
    return model


def begin(
    out: Path, rest: keras.Model, described: dict[str, Any], resume: bool, may_change: tuple[str, ...]
) -> Progress:
    """The progress of the run in `out`, or a new one. Raises UsageError where the two do not belong together."""
    if not (out / checkpoint.NAME).exists():
        out.mkdir(parents=True, exist_ok=True)
        return Progress(settings=described)
    if not resume:
        raise UsageError(f"{out} already holds a run", "give --resume to go on, or another --out.")
    progress = Progress(**(checkpoint.load(out, rest) or {}))
    before = as_made(progress.settings)
    changed = [k for k in described if k not in may_change and described[k] != before.get(k)]
    if changed:
        raise UsageError(f"The run in {out} had another {', '.join(changed)}", "resume it with the same settings.")
    progress.settings = described
    return progress


def callbacks(course: Course, out: Path) -> list[keras.callbacks.Callback]:
    """The course first: TensorBoard logs what it adds. Keras's TensorBoard needs TensorFlow, also under JAX."""
    if not all(importlib.util.find_spec(name) for name in ("tensorflow", "tensorboard")):
        return [course]
    return [course, keras.callbacks.TensorBoard(out / CURVES, write_graph=False)]


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
    begun = (out / checkpoint.NAME).exists()  # then the weights come from there
    model = built(network, settings, None if begun else init, identity_view(cells.crops, window, sample))
    trunk, rest = compiled(model, network, settings)
    described = asdict(settings) | ({"teachers": list(taught_by.names)} if taught_by else {})
    described |= {"exclude_labs": sorted(exclude_labs), "init": Path(init).name if init else None}
    progress = begin(out, rest, described | {"data_sha256": cells.sha256}, resume, may_change)
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

    schedule = Schedule(settings.learning_rate, settings.epochs, settings.warmup, minutes)
    if not progress.rows or schedule.seconds_left(len(progress.rows), progress.seconds, progress.rows[-1]["seconds"]):
        with (
            nullcontext() if not view_workers else closing(ViewPool(cells.crops, view_workers, cells.outlines)) as pool
        ):
            white, answers = network.white, taught_by.answers if taught_by else None
            stream = sampling.ViewStream(cells, training, chances, trunk, white, window, settings, rng, pool, answers)
            course = Course(
                schedule,
                progress,
                stream,
                out,
                validate=lambda: fit_report.validation_row(predict(), truth, labs),
                keep=keep,
            )
            stream.refresh()
            rest.fit(
                stream,
                shuffle=False,  # the stream shuffles
                initial_epoch=len(progress.rows),
                epochs=settings.epochs,
                callbacks=callbacks(course, out),
                verbose=verbose,
            )
    if settings.keep == "last":
        with averaged(rest):
            keep()
        progress.best_epoch = len(progress.rows)
    model.load_weights(out / WEIGHTS)
    before = (Path(init).parent,) if init is not None and warm_start.is_model(init) else ()
    fit_report.write(out, progress, cells, training, validation, predict(), (*before, *teachers))
    as_read(network, settings, out / WEIGHTS).save(out / MODEL)
    return progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cells", type=Path, required=True, help="folder that `leuko-train cells` wrote")
    parser.add_argument("--init", required=True, help=INIT)
    parser.add_argument("--out", type=Path, required=True, help="folder for model, checkpoint, logs and report")
    parser.add_argument("--exclude-lab", nargs="+", default=[], metavar="NAME", help="leave these out entirely")
    parser.add_argument("--time-budget", type=float, metavar="MIN", help="end the schedule in so many minutes")
    parser.add_argument("--devices", type=int, default=1, help="GPUs to train on together (%(default)s)")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out, if any")
    parser.add_argument("--teachers", nargs="+", type=Path, default=[], metavar="RUN", help="runs that it learns from")
    parser.add_argument("--view-workers", type=int, default=0, help="processes that draw views beside the training")
    parser.add_argument("--progress", action="store_true", help="a progress bar within each epoch")
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    cells, settings = cell_set.load(args.cells), from_arguments(args)
    unknown = {*args.exclude_lab, *weights("lab-weights", settings.lab_weights)} - set(cells.labs.tolist())
    if unknown:
        raise UsageError(f"No laboratory {', '.join(sorted(unknown))} in {args.cells}.")
    if unknown := set(weights("class-weights", settings.class_weights)) - set(CLASSES):
        raise UsageError(f"No class {', '.join(sorted(unknown))}", f"there are {', '.join(CLASSES)}.")
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
