"""A narrow VGG-16 that begins with what the full one knows: channels chosen and refitted layer by layer.

After He, Zhang & Sun 2017 (arXiv 1707.06168), from the first convolution to the last: of the full network's channels
those are kept that best span all of them on the cells themselves, and the narrow layer's filters are the least-squares
ones that give these channels from what the narrow layers before it left.

VGG's channels reach from units to hundreds. Here every channel is scaled to a mean square of 1 after its ReLU, which
changes nothing that the network says, and every kernel to the size that a new one would have: an optimizer that moves
all weights alike (Adam) would wipe out small ones within an epoch.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import layers

from .vgg16 import split_at

POSITIONS = 24_000
"""Places in the feature maps that each layer is fitted on: ten times a wide layer's unknowns."""
RIDGE = 1e-3
"""Of the patches' mean energy, added to the normal equations: neighbouring pixels are much alike."""
CHUNK = 64
TINY = 1e-6


def spanning(values: np.ndarray, count: int) -> np.ndarray:
    """Indices, sorted, of the `count` columns of `values` (n, channels) that best span the rest, greedily.

    Each step takes the column with most energy left and subtracts from all what it explains (pivoted Gram–Schmidt).
    """
    gram = (values.T @ values).astype(np.float64)
    chosen: list[int] = []
    for _ in range(count):
        left = np.diag(gram).copy()
        left[chosen] = -np.inf
        best = int(left.argmax())
        chosen.append(best)
        if gram[best, best] > 0:
            gram -= np.outer(gram[:, best], gram[best]) / gram[best, best]
    return np.sort(np.array(chosen))


def fitted(patches: Any, targets: Any) -> tuple[np.ndarray, np.ndarray]:
    """(weights (k, m), bias (m,)) of the ridge regression of targets (n, m) on patches (n, k); arrays or tensors."""
    patches, targets = keras.ops.convert_to_tensor(patches), keras.ops.convert_to_tensor(targets)
    middle, aim = keras.ops.mean(patches, 0), keras.ops.mean(targets, 0)
    centred = patches - middle
    turned = keras.ops.transpose(centred)
    normal = _array(keras.ops.matmul(turned, centred))
    normal[np.diag_indices_from(normal)] += RIDGE * np.trace(normal) / len(normal)
    weights = np.linalg.solve(normal, _array(keras.ops.matmul(turned, targets - aim)))
    return weights, _array(aim) - _array(middle) @ weights


def _array(tensor: Any) -> np.ndarray:
    return np.array(keras.ops.convert_to_numpy(tensor))


def _chunked(step: Any, values: Any) -> Any:
    """`step` of `CHUNK` pictures at a time. Feature maps stay where the backend computes: they are gigabytes."""
    return keras.ops.concatenate([step(values[i : i + CHUNK]) for i in range(0, len(values), CHUNK)])


def _convolved(values: Any, kernel: np.ndarray, bias: np.ndarray) -> Any:
    kernel, bias = keras.ops.convert_to_tensor(kernel), keras.ops.convert_to_tensor(bias)
    return _chunked(
        lambda part: keras.ops.conv(part, kernel, padding="same", data_format="channels_last") + bias, values
    )


def _pooled(values: Any) -> Any:
    return _chunked(lambda part: keras.ops.max_pool(part, 2, 2, data_format="channels_last"), values)


def _at(values: Any, places: tuple[np.ndarray, ...]) -> Any:
    """(n, channels): the feature maps (pictures, rows, columns, channels) at `places`, three index arrays."""
    flat = keras.ops.reshape(values, (-1, values.shape[-1]))
    return keras.ops.take(flat, np.ravel_multi_index(places, tuple(values.shape[:3])), axis=0)


