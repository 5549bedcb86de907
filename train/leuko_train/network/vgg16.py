"""VGG-16 networks, each under a name: the seed paper's own (its Fig. 5) and the one that ships."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from leuko_edge.errors import UsageError

PAPER_PARAMETERS = 14_979_396
"""Of the paper's network with four classes."""
SLIM, HALF = 0.375, 0.5
"""Of VGG-16's channels: 24, 48, 96, 192 and 192, or 32 to 256: all multiples of 8, as int8 kernels like them."""
NARROW: dict[str, dict[str, Any]] = {
    "leuko-vgg16-slim": {"share": SLIM},
    "leuko-vgg16-half": {"share": HALF},
    "leuko-vgg16-half-head-norm": {"share": HALF, "head_norm": True},
    "leuko-vgg16-half-density": {"share": HALF, "density": True},
    "leuko-vgg16-half-frozen": {"share": HALF, "norm": "frozen"},
    "leuko-vgg16-half-group": {"share": HALF, "norm": "group"},
    "leuko-vgg16-half-plain": {"share": HALF, "norm": None},
    "leuko-vgg16-half-wide": {"share": HALF, "norm": None, "wide": True},
    "leuko-vgg16-half-wide-norm": {"share": HALF, "wide": True},
}
"""What `build_slim` is told for each name; frozen, group, head-norm, wide-norm and density are there to be compared
(train/TRAVEL.md)."""
GROUPS = 16
"""Into which group normalisation parts the channels (Wu & He 2018, arXiv 1803.08494: 32, in networks twice as wide)."""
DENSEST = 2.4
"""Optical density of black: log10 of the 256 grey values."""
VGG_MEAN_BGR = (103.939, 116.779, 123.68)
"""ImageNet's mean grey values, which VGG's weights expect subtracted (Simonyan & Zisserman 2014)."""


def vgg16(init: str | Path | None, input_size: int) -> keras.Model:
    """VGG-16's convolutions. `init`: "imagenet" (downloaded by Keras), a weights file, or None (random)."""
    if init not in (None, "imagenet") and not Path(init).is_file():
        raise UsageError(f"No weights file at {init}", "give VGG-16 weights without top, or 'imagenet'.")
    weights = init if init in (None, "imagenet") else str(init)
    return keras.applications.VGG16(include_top=False, weights=weights, input_shape=(input_size, input_size, 3))


def build_paper(
    classes: int = 4, input_size: int = 64, init: str | Path | None = None, dropout: float = 0.5
) -> keras.Model:
    """The seed paper's network: RGB in 0–1 (n, 64, 64, 3) -> probabilities (n, classes).

    The order follows its Fig. 5: VGG-16 without top, global max pooling, flatten, dense 512, dropout, dense.
    The figure does not give the dropout rate; 0.5 is VGG's own.
    """
    vgg = vgg16(init, input_size)
    x = layers.GlobalMaxPooling2D()(vgg.output)
    x = layers.Flatten()(x)
    x = layers.Dense(512, activation="relu")(x)
    x = layers.Dropout(dropout)(x)
    return keras.Model(vgg.input, layers.Dense(classes, activation="softmax", dtype="float32")(x), name="paper")


def preprocessing() -> layers.Layer:
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
    x = preprocessing()(inputs)
    for layer in vgg16(init, input_size).layers[1:]:
        x = layer(x)
    x = layers.GlobalMaxPooling2D()(x)
    x = layers.BatchNormalization(momentum=0.95)(x)
    x = layers.Dropout(dropout)(x)
    x = layers.Dense(512, activation="relu")(x)
    x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax", dtype="float32")(x), name="leuko-vgg16")


@keras.saving.register_keras_serializable("leuko")
class MiddleAndMean(keras.layers.Layer):
    """Maps (n, h, w, c) to (n, 2c): each channel's maximum in the middle two thirds, then `GAIN` times its mean.

    The cell is in the middle, its red cells and background around it: what is red about a granule shows beside them.
    """

    GAIN = 4.0
    """Brings the means, of maps that are mostly 0, to the size of the maxima: int8 gives both one step."""

    def call(self, inputs: Any) -> Any:
        edge = inputs.shape[1] // 6
        middle = inputs[:, edge:-edge, edge:-edge] if edge else inputs
        whole = keras.ops.mean(inputs, axis=(1, 2)) * self.GAIN
        return keras.ops.concatenate([keras.ops.max(middle, axis=(1, 2)), whole], axis=-1)


