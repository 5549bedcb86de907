"""One processor or several GPUs behind the same training loop: Keras distributes, we only choose."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import keras

from leuko_edge.errors import EnvironmentBroken


def _too_few(wanted: int, found: int) -> EnvironmentBroken:
    return EnvironmentBroken(f"--devices {wanted} asks for more than the {found} that {keras.backend.backend()} sees.")


def scope(count: int) -> AbstractContextManager:
    """The context in which a model is built so that it trains on `count` devices.

    One device needs nothing. Several: tf.distribute.MirroredStrategy (TensorFlow) or
    keras.distribution.DataParallel (JAX). Raises EnvironmentBroken where there are fewer, or another backend.
    """
    if count <= 1:
        return nullcontext()
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        if len(found) < count:
            raise _too_few(count, len(found))
        return tf.distribute.MirroredStrategy([device.name for device in found[:count]]).scope()
    if backend == "jax":
        found = keras.distribution.list_devices()
        if len(found) < count:
            raise _too_few(count, len(found))
        return keras.distribution.DataParallel(devices=found[:count], auto_shard_dataset=False).scope()
    raise EnvironmentBroken(f"Several devices need KERAS_BACKEND tensorflow or jax, not {backend}.")
