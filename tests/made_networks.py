"""What stands for VGG-16 in tests of training: its size and what it knows are not needed there."""

from __future__ import annotations

import keras
from keras import layers


def tiny(
    classes: int, input_size: int, init: None = None, dropout: float = 0.0, *, normalised: bool = False
) -> keras.Model:
    """RGB in 0–255 (n, size, size, 3) -> probabilities (n, classes); the layer "cut" ends what can stay frozen.

    `normalised`: with a layer whose running statistics are no trainable weights.
    """
    stack = [keras.Input((input_size, input_size, 3)), layers.Rescaling(1 / 255)]
    stack += [layers.Conv2D(4, 3, strides=4, activation="relu", name="cut"), layers.GlobalMaxPooling2D()]
    stack += [layers.BatchNormalization()] if normalised else []
    return keras.Sequential([*stack, layers.Dropout(dropout), layers.Dense(classes, activation="softmax")])
