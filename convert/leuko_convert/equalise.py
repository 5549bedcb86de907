"""Cross-layer equalisation: give the channels of each layer similar ranges, without changing what the network says.

TFLite quantises an activation with one step for all its channels. VGG's channels differ by orders of magnitude, and
batch normalisation after the pooling used to magnify the small ones: plain conversion changed 3 of 10 labels. As
ReLU and max pooling commute with a positive factor, a channel can be divided by s where it is made and multiplied
by s where it is used. With s = sqrt(range of the channel / largest weight that reads it) the loss of precision is
shared between activation and weights (Nagel et al. 2019, arXiv 1906.04721; the exponent of Xiao et al. 2023,
arXiv 2211.10438). Exponents 0.7 and 0.85, percentiles in place of maxima, and clipping were measured; all were worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .layer_chain import Step, Weighted, to_keras

FLOOR = 1e-3
"""Channels below this share of the largest count as this large: a dead channel must not get an infinite factor."""


def channel_maxima(chain: tuple[Step, ...], rgb: np.ndarray, batch: int = 32) -> list[np.ndarray]:
    """For each ReLU of the chain, the largest value of each channel (channels,) over `rgb` (n, size, size, 3) uint8."""
    model = to_keras(chain, rgb.shape[1], softmax=False, maxima=True)
    found: list[np.ndarray] = []
    for at in range(0, len(rgb), batch):
        tops = model.predict_on_batch(rgb[at : at + batch].astype(np.float32))
        tops = [np.asarray(top).max(axis=0) for top in (tops if isinstance(tops, list) else [tops])]
        found = [np.maximum(*pair) for pair in zip(found, tops, strict=True)] if found else tops
    return found


def equalise(chain: tuple[Step, ...], maxima: Sequence[np.ndarray]) -> tuple[Step, ...]:
    """The same network with balanced channels. `maxima` from `channel_maxima` of the same chain."""
    weighted = {i: step for i, step in enumerate(chain) if isinstance(step, Weighted)}
    relus = [i for i, step in weighted.items() if step.relu]
    if len(relus) != len(maxima):
        raise ValueError(f"{len(relus)} maxima are needed, got {len(maxima)}")
    for here, top in zip(relus, maxima, strict=True):
        following = [i for i in weighted if i > here]
        if not following:
            continue
        made, used = weighted[here], weighted[following[0]]
        others = tuple(axis for axis in range(used.kernel.ndim) if axis != used.kernel.ndim - 2)
        reads = np.abs(used.kernel).max(axis=others).reshape(-1, len(top)).max(axis=0)
        factor = np.sqrt(_floored(top.astype(np.float64)) / _floored(reads))
        weighted[here] = replace(made, kernel=made.kernel / factor, bias=made.bias / factor)
        times = used.kernel.shape[-2] // len(top)  # 2 where a channel is read as maximum and as mean
        weighted[following[0]] = replace(used, kernel=used.kernel * np.tile(factor, times)[:, None])
    return tuple(weighted.get(i, step) for i, step in enumerate(chain))


def _floored(values: np.ndarray) -> np.ndarray:
    return np.maximum(values, FLOOR * max(float(values.max()), 1e-12))