@keras.saving.register_keras_serializable("leuko")
class OpticalDensity(keras.layers.Layer):
    """RGB 0–255 to optical density against 255, spread over 255–0: the background stays near white, as VGG expects."""

    def call(self, inputs: Any) -> Any:
        density = keras.ops.log10(256 / (keras.ops.maximum(inputs, 0) + 1))
        return 255 * (1 - density / DENSEST)


def _normalisation(kind: str) -> layers.Layer:
    if kind == "group":
        return layers.GroupNormalization(GROUPS)
    return layers.BatchNormalization(momentum=0.95, trainable=kind == "batch")


def build_slim(
    classes: int = 9,
    input_size: int = 64,
    init: str | Path | None = None,
    dropout: float = 0.3,
    share: float = SLIM,
    head_norm: bool = False,
    density: bool = False,
    norm: str | None = "batch",
    wide: bool = False,
    name: str = "leuko-vgg16-slim",
) -> keras.Model:
    """VGG-16 with a `share` of its channels and normalisation after each convolution; input as `build_leuko`.

    `norm`: "batch"; "frozen", the same with the statistics and the scale that it begins with; "group", each
    picture by its own. Without `norm` each convolution has a bias instead: nothing in the network then depends on
    which laboratories trained it but its weights, and one trained with normalisation can begin it, folded
    (`warm_start`).
    `wide`: for a window of 36 µm on 96 pixels, the middle pooled apart from the whole (`MiddleAndMean`).
    `head_norm`: normalised once more before the dense layer; `density`: the convolutions see optical density.

    With 3/8 of the channels it needs seven times fewer multiplications. Weights of another shape cannot be loaded into
    it: `prune.inherit` makes it begin with what the full network knows, and `init` must be None.
    """
    if init is not None:
        raise UsageError("A narrow network takes no VGG-16 weights as they are", "fit prunes the full network into it.")
    inputs = keras.Input((input_size, input_size, 3), name="rgb")
    x = preprocessing()(OpticalDensity(name="density")(inputs) if density else inputs)
    for layer in vgg16(None, input_size).layers[1:]:
        if wide and layer.name == "block5_pool":
            continue  # leaves 6 × 6 places, of which the middle 4 × 4 are the cell's
        if isinstance(layer, layers.MaxPooling2D):
            x = layers.MaxPooling2D(name=layer.name)(x)
            continue
        x = layers.Conv2D(round(share * layer.filters), 3, padding="same", use_bias=norm is None, name=layer.name)(x)
        if norm is not None:
            x = _normalisation(norm)(x)
        x = layers.ReLU()(x)
    x = MiddleAndMean(name="middle_and_mean")(x) if wide else layers.GlobalMaxPooling2D()(x)
    if head_norm:
        x = layers.BatchNormalization(momentum=0.95)(x)
    x = layers.Dropout(dropout)(x)
    x = layers.Dense(round(share * 512), activation="relu")(x)
    x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax", dtype="float32")(x), name=name)


@dataclass(frozen=True)
class Network:
    """A named configuration: `build(classes, input_size, init, dropout)`; `white` is its input for 255.

    `trunk` is the last layer that `fit` leaves as it is ("": none); a `narrow` one begins with the full one, pruned.
    """

    build: Callable[..., keras.Model]
    white: float
    trunk: str = "block3_pool"
    narrow: bool = False

    def parted(self, model: keras.Model, trunk: str = "") -> tuple[keras.Model | None, keras.Model]:
        """(trunk, rest) of a model of this network, cut after the layer `trunk`, or after the network's own."""
        frozen = trunk or self.trunk
        return split_at(model, frozen) if frozen else (None, model)


CONFIGS = {
    "leuko-vgg16": Network(build_leuko, 255.0),
    **{name: Network(partial(build_slim, name=name, **told), 255.0, "", narrow=True) for name, told in NARROW.items()},
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
        raise UsageError(f"The network has no layer {name}", f"it has {', '.join(names)}.")
    cut = names.index(name) + 1
    trunk = _chain(keras.Input(model.input_shape[1:]), chain[:cut], "trunk")
    return trunk, _chain(keras.Input(trunk.output_shape[1:]), chain[cut:], "rest")
