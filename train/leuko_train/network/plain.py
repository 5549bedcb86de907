"""A plain convolutional network, trained from nothing: what a study without ImageNet's weights would use."""

from __future__ import annotations

import keras
from keras import layers

FILTERS = (32, 64, 128)


def build_plain(classes: int = 4, input_size: int = 64, dropout: float = 0.5) -> keras.Model:
    """RGB in 0–1 (n, size, size, 3) -> probabilities (n, classes): three convolutions with pooling, two dense layers.

    Abou El-Seoud et al. 2020 do not give theirs in full; this is the usual one of Keras' own examples.
    """
    inputs = x = keras.Input((input_size, input_size, 3))
    for filters in FILTERS:
        x = layers.Conv2D(filters, 3, activation="relu", padding="same")(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Dense(128, activation="relu")(layers.Flatten()(x))
    x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax", dtype="float32")(x), name="plain")
