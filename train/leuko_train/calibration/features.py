"""What a network sees in a cell before it names it: the values that its last layer reads."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from leuko_edge.model.tta import combined, mean

from ..data.augment import Window
from ..data.cell_set import CellSet
from ..evaluation import evaluate
from ..network.vgg16 import CONFIGS


def with_penultimate(model: keras.Model) -> keras.Model:
    """The network with a second output, (n, d): what its last layer reads, after the ReLU of the one before."""
    return keras.Model(model.inputs, [model.outputs[0], model.layers[-1].input])


def seen(
    model: keras.Model, trained: dict[str, Any], cells: CellSet, chosen: np.ndarray, turns: int = 1, batch: int = 64
) -> tuple[np.ndarray, np.ndarray]:
    """(probabilities (n, classes), features (n, d)) of the plain views of `cells.crops[chosen]`, `turns` ways round.

    Window and input range are those of the run; the features are the mean over the turns, as on the device.
    """
    settings = trained["settings"]
    window = Window(settings["window_um"], settings["input_size"])
    white, whole = CONFIGS[settings["network"]].white, with_penultimate(model)
    parts = evaluate.outputs(whole, cells, chosen, window, white, batch, turns)
    told = [(combined(found, turns), mean(before, turns)) for found, before in parts]
    probabilities, features = zip(*told, strict=True)
    return np.concatenate(probabilities), np.concatenate(features)
