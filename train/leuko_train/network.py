"""VGG-16 networks, each under a name: the seed paper's own (its Fig. 5) and the one that ships."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from leuko_edge.errors import UsageError

PAPER_PARAMETERS = 14_979_396
"""Of the paper's network with four classes."""
VGG_MEAN_BGR = (103.939, 116.779, 123.68)
"""ImageNet's mean grey values, which VGG's weights expect subtracted (Simonyan & Zisserman 2014)."""


def _vgg16(init: str | Path | None, input_size: int) -> keras.Model:
    """VGG-16's convolutions. `init`: "imagenet" (downloaded by Keras), a weights file, or None (random)."""
    if init not in (None, "imagenet") and not Path(init).is_file():
        raise UsageError(f"No weights file at {init}; give VGG-16 weights without top, or 'imagenet'.")
    weights = init if init in (None, "imagenet") else str(init)
    return keras.applications.VGG16(include_top=False, weights=weights, input_shape=(input_size, input_size, 3))


def build_paper(
    classes: int = 4, input_size: int = 64, init: str | Path | None = None, dropout: float = 0.5
) -> keras.Model:
    """The seed paper's network: RGB in 0–1 (n, 64, 64, 3) -> probabilities (n, classes).

    The order follows its Fig. 5: VGG-16 without top, global max pooling, flatten, dense 512, dropout, dense.
    The figure does not give the dropout rate; 0.5 is VGG's own.
    """
    vgg = _vgg16(init, input_size)
    x = layers.GlobalMaxPooling2D()(vgg.output)
    x = layers.Flatten()(x)
    x = layers.Dense(512, activation="relu")(x)
    x = layers.Dropout(dropout)(x)
    return keras.Model(vgg.input, layers.Dense(classes, activation="softmax")(x), name="paper")


def _preprocessing() -> layers.Layer:
    """RGB 0–255 to what VGG's weights expect: BGR less the means, as one fixed 1×1 convolution.

    A convolution because every converter and backend has one; before VGG's own zero padding, so it cannot be
    folded into its first layer.
    """
    reverse = np.eye(3, dtype=np.float32)[::-1][None, None]  # (1, 1, 3, 3)
    layer = layers.Conv2D(3, 1, name="vgg_preprocessing", trainable=False)
    layer.build((None, None, None, 3))
    layer.set_weights([reverse, -np.array(VGG_MEAN_BGR, np.float32)])
    return layer


def build_leuko(
    classes: int = 9, input_size: int = 64, init: str | Path | None = None, dropout: float = 0.3
) -> keras.Model:
    """The network that ships: RGB in 0–255 (n, size, size, 3) float -> probabilities (n, classes)."""
    inputs = keras.Input((input_size, input_size, 3), name="rgb")
    x = _preprocessing()(inputs)
    for layer in _vgg16(init, input_size).layers[1:]:
        x = layer(x)
    x = layers.GlobalMaxPooling2D()(x)
    x = layers.BatchNormalization(momentum=0.95)(x)
    x = layers.Dropout(dropout)(x)
    x = layers.Dense(512, activation="relu")(x)
    x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax")(x), name="leuko-vgg16")


def build_slim(
    classes: int = 9, input_size: int = 64, init: str | Path | None = None, dropout: float = 0.3
) -> keras.Model:
    """VGG-16 with `SLIM` of its channels and batch normalisation after each convolution; input as `build_leuko`.

    Seven times fewer multiplications, so that all of it trains from end to end in the time that the full network's
    last blocks take. With `init` it starts from the filters of VGG-16 that have the largest norm (Li et al. 2017,
    arXiv 1608.08710); normalisation makes up for what the others gave.
    """
    inputs = keras.Input((input_size, input_size, 3), name="rgb")
    x = _preprocessing()(inputs)
    for layer in _vgg16(None, input_size).layers[1:]:
        if isinstance(layer, layers.MaxPooling2D):
            x = layers.MaxPooling2D(name=layer.name)(x)
            continue
        x = layers.Conv2D(round(SLIM * layer.filters), 3, padding="same", use_bias=False, name=layer.name)(x)
        x = layers.BatchNormalization(momentum=0.95)(x)
        x = layers.ReLU()(x)
    x = layers.GlobalMaxPooling2D()(x)
    x = layers.Dropout(dropout)(x)
    x = layers.Dense(round(SLIM * 512), activation="relu")(x)
    x = layers.Dropout(dropout)(x)
    model = keras.Model(inputs, layers.Dense(classes, activation="softmax")(x), name="leuko-vgg16-slim")
    if init is not None:
        _inherit(model, _vgg16(init, input_size))
    return model


def _inherit(slim: keras.Model, full: keras.Model) -> None:
    """Give each convolution of `slim` the strongest filters of its namesake in `full`, reading what `slim` has kept."""
    kept = np.arange(3)
    for layer in full.layers:
        if isinstance(layer, layers.Conv2D):
            kernel = layer.get_weights()[0][:, :, kept]
            own = slim.get_layer(layer.name)
            kept = np.sort(np.argsort(-np.abs(kernel).sum(axis=(0, 1, 2)))[: own.filters])
            own.set_weights([kernel[..., kept]])


@dataclass(frozen=True)
class Network:
    """A named configuration: `build(classes, input_size, init, dropout)`; `white` is its input for 255.

    `trunk` is the last layer that `fit` leaves as it is.
    """

    build: Callable[..., keras.Model]
    white: float
    trunk: str = "block3_pool"


SLIM = 0.375
"""Of VGG-16's channels: 24, 48, 96, 192 and 192, all multiples of 8, as int8 kernels like them."""

CONFIGS = {
    "leuko-vgg16": Network(build_leuko, 255.0),
    "leuko-vgg16-slim": Network(build_slim, 255.0, "vgg_preprocessing"),
    "paper": Network(build_paper, 1.0),
}


def _chain(inputs: Any, chain: Sequence[layers.Layer], name: str) -> keras.Model:
    x = inputs
    for layer in chain:
        x = layer(x)
    return keras.Model(inputs, x, name=name)


def split_at(model: keras.Model, name: str) -> tuple[keras.Model, keras.Model]:
    """(trunk up to and with layer `name`, the rest), sharing their layers: rest(trunk(x)) = model(x)."""
    chain = [layer for layer in model.layers if not isinstance(layer, layers.InputLayer)]
    names = [layer.name for layer in chain]
    if name not in names:
        raise UsageError(f"The network has no layer {name}; it has {', '.join(names)}.")
    cut = names.index(name) + 1
    trunk = _chain(keras.Input(model.input_shape[1:]), chain[:cut], "trunk")
    return trunk, _chain(keras.Input(trunk.output_shape[1:]), chain[cut:], "rest")
