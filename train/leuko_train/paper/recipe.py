"""The seed paper's recipe: all of VGG-16 trained with Adam on plain pictures in 0–1, no view of them changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..metrics import classification
from ..network.plain import build_plain
from ..network.vgg16 import build_paper
from ..training import checkpoint
from ..training.settings import POLICIES

LEARNING_RATE = 1e-4
PLAIN_LEARNING_RATE = 1e-3  # Adam's default
BATCH = 60
EPOCHS = 5
PLAIN_EPOCHS = 15  # three times as many: nothing was learnt before


class Batches(keras.utils.PyDataset):
    """(RGB in 0–1, labels) of `rows`, in this order. The pictures stay uint8: a quarter of the memory."""

    def __init__(self, rgb: np.ndarray, labels: np.ndarray, rows: np.ndarray, batch: int) -> None:
        super().__init__()
        self.rgb, self.labels, self.rows, self.batch = rgb, labels, rows, batch

    def __len__(self) -> int:
        return -(-len(self.rows) // self.batch)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.rows[index * self.batch : (index + 1) * self.batch]
        return self.rgb[rows].astype(np.float32) / np.float32(255), self.labels[rows]


def compiled(
    classes: int,
    size: int,
    init: str | Path | None,
    dropout: float,
    seed: int,
    precision: str = "float32",
    network: str = "vgg16",
) -> keras.Model:
    """The paper's network, or the plain one, which takes no `init`, ready to train in one of `settings.POLICIES`."""
    keras.backend.clear_session()  # a process that trains many would keep them all
    keras.mixed_precision.set_dtype_policy(POLICIES[precision])
    keras.utils.set_random_seed(seed)
    plain = network == "plain"
    model = build_plain(classes, size, dropout) if plain else build_paper(classes, size, init, dropout)
    rate = PLAIN_LEARNING_RATE if plain else LEARNING_RATE
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def probabilities(model: keras.Model, rgb: np.ndarray, rows: np.ndarray, batch: int) -> np.ndarray:
    """(len(rows), classes) of the pictures `rgb[rows]`, uint8."""
    labels = np.zeros(len(rgb), int)  # Keras' data sets have some; predict does not look at them
    return model.predict(Batches(rgb, labels, rows, batch), verbose=0)


def train(
    model: keras.Model,
    rgb: np.ndarray,
    labels: np.ndarray,
    training: np.ndarray,
    testing: np.ndarray,
    out: Path,
    *,
    epochs: int,
    batch: int | Sequence[int],
    seed: int,
    more: Callable[[list[dict[str, Any]]], bool] = lambda rows: True,
) -> list[dict[str, Any]]:
    """Train on the rows `training`, from the checkpoint in `out` if there is one; a row of figures for each epoch.

    `batch` may be one for each epoch. A row has loss, accuracy (training), val_loss, val_accuracy, confusion (testing)
    and seconds. Fewer rows than `epochs`: `more(rows)`, asked before each epoch, said no, and the checkpoint waits.
    """
    out.mkdir(parents=True, exist_ok=True)
    state = checkpoint.load(out, model) or {"rows": []}
    rows: list[dict[str, Any]] = state["rows"]
    truth = labels[testing]
    while len(rows) < epochs and more(rows):
        order = np.random.default_rng((seed, len(rows))).permutation(training)  # the same after a resume
        began = time.monotonic()
        size = batch if isinstance(batch, int) else batch[len(rows)]
        history = model.fit(Batches(rgb, labels, order, size), shuffle=False, verbose=0).history
        found = probabilities(model, rgb, testing, size)
        matrix = classification.confusion(truth, found.argmax(1), found.shape[1])
        row = {key: float(history[key][-1]) for key in ("loss", "accuracy")}
        row |= {
            "val_loss": classification.negative_log_likelihood(found, truth),
            "val_accuracy": classification.accuracy(matrix),
        }
        rows.append(row | {"confusion": matrix.tolist(), "seconds": time.monotonic() - began})
        checkpoint.save(out, model, {"rows": rows})
        shown = "  ".join(f"{key} {value:.4f}" for key, value in row.items())
        print(f"{out.name}: epoch {len(rows)}/{epochs}  {shown}  {rows[-1]['seconds']:.0f} s", flush=True)
    return rows
