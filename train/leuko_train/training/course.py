"""The course of a training run: learning rate, averaged weights, validation, checkpoint, and when to stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from . import checkpoint
from .sampling import ViewStream


@dataclass(frozen=True)
class Schedule:
    """Linear warm-up over `warmup` epochs, then a cosine to zero at `epochs` or at `minutes`, if that is sooner."""

    learning_rate: float
    epochs: int
    warmup: int = 2
    minutes: float | None = None

    def rate(self, epoch: int, seconds: float) -> float:
        """Learning rate of `epoch` (from 0), `seconds` of training having gone by."""
        done = epoch / self.epochs
        if self.minutes is not None:
            done = max(done, seconds / 60 / self.minutes if self.minutes else 1.0)
        cosine = 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
        return self.learning_rate * cosine * min(1.0, (epoch + 1) / (self.warmup + 1))

    def seconds_left(self, epochs: int, seconds: float, an_epoch: float) -> float:
        """How long the run still takes, `epochs` being done; 0 when it ends here."""
        left = (self.epochs - epochs) * an_epoch
        if self.minutes is not None:
            left = min(left, self.minutes * 60 - seconds)
            if left < 0.5 * an_epoch:  # half an epoch over the time is nearer than half an epoch under
                return 0.0
        return max(left, 0.0)


@contextmanager
def averaged(model: keras.Model) -> Iterator[None]:
    """The moving average of the trainable weights instead of the weights themselves, while in the context."""
    kept = [np.array(variable.numpy()) for variable in model.trainable_variables]
    model.optimizer.finalize_variable_values(model.trainable_variables)
    for variable in model.trainable_variables:
        variable.assign(np.array(variable.numpy()))  # a copy: JAX would give away the average's own buffer
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, kept, strict=True):
            variable.assign(value)


@dataclass
class Progress:
    """What a run remembers between epochs, and across a resume."""

    rows: list[dict[str, Any]] = field(default_factory=list)  # one an epoch
    seconds: float = 0.0
    best: float = -1.0
    best_epoch: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    rng: dict[str, Any] = field(default_factory=dict)


class Course(keras.callbacks.Callback):
    """Everything that happens between two epochs of the trainable part.

    `validate()` gives {"score": …, "loss": …, …}; where the score is the best so far, `keep()` saves the network.
    Both run with the averaged weights.
    """

    def __init__(
        self,
        schedule: Schedule,
        progress: Progress,
        stream: ViewStream,
        out: Path,
        validate: Callable[[], dict[str, Any]],
        keep: Callable[[], None],
    ) -> None:
        super().__init__()
        self.schedule, self.progress, self.stream, self.out = schedule, progress, stream, out
        self.validate, self.keep = validate, keep
        self.clock = time.monotonic()  # from here: filling the stream is part of the first epoch

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.model.optimizer.learning_rate = self.schedule.rate(epoch, self.progress.seconds)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = {} if logs is None else logs
        progress = self.progress
        with averaged(self.model):
            found = self.validate()
            if better := found["score"] > progress.best:
                progress.best, progress.best_epoch = found["score"], epoch + 1
                self.keep()
        row = {"loss": float(logs["loss"]), "accuracy": float(logs["accuracy"])}
        row |= {"val_" + key: value for key, value in found.items()}
        row["augment"] = progress.settings["augment"]
        row["learning_rate"] = float(self.model.optimizer.learning_rate.numpy())
        logs.update({key: value for key, value in row.items() if isinstance(value, float)})  # for TensorBoard
        now = time.monotonic()
        row["seconds"], self.clock = now - self.clock, now
        progress.seconds += row["seconds"]
        progress.rows.append(row)
        left = self.schedule.seconds_left(epoch + 1, progress.seconds, row["seconds"])
        self._tell(epoch + 1, row, better, left)
        progress.rng = dict(self.stream.state)
        checkpoint.save(self.out, self.model, vars(progress))
        if left > 0:
            self.stream.refresh()
        else:
            self.model.stop_training = True

    def _tell(self, epoch: int, row: dict[str, Any], better: bool, left: float) -> None:
        labs = " ".join(f"{lab} {score:.3f}" for lab, score in row["val_labs"].items())
        print(
            f"epoch {epoch}/{self.schedule.epochs}  loss {row['loss']:.3f}  accuracy {row['accuracy']:.3f}  "
            f"validation {row['val_score']:.4f}{' *' if better else ''} ({labs})  "
            f"{row['seconds'] / 60:.1f} min an epoch, {left / 60:.0f} min left",
            flush=True,
        )
