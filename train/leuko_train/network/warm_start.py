"""A network that begins as one of ours: `leuko-train fit --init MODEL`, MODEL a float `.tflite` or a `.keras` file.

Convolutions, normalisations and dense layers are taken over one by one; of the last layer the outputs go by the
classes' names, and a class that the older network did not know begins as those under which it used to hide, less
likely than they.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from leuko_edge.errors import UsageError
from leuko_edge.types import CLASSES

from ..data.laboratories import HIDES

SUFFIXES = (".tflite", ".keras")
NORMALISATIONS = (layers.BatchNormalization, layers.GroupNormalization)
UNLIKELY = 2.0
"""Taken from a new class's logit: it begins seven times less likely than the classes it hid under."""


@dataclass(frozen=True)
class Known:
    """What a network is made of, in order: each layer's weights as Keras has them, and the classes of its output."""

    weights: tuple[tuple[np.ndarray, ...], ...]
    classes: tuple[str, ...]


def is_model(init: str | Path | None) -> bool:
    return init is not None and Path(init).suffix in SUFFIXES


def read(path: Path) -> Known:
    """The network in a file. Raises UsageError where there is none, or none that can be read so."""
    if not path.is_file():
        raise UsageError(f"No model at {path} to begin with.")
    return _of_tflite(path) if path.suffix == ".tflite" else _of_keras(path)


def inherit(
    model: keras.Model, known: Known, classes: tuple[str, ...] = CLASSES, rgb: np.ndarray | None = None
) -> None:
    """Give `model` the weights of `known`; its output is `classes`.

    Where `model` normalises its batches and `known` does not, it takes the statistics of some hundred cells `rgb`,
    (n, size, size, 3) uint8, if any, and scales that undo them: it begins by saying the same.
    Raises UsageError where their layers differ in number or shape otherwise.
    """
    own = [layer for layer in _chain(model) if layer.trainable or isinstance(layer, NORMALISATIONS)]
    joined = [layer for layer in own if not isinstance(layer, NORMALISATIONS)]
    given = list(known.weights)
    if len(given) - 1 in (len(own), len(joined)) and given[0][0].shape == (1, 1, 3, 3):
        given = given[1:]  # VGG's preprocessing, which every network of ours has as it is
    batches = [layer for layer in own if isinstance(layer, layers.BatchNormalization)]
    unlike = len(given) == len(joined) == len(own) - len(batches) and batches
    if unlike:
        given = [part for weights, layer in zip(given, joined, strict=True) for part in _parted(weights, layer)]
    kernel, bias = given[-1]
    last = _by_name(kernel, bias, known.classes, classes)
    for layer, weights in zip(own, [*given[:-1], last], strict=False):
        if weights[0].ndim == 2 and isinstance(layer, layers.Dense) and layer.kernel.shape[0] == 2 * len(weights[0]):
            weights = (np.concatenate([weights[0], np.zeros_like(weights[0])]), *weights[1:])  # the means come new
        if len(given) != len(own) or [tuple(w.shape) for w in layer.weights] != [w.shape for w in weights]:
            raise UsageError(
                f"The model to begin with does not fit the network {model.name} at {layer.name}",
                "name the --network that it was made as; a .tflite has no normalisation (leuko-vgg16-half-plain).",
            )
        layer.set_weights(weights)
    if unlike and rgb is not None:
        _measure(model, rgb)


def _parted(weights: tuple[np.ndarray, ...], layer: layers.Layer) -> list[tuple[np.ndarray, ...]]:
    """What `weights`, a kernel and a bias, are for a layer that may leave its bias to the normalisation after it."""
    if layer.use_bias:
        return [weights]
    kernel, bias = weights
    one = np.ones_like(bias)
    return [(kernel,), (one, bias, 0 * one, one)]


def _measure(model: keras.Model, rgb: np.ndarray) -> None:
    """Give each normalisation of the batch the statistics of its input, and the scale and shift that undo them."""
    chain = _chain(model)
    for before, layer in pairwise(chain):
        if isinstance(layer, layers.BatchNormalization):
            given = keras.Model(model.input, before.output).predict(rgb.astype(np.float32), batch_size=64, verbose=0)
            raw = np.asarray(given, np.float32)  # sums of bfloat16 stand still
            mean, variance = raw.mean((0, 1, 2)), raw.var((0, 1, 2))
            shift = layer.get_weights()[1]
            layer.set_weights([np.sqrt(variance + layer.epsilon), mean + shift, mean, variance])


def _chain(model: keras.Model) -> list[layers.Layer]:
    """The layers that hold weights, in order."""
    return [layer for layer in model.layers if isinstance(layer, (layers.Conv2D, layers.Dense, *NORMALISATIONS))]


def _by_name(
    kernel: np.ndarray, bias: np.ndarray, known: tuple[str, ...], classes: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """The last layer, (inputs, n) and (n,), for other classes than it had."""
    columns, biases = [], []
    for name in classes:
        under = [known.index(c) for c, hidden in HIDES.items() if name in hidden and c in known]
        if name in known:
            columns.append(kernel[:, known.index(name)])
            biases.append(bias[known.index(name)])
        elif under:
            columns.append(kernel[:, under].mean(axis=1))
            biases.append(bias[under].mean() - UNLIKELY)
        else:
            columns.append(np.zeros(len(kernel), kernel.dtype))
            biases.append(bias.min() - UNLIKELY)
    return np.stack(columns, axis=1), np.array(biases, kernel.dtype)


def _of_keras(path: Path) -> Known:
    described = path.parent / "report.json"
    try:
        model = keras.models.load_model(path, compile=False)
        classes = (
            tuple(json.loads(described.read_text(encoding="utf-8"))["classes"]) if described.is_file() else CLASSES
        )
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(f"{path} cannot be read as a trained network ({error}).") from None
    return Known(tuple(tuple(layer.get_weights()) for layer in _chain(model)), classes)


def _of_tflite(path: Path) -> Known:
    """Of a float16 or float32 file that `leuko-convert` wrote, its card beside it: normalisation is folded in there."""
    from ai_edge_litert import schema_py_generated as schema

    from leuko_edge.model.card import ModelCard

    classes = ModelCard.load(path.with_suffix(".json")).classes
    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    graph = model.subgraphs[0]
    kinds = [code.builtinCode for code in model.operatorCodes]
    made = {int(out): op for op in graph.operators for out in op.outputs}

    def values(index: int) -> np.ndarray:
        if index in made:  # float16, widened when it is opened
            index = int(made[index].inputs[0])
        tensor = graph.tensors[index]
        kind = {schema.TensorType.FLOAT16: np.float16, schema.TensorType.FLOAT32: np.float32}.get(tensor.type)
        if kind is None:
            raise UsageError(f"{path} is quantised", "begin with the float16 model instead.")
        return model.buffers[tensor.buffer].data.view(kind).reshape(tensor.shape).astype(np.float32)

    weights: list[tuple[Any, Any]] = []
    operator = next(op for op in graph.operators if kinds[op.opcodeIndex] == schema.BuiltinOperator.SOFTMAX)
    while (before := made.get(int(operator.inputs[0]))) is not None:  # from the answer back to the picture
        operator = before
        if kinds[operator.opcodeIndex] == schema.BuiltinOperator.CONV_2D:
            weights.append((values(int(operator.inputs[1])).transpose(1, 2, 3, 0), values(int(operator.inputs[2]))))
        elif kinds[operator.opcodeIndex] == schema.BuiltinOperator.FULLY_CONNECTED:
            weights.append((values(int(operator.inputs[1])).T, values(int(operator.inputs[2]))))
    return Known(tuple(reversed(weights)), classes)
