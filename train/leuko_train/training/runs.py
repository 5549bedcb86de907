"""What every training has: how it begins, or goes on; the optimizer; views that come while it trains; its files."""

from __future__ import annotations

import argparse
import importlib.util
import json
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import keras
import numpy as np

from leuko_edge.errors import EnvironmentBroken, UsageError
from leuko_edge.types import CLASSES

from ..data.cell_set import CellSet
from ..data.view_pool import ViewPool
from ..network import prune, warm_start
from ..network.vgg16 import Network, vgg16
from . import checkpoint
from .course import Course, Progress, Schedule
from .optimizer import FineTuning
from .sampling import ViewStream
from .settings import Settings, add_settings, as_made, weights

WEIGHTS, MODEL = "model.weights.h5", "model.keras"
CHOSEN = ("calibration.json", "doubt.npz")  # beside a network, by `calibrate`
CURVES = "tensorboard"  # folder of a run
INIT = "what the network begins as: VGG-16 weights without top (a file, or 'imagenet'), or a model (.tflite, .keras)"
PRUNED_ON = 600
"""Training cells that a narrow network is fitted on before it trains: a minute's work."""
MEASURED_ON = 200  # of them, where only statistics are taken: a wide network's first maps are a MiB each


def built(network: Network, settings: Settings, init: str | Path | None, rgb: np.ndarray) -> keras.Model:
    """The whole network with what `init` teaches it; `rgb`, (n, size, size, 3) uint8, are cells for the pruning."""
    if not network.narrow and not warm_start.is_model(init):
        return network.build(len(CLASSES), settings.input_size, init, settings.dropout)
    model = network.build(len(CLASSES), settings.input_size, None, settings.dropout)
    if init is not None and warm_start.is_model(init):
        warm_start.inherit(model, warm_start.read(Path(init)), rgb=rgb[:MEASURED_ON])
    elif init is not None:
        explained = prune.inherit(model, vgg16(init, settings.input_size), rgb, settings.seed)
        shares = ", ".join(f"{name} {share:.3f}" for name, share in explained.items())
        print(f"Pruned on {len(rgb)} cells; explained of the kept channels' variance: {shares}", flush=True)
    return model


def made_of(init: str | Path | None) -> tuple[Path, ...]:
    """The folder of the run that `init` is of, if it is a model: what that one saw, this one has seen."""
    return (Path(init).parent,) if init is not None and warm_start.is_model(init) else ()


def refuse_known(init: str | Path | None, excluded: Sequence[str]) -> None:
    """Raises UsageError where the run that `init` is of was trained by a laboratory in `excluded`.

    Of a `.tflite`, which says nothing of it, only its photographs are known, if those (`seen`).
    """
    for report in (folder / "report.json" for folder in made_of(init)):
        if report.is_file():
            told = json.loads(report.read_text(encoding="utf-8"))
            trained_by = set(told.get("training_cells") or set(excluded) - set(told["settings"]["exclude_labs"]))
            if known := sorted(trained_by & set(excluded)):
                cure = "begin with one that left it out too, or with ImageNet."
                raise UsageError(f"{init} was trained by {', '.join(known)}", cure)


def fine_tuning(rest: keras.Model, settings: Settings) -> FineTuning:
    """The optimizer for what is trained of a network: its convolutions slowly."""
    optimizer = FineTuning(settings.learning_rate, settings.weight_decay, use_ema=True, ema_momentum=settings.ema)
    slow = {w.path for layer in rest.layers if isinstance(layer, keras.layers.Conv2D) for w in layer.weights}
    optimizer.shares = tuple(1 / settings.head_rate if w.path in slow else 1.0 for w in rest.trainable_variables)
    return optimizer


def as_read(network: Network, settings: Settings, trained: Path) -> keras.Model:
    """The trained network in float32 throughout, as it is read and converted, whatever precision trained it."""
    keras.mixed_precision.set_dtype_policy("float32")
    model = network.build(len(CLASSES), settings.input_size, None, settings.dropout)
    model.load_weights(trained)
    return model


