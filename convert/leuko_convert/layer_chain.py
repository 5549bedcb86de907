"""A VGG-like network as a plain chain of steps that can be rewritten before it is converted.

VGG is a straight line: convolutions with ReLU, max pooling, dense layers. Written out as such, batch normalisation
can be folded away and channels rescaled (`equalise`), which is what makes its int8 form exact enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from leuko_edge.errors import UsageError

if TYPE_CHECKING:
    import keras

AGREEMENT = 1e-3
"""Largest difference of a probability between the network and its chain; float rounding gives about 1e-6."""


@dataclass(frozen=True)
class Weighted:
    """A convolution (kernel (h, w, in, out), stride 1) or a dense layer (kernel (in, out))."""

    kernel: np.ndarray = field(repr=False)
    bias: np.ndarray = field(repr=False)  # (out,)
    relu: bool
    padding: str = "same"

    @property
    def is_conv(self) -> bool:
        return self.kernel.ndim == 4


@dataclass(frozen=True)
class Pool:
    """Max pooling; `size` None pools the whole map."""

    size: int | None


@dataclass(frozen=True)
class MiddlePool:
    """`leuko_train.network.vgg16.MiddleAndMean`: (n, h, w, c) to (n, 2c), maxima of the middle, then means."""


Step = Weighted | Pool | MiddlePool


def from_keras(model: keras.Model, white: float = 255.0) -> tuple[Step, ...]:
    """The chain of `model`, its input made RGB in 0–255 (`white` is what the model takes for 255).

    The last step gives logits; the model must end in a softmax. Raises UsageError for a layer that is not VGG's.
    """
    from keras import layers

    from leuko_train.network.vgg16 import MiddleAndMean

    steps: list[Step] = []
    normal: tuple[np.ndarray, np.ndarray] | None = None  # scale and shift to be folded into the next dense layer
    softmax = False
    for layer in _flat(model):
        if isinstance(layer, layers.InputLayer | layers.Dropout):
            continue
        last = steps[-1] if steps else None
        if isinstance(layer, layers.Flatten) and last == Pool(None):
            continue  # already flat
        if isinstance(layer, layers.MaxPooling2D) and layer.pool_size == layer.strides and layer.padding == "valid":
            steps.append(Pool(int(layer.pool_size[0])))
        elif isinstance(layer, layers.GlobalMaxPooling2D):
            steps.append(Pool(None))
        elif isinstance(layer, MiddleAndMean):
            steps.append(MiddlePool())
        elif isinstance(layer, layers.BatchNormalization) and last == Pool(None):
            normal = _scale_and_shift(layer)
        elif isinstance(layer, layers.BatchNormalization) and _is_linear(last):
            scale, shift = _scale_and_shift(layer)
            steps[-1] = replace(last, kernel=last.kernel * scale, bias=last.bias * scale + shift)
        elif isinstance(layer, layers.ReLU) and _is_linear(last) and layer.max_value is None:
            steps[-1] = replace(last, relu=True)
        elif isinstance(layer, layers.Conv2D | layers.Dense) and _is_plain(layer):
            kernel, *rest = (np.asarray(values, np.float64) for values in layer.get_weights())
            bias = rest[0] if rest else np.zeros(kernel.shape[-1])
            if normal is not None:
                bias, kernel, normal = bias + normal[1] @ kernel, normal[0][:, None] * kernel, None
            activation = layer.activation.__name__
            softmax = activation == "softmax"
            padding = layer.padding if kernel.ndim == 4 else "same"
            steps.append(Weighted(kernel, bias, activation == "relu", padding))
        else:
            raise UsageError(f"Layer {layer.name} ({type(layer).__name__}) cannot be converted: not a part of VGG.")
    if not softmax:
        raise UsageError(f"The network {model.name} does not end in a dense layer with softmax.")
    first, reads = next((i, step) for i, step in enumerate(steps) if isinstance(step, Weighted))
    steps[first] = replace(reads, kernel=reads.kernel * (white / 255))
    return tuple(steps)


def _flat(model: Any) -> Iterator[Any]:
    for layer in getattr(model, "operations", model.layers):  # arithmetic between layers is no layer
        if hasattr(layer, "layers"):
            yield from _flat(layer)
        else:
            yield layer


def _is_plain(layer: Any) -> bool:
    known = layer.activation.__name__ in ("relu", "linear", "softmax")
    straight = not hasattr(layer, "strides") or (
        set(layer.strides) == {1} and set(layer.dilation_rate) == {1} and layer.groups == 1
    )
    return known and straight


def _is_linear(step: Step | None) -> TypeGuard[Weighted]:
    return isinstance(step, Weighted) and not step.relu


def _scale_and_shift(layer: Any) -> tuple[np.ndarray, np.ndarray]:
    weights = {v.path.rsplit("/", 1)[-1]: np.asarray(v.numpy(), np.float64) for v in layer.weights}
    scale = weights.get("gamma", 1.0) / np.sqrt(weights["moving_variance"] + layer.epsilon)
    return scale, weights.get("beta", 0.0) - weights["moving_mean"] * scale


def with_features(chain: tuple[Step, ...], kernel: np.ndarray, bias: np.ndarray) -> tuple[Step, ...]:
    """The chain whose last layer also gives, after the logits, inputs @ kernel + bias: kernel (inputs, k), bias (k,).

    As one layer, so that whatever rewrites the chain keeps both right; `to_keras` parts them again. UsageError where
    the kernel is of another network.
    """
    last = chain[-1]
    assert isinstance(last, Weighted)  # as `from_keras` ends
    if len(kernel) != len(last.kernel):
        raise UsageError(
            f"The feature distance is of another network: it reads {len(kernel)} values, the last layer has "
            f"{len(last.kernel)}",
            "run leuko-train calibrate again.",
        )
    joined = replace(last, kernel=np.hstack([last.kernel, kernel]), bias=np.hstack([last.bias, bias]))
    return (*chain[:-1], joined)


def to_keras(
    chain: tuple[Step, ...], input_size: int, *, softmax: bool, maxima: bool = False, features: int = 0
) -> keras.Model:
    """The chain as a Keras model: RGB 0–255 (n, size, size, 3) -> logits, or probabilities with `softmax`.

    With `maxima` the outputs are, instead, each ReLU's largest value of every channel, (n, channels) each. The last
    `features` outputs of a chain `with_features` are a second output, (n, features), that no softmax touches.
    """
    import keras
    from keras import layers

    from leuko_train.network.vgg16 import MiddleAndMean

    x = inputs = keras.Input((input_size, input_size, 3), name="rgb")
    tops, filled = [], []
    if features:
        chain, aside = _parted(chain, features)
    for step in chain:
        if isinstance(step, Pool):
            x = layers.GlobalMaxPooling2D()(x) if step.size is None else layers.MaxPooling2D(step.size)(x)
            continue
        if isinstance(step, MiddlePool):
            x = MiddleAndMean()(x)
            continue
        activation, size = "relu" if step.relu else None, step.kernel.shape[-1]
        if step.is_conv:
            layer = layers.Conv2D(size, step.kernel.shape[:2], padding=step.padding, activation=activation)
        else:
            layer = layers.Dense(size, activation=activation)
        before, x = x, layer(x)
        filled.append((layer, step))
        if step.relu:
            tops.append(layers.GlobalMaxPooling2D()(x) if step.is_conv else x)
    if softmax:
        x = layers.Softmax()(x)
    outputs = tops if maxima else x
    if features:
        layer = layers.Dense(features)
        outputs = [x, layer(before)]
        filled.append((layer, aside))
    model = keras.Model(inputs, outputs)
    for layer, step in filled:
        layer.set_weights([step.kernel.astype(np.float32), step.bias.astype(np.float32)])
    return model


def _parted(chain: tuple[Step, ...], features: int) -> tuple[tuple[Step, ...], Weighted]:
    """(the chain that gives logits only, the layer of the features beside its last)."""
    last = chain[-1]
    assert isinstance(last, Weighted)
    logits, aside = (
        replace(last, kernel=last.kernel[:, part], bias=last.bias[part])
        for part in (slice(None, -features), slice(-features, None))
    )
    return (*chain[:-1], logits), aside


def verify(chain: tuple[Step, ...], model: keras.Model, rgb: np.ndarray, white: float = 255.0) -> None:
    """UsageError unless `chain` says the same as `model` of `rgb` (n, size, size, 3) uint8."""
    whole = to_keras(chain, rgb.shape[1], softmax=True)
    values = rgb.astype(np.float32)
    apart = np.abs(whole.predict(values, verbose=0) - model.predict(values * (white / 255), verbose=0)).max()
    if not apart < AGREEMENT:
        raise UsageError(
            f"The network {model.name} is not a straight chain of VGG's layers: rebuilt, it differs by {apart:.2g}."
        )
