"""The finder's network: fully convolutional, four input pixels a position, two maps.

    6 channels -> 24, 24 at half the resolution -> 48 at a quarter -> six residual layers, dilated -> 2 maps × 2 × 2

The last layer gives each position's four map pixels, so that no layer has to enlarge anything: what runs on the device
is plain convolutions of any picture's size.
"""

from __future__ import annotations

import keras
from keras import layers

CHANNELS = 6
MAPS = 2  # centres, bodies
SUB = 2  # map pixels along a side of one position
WIDTHS = (24, 24, 48)
DILATIONS = (1, 2, 4, 8, 2, 1)


class Conv2D(layers.Conv2D):
    """Under TensorFlow a dilated one is one operation: Keras's own moves pixels to and fro around it, which LiteRT
    cannot do at sizes that the dilation does not divide."""

    def convolution_op(self, inputs: object, kernel: object) -> object:
        if keras.backend.backend() != "tensorflow":
            return super().convolution_op(inputs, kernel)
        import tensorflow as tf

        return tf.nn.conv2d(inputs, kernel, list(self.strides), "SAME", dilations=list(self.dilation_rate))


def build(side: int | None = None) -> keras.Model:
    """(n, h, w, 6) pixel values 0 to 255 -> (n, h / 4, w / 4, 8) logits: of each map its four pixels, row by row.

    In Keras's own order of the axes, which the caller sets; h and w divide by four.
    """
    first = keras.config.image_data_format() == "channels_first"
    axis = 1 if first else -1
    shape = (CHANNELS, side, side) if first else (side, side, CHANNELS)
    given = x = keras.Input(shape, name="field")
    x = layers.Rescaling(1 / 127.5, -1.0)(x)
    x = _layer(x, WIDTHS[0], axis, kernel=5, strides=2)
    x = _layer(x, WIDTHS[1], axis)
    x = _layer(x, WIDTHS[2], axis, strides=2)
    for dilation in DILATIONS:
        x = layers.Add()([x, _layer(x, WIDTHS[2], axis, dilation=dilation)])
    x = _layer(x, WIDTHS[2], axis, kernel=1)
    x = layers.Conv2D(MAPS * SUB * SUB, 1, name="maps")(x)
    return keras.Model(given, x, name="leuko-finder")


def _layer(
    x: keras.KerasTensor, width: int, axis: int, kernel: int = 3, strides: int = 1, dilation: int = 1
) -> keras.KerasTensor:
    x = Conv2D(width, kernel, strides, padding="same", dilation_rate=dilation, use_bias=False)(x)
    x = layers.BatchNormalization(axis=axis, momentum=0.95)(x)
    return layers.ReLU()(x)
