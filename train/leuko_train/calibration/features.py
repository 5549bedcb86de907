"""What a network sees in a cell before it names it: the values that its last layer reads."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np

from leuko_edge.model.tta import certain, combined, mean

from ..data.augment import Window
from ..data.cell_set import CellSet
from ..evaluation import evaluate
from ..network.vgg16 import CONFIGS


class Seen(NamedTuple):
    """What a network makes of n cells."""

    probabilities: np.ndarray  # (n, classes)
    features: np.ndarray  # (n, d)
    done: np.ndarray  # (n,) bool: shown one way round alone, for that answer was certain


def with_penultimate(model: keras.Model) -> keras.Model:
    """The network with a second output, (n, d): what its last layer reads, after the ReLU of the one before."""
    return keras.Model(model.inputs, [model.outputs[0], model.layers[-1].input])


def seen(
    model: keras.Model,
    trained: dict[str, Any],
    cells: CellSet,
    chosen: np.ndarray,
    turns: int = 1,
    early_exit: float | None = None,
    batch: int = 64,
) -> Seen:
    """Of the plain views of `cells.crops[chosen]`, `turns` ways round.

    Window and input range are those of the run; the features are the mean over the turns, as on the device, which
    shows a cell no other way round where the first answer reaches `early_exit`.
    """
    settings = trained["settings"]
    window = Window(settings["window_um"], settings["input_size"])
    white, whole = CONFIGS[settings["network"]].white, with_penultimate(model)
    parts = evaluate.outputs(whole, cells, chosen, window, white, batch, turns)
    told = []
    for found, before in parts:
        done = certain(found[: len(found) // turns], early_exit)
        told.append((combined(found, turns, early_exit), mean(before, turns, done), done))
    return Seen(*map(np.concatenate, zip(*told, strict=True)))
