"""From a trained network to the two `.tflite` files: float16 weights, and int8 throughout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leuko_edge.errors import UsageError
from leuko_edge.model.litert import FEATURES

from .equalise import channel_maxima, equalise
from .layer_chain import Step, from_keras, to_keras, verify, with_features
from .output_names import named
from .softmax import PROBABILITIES, append_softmax

if TYPE_CHECKING:
    import keras

    from leuko_train.calibration.novelty import Doubt

FLOAT16 = "weights in float16, arithmetic in float32"
AGREEMENT = 1e-3
"""Largest difference of a feature between the network and its chain, of the largest feature."""
INT8 = (
    "int8 weights (per output channel) and activations (per tensor) after cross-layer equalisation, uint8 input; "
    "softmax in float32 on dequantised logits"
)


@dataclass(frozen=True)
class Converted:
    """Both are whole `.tflite` files. float16 takes float32 pixel values 0–255, int8 takes uint8."""

    float16: bytes
    int8: bytes


def convert(
    model: keras.Model, representative: np.ndarray, white: float = 255.0, doubt: Doubt | None = None
) -> Converted:
    """`representative`: (n, size, size, 3) uint8 RGB, crops as the device cuts them; a few hundred.

    `white` is what `model` takes for a white pixel. With `doubt` both files have a second output, the features that
    its distance is measured in. Raises UsageError where the network is not a chain of VGG's layers that ends in a
    softmax, or `doubt` is of another network.
    """
    size = representative.shape[1]
    chain = from_keras(model, white)
    verify(chain, model, representative[:16], white)
    count = 0
    if doubt is not None:
        chain, count = with_features(chain, doubt.kernel, doubt.bias), doubt.kernel.shape[1]
        _verify_features(chain, model, doubt, representative[:16], white)
    balanced = equalise(chain, channel_maxima(chain, representative))
    float16 = _float16(to_keras(chain, size, softmax=True, features=count))
    int8 = _int8(to_keras(balanced, size, softmax=False, features=count), representative)
    if count:
        float16, int8 = named(float16, PROBABILITIES, FEATURES), named(int8, "logits", FEATURES)
    return Converted(float16=float16, int8=append_softmax(int8))


def _verify_features(chain: tuple[Step, ...], model: keras.Model, doubt: Doubt, rgb: np.ndarray, white: float) -> None:
    """UsageError unless the chain's features are those that `doubt` was fitted in: of the last layer's inputs."""
    from leuko_train.calibration.features import with_penultimate

    values = rgb.astype(np.float32)
    whole = to_keras(chain, rgb.shape[1], softmax=True, features=doubt.kernel.shape[1])
    found = whole.predict(values, verbose=0)[1]
    expected = doubt.project(with_penultimate(model).predict(values * (white / 255), verbose=0)[1])
    apart = np.abs(found - expected).max() / max(1.0, float(np.abs(expected).max()))
    if not apart < AGREEMENT:
        raise UsageError(
            f"The features of the network {model.name} differ by {apart:.2g} once rebuilt: the layer before its last "
            "must be a dense layer with ReLU."
        )


def _converter(model: keras.Model) -> Any:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converter


def _float16(model: keras.Model) -> bytes:
    import tensorflow as tf

    converter = _converter(model)
    converter.target_spec.supported_types = [tf.float16]
    return converter.convert()


def _int8(model: keras.Model, representative: np.ndarray) -> bytes:
    import tensorflow as tf

    converter = _converter(model)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.representative_dataset = lambda: _samples(representative)
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.float32
    return converter.convert()


def _samples(rgb: np.ndarray) -> Iterator[list[np.ndarray]]:
    """Single crops as the network's float input.

    The first gets a black and a white pixel in its corner: the input's range is then 0–255 and its quantisation
    exact, so that the device hands over its bytes as they are.
    """
    for number, crop in enumerate(rgb):
        values = crop[None].astype(np.float32)
        if number == 0:
            values[0, 0, :2] = [[0.0], [255.0]]
        yield [values]