def begin(
    out: Path,
    model: keras.Model,
    learner: keras.Model,
    described: dict[str, Any],
    resume: bool,
    may_change: tuple[str, ...],
) -> Progress:
    """The progress of the run in `out`, or a new one; `learner` is the part of `model` that is trained.

    Raises UsageError where the two do not belong together, EnvironmentBroken where what is there cannot be read.
    """
    if not begun(out):
        if (out / MODEL).exists():  # of `soup` or `prior`, or a piece of `travel`
            raise UsageError(f"{out} already holds a finished network", "choose another --out.")
        out.mkdir(parents=True, exist_ok=True)
        model.save_weights(out / WEIGHTS)  # the checkpoints have no frozen trunk
        return Progress(settings=described)
    if not resume:
        raise UsageError(f"{out} already holds a run", "give --resume to go on, or another --out.")
    progress = Progress(**(checkpoint.load(out, learner) or {}))
    before = as_made(progress.settings)
    changed = [k for k in described if k not in may_change and described[k] != before.get(k)]
    if (before["keep"], described["keep"]) == ("last", "best"):
        changed.append("keep")  # the best epoch's weights are gone
    if changed:
        raise UsageError(f"The run in {out} had another {', '.join(changed)}", "resume it with the same settings.")
    last = learner.get_weights()
    try:
        model.load_weights(out / WEIGHTS)
    except (OSError, ValueError) as error:
        cure = "remove the checkpoint there to start anew."
        raise EnvironmentBroken(f"{out / WEIGHTS} cannot be read ({error})", cure) from error
    learner.set_weights(last)
    progress.settings = described
    return progress


def put_down(network: Network, settings: Settings, out: Path) -> None:
    """Write the network of out/`WEIGHTS` to out/`MODEL`, whole or not at all.

    What was chosen for the network that was there, `calibrate`'s limits, is no longer true and goes.
    """
    for name in CHOSEN:
        (out / name).unlink(missing_ok=True)
    part = out / f"part-{MODEL}"
    as_read(network, settings, out / WEIGHTS).save(part)
    part.replace(out / MODEL)


def begun(out: Path) -> bool:
    """Whether `out` holds a run: then the weights come from there, whatever it began as."""
    return (out / checkpoint.NAME).exists()


def callbacks(course: Course, out: Path) -> list[keras.callbacks.Callback]:
    """The course first: TensorBoard logs what it adds. Keras's TensorBoard needs TensorFlow, also under JAX."""
    if not all(importlib.util.find_spec(name) for name in ("tensorflow", "tensorboard")):
        return [course]
    return [course, keras.callbacks.TensorBoard(out / CURVES, write_graph=False)]


def trained(
    learner: keras.Model,
    cells: CellSet,
    settings: Settings,
    progress: Progress,
    out: Path,
    stream_of: Callable[[ViewPool | None], ViewStream],
    validate: Callable[[], dict[str, Any]],
    keep: Callable[[], None],
    minutes: float | None = None,
    view_workers: int = 0,
    verbose: int = 0,
) -> None:
    """Train the compiled `learner` to the end of its schedule, if that is not behind it.

    `stream_of` makes the stream of views, drawn by the pool, or where there is none by this process; `validate` and
    `keep` as of `Course`; the rest as of `fit`.
    """
    schedule = Schedule(settings.learning_rate, settings.epochs, settings.warmup, minutes)
    done = progress.rows
    if done and not schedule.seconds_left(len(done), progress.seconds, done[-1]["seconds"]):
        return
    with nullcontext() if not view_workers else closing(ViewPool(cells.crops, view_workers, cells.outlines)) as pool:
        stream = stream_of(pool)
        course = Course(schedule, progress, stream, out, validate, keep)
        stream.refresh()
        learner.fit(
            stream,
            shuffle=False,  # the stream shuffles
            initial_epoch=len(done),
            epochs=settings.epochs,
            callbacks=callbacks(course, out),
            verbose=verbose,
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of a training; `settings.from_arguments` takes the rest of them."""
    parser.add_argument("--cells", type=Path, required=True, help="folder that `leuko-train cells` wrote")
    parser.add_argument("--init", required=True, help=INIT)
    parser.add_argument("--out", type=Path, required=True, help="folder for model, checkpoint, logs and report")
    parser.add_argument("--exclude-lab", nargs="+", default=[], metavar="NAME", help="leave these out entirely")
    parser.add_argument("--time-budget", type=float, metavar="MIN", help="end the schedule in so many minutes")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out, if any")
    parser.add_argument("--view-workers", type=int, default=0, help="processes that draw views beside the training")
    parser.add_argument("--progress", action="store_true", help="a progress bar within each epoch")
    add_settings(parser)


def refuse_unknown(args: argparse.Namespace, settings: Settings, cells: CellSet) -> None:
    """Raises UsageError for a laboratory that the cell set lacks, and for a class that there is not."""
    unknown = {*args.exclude_lab, *weights("lab-weights", settings.lab_weights)} - set(cells.labs.tolist())
    if unknown:
        raise UsageError(f"No laboratory {', '.join(sorted(unknown))} in {args.cells}.")
    if unknown := set(weights("class-weights", settings.class_weights)) - set(CLASSES):
        raise UsageError(f"No class {', '.join(sorted(unknown))}", f"there are {', '.join(CLASSES)}.")
