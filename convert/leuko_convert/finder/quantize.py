"""From the finder's trained weights to its two `.tflite` files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ..quantize import Converted

SIDE = 128  # input pixels of the sizes that the files are made for; the runtime takes any other


def convert(weights: Path, shown: Sequence[np.ndarray]) -> Converted:
    """float16 takes float32 values 0 to 255, int8 takes uint8; both give float32 logits.

    `shown` are (h, w, 6) uint8 of training pictures, for the ranges of the int8 one.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras
    import tensorflow as tf

    from leuko_train.finder import network

    keras.config.set_image_data_format("channels_last")
    model = network.build(SIDE)
    model.load_weights(weights)

    def converter() -> tf.lite.TFLiteConverter:
        made = tf.lite.TFLiteConverter.from_keras_model(model)
        made.optimizations = [tf.lite.Optimize.DEFAULT]
        return made

    half = converter()
    half.target_spec.supported_types = [tf.float16]
    whole = converter()
    whole.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    whole.representative_dataset = lambda: _samples(shown)
    whole.inference_input_type = tf.uint8
    whole.inference_output_type = tf.float32
    return Converted(float16=half.convert(), int8=whole.convert())


def _samples(shown: Sequence[np.ndarray]) -> Iterator[list[np.ndarray]]:
    """Pieces of the pictures; a black and a white pixel in the first make the input's range 0 to 255 exactly."""
    for number, picture in enumerate(shown):
        piece = np.empty((1, SIDE, SIDE, picture.shape[2]), np.float32)
        piece[:] = (245, 245, 245, 0, 0, 0)
        height, width = (min(SIDE, side) for side in picture.shape[:2])
        piece[0, :height, :width] = picture[:height, :width]
        if number == 0:
            piece[0, 0, :2] = [[0.0], [255.0]]
        yield [piece]