def _patches(values: Any, places: tuple[np.ndarray, ...]) -> Any:
    """(n, 9 * channels): the 3×3 neighbourhood of each place (picture, row, column), zeros beyond the edge."""
    padded = keras.ops.pad(values, ((0, 0), (1, 1), (1, 1), (0, 0)))
    picture, row, column = places
    around = [_at(padded, (picture, row + down, column + right)) for down in range(3) for right in range(3)]
    return keras.ops.concatenate(around, axis=1)


def inherit(narrow: keras.Model, full: keras.Model, rgb: np.ndarray, seed: int = 0) -> dict[str, float]:
    """Set the convolutions and normalisations of `narrow` after their namesakes in `full`, VGG-16 as Keras has it.

    rgb: (n, size, size, 3) uint8, some hundred cells. In `narrow` each convolution has a bias, or else is followed by
    its normalisation, of the batch or of groups of channels. Gives, layer by layer, the share of the kept channels'
    variance that the narrow one explains.
    """
    rng = np.random.default_rng(seed)
    trunk, _ = split_at(narrow, "vgg_preprocessing")
    given = trunk.predict(rgb.astype(np.float32), batch_size=CHUNK, verbose=0).astype(np.float32)
    wide = slim = keras.ops.convert_to_tensor(given)
    explained = {}
    for layer in full.layers[1:]:
        if isinstance(layer, layers.MaxPooling2D):
            wide, slim = _pooled(wide), _pooled(slim)
            continue
        own = narrow.get_layer(layer.name)
        response = _convolved(wide, *layer.get_weights())
        every = np.prod(response.shape[:3])
        chosen = rng.choice(every, min(POSITIONS, every), replace=False)
        places = np.unravel_index(chosen, tuple(response.shape[:3]))
        before = _array(_at(response, places))
        after = np.maximum(before, 0)
        wide = keras.ops.relu(response)
        kept = spanning(after, own.filters)
        scale = np.sqrt((after[:, kept] ** 2).mean(0)) + TINY
        targets = before[:, kept] / scale
        patches = _patches(slim, places)
        weights, bias = fitted(patches, targets)
        left = _array(keras.ops.matmul(patches, weights)) + bias - targets
        explained[layer.name] = float(1 - left.var(0).sum() / targets.var(0).sum())
        if own.use_bias:  # no normalisation follows: the channels keep the mean square of 1
            own.set_weights([weights.reshape(3, 3, -1, own.filters), bias])
            slim = keras.ops.relu(_convolved(slim, *own.get_weights()))
            continue
        gain = math.sqrt(2 / len(weights)) / weights.std()
        kernel = (gain * weights).reshape(3, 3, -1, own.filters)
        own.set_weights([kernel])
        raw = _convolved(slim, kernel, np.zeros(own.filters, np.float32))
        normalisation = narrow.layers[narrow.layers.index(own) + 1]
        if isinstance(normalisation, layers.GroupNormalization):
            mean, spread = _group_statistics(raw, normalisation)
            normalisation.set_weights([spread / gain, mean / gain + bias])
            slim = _chunked(lambda part, layer=normalisation: keras.ops.relu(layer(part)), raw)
            continue
        mean, variance = (_array(value) for value in keras.ops.moments(raw, (0, 1, 2)))
        spread = np.sqrt(variance + normalisation.epsilon)
        normalisation.set_weights([spread / gain, mean / gain + bias, mean, variance])
        slim = keras.ops.relu(raw / float(gain) + keras.ops.convert_to_tensor(bias))
    return explained


def _group_statistics(raw: Any, normalisation: layers.GroupNormalization) -> tuple[np.ndarray, np.ndarray]:
    """(mean, spread), each (channels,): of its group, in the mean of the pictures."""
    pictures, height, width, channels = raw.shape
    each = channels // normalisation.groups
    grouped = keras.ops.reshape(raw, (pictures, height * width, normalisation.groups, each))
    mean, variance = (_array(value) for value in keras.ops.moments(grouped, (1, 3)))  # (pictures, groups)
    spread = np.sqrt(variance + normalisation.epsilon)
    return np.repeat(mean.mean(0), each), np.repeat(spread.mean(0), each)
