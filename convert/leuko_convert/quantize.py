"""From a trained network to the two `.tflite` files: float16 weights, and int8 throughout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .chain import from_keras, to_keras, verify
from .equalise import channel_maxima, equalise
from .softmax import append_softmax

if TYPE_CHECKING:
    import keras

FLOAT16 = "weights in float16, arithmetic in float32"
INT8 = (
    "int8 weights (per output channel) and activations (per tensor) after cross-layer equalisation, uint8 input; "
    "softmax in float32 on dequantised logits"
)


@dataclass(frozen=True)
class Converted:
    """Both are whole `.tflite` files. float16 takes float32 pixel values 0–255, int8 takes uint8."""

    float16: bytes
    int8: bytes


def convert(model: keras.Model, representative: np.ndarray, white: float = 255.0) -> Converted:
    """`representative`: (n, size, size, 3) uint8 RGB, crops as the device cuts them; a few hundred.

    `white` is what `model` takes for a white pixel. Raises UsageError where the network is not a chain of VGG's
    layers that ends in a softmax.
    """
    size = representative.shape[1]
    chain = from_keras(model, white)
    verify(chain, model, representative[:16], white)
    balanced = equalise(chain, channel_maxima(chain, representative))
    return Converted(
        float16=_float16(to_keras(chain, size, softmax=True)),
        int8=append_softmax(_int8(to_keras(balanced, size, softmax=False), representative)),
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
