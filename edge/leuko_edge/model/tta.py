"""A cell seen several ways round: a smear has no up, but a network's answer depends a little on how a cell lies.

    probabilities = combined(network(turned(crops, 4)), 4)

Quarter turns and mirror images move pixels and interpolate none, so they cost runs of the network and nothing else.
"""

from __future__ import annotations

import numpy as np

TURNS = (1, 2, 4, 8)
"""As it is; and half turned; and all quarter turns; and the mirror images of those."""


def turned(crops: np.ndarray, turns: int) -> np.ndarray:
    """(turns × n, size, size, 3) of `crops` (n, size, size, 3): all of them one way round, then the next way."""
    ways = {1: (0,), 2: (0, 2), 4: (0, 1, 2, 3), 8: (0, 1, 2, 3)}[turns]
    views = [np.rot90(crops, quarters, axes=(1, 2)) for quarters in ways]
    if turns == 8:
        views += [view[:, :, ::-1] for view in views]
    return np.concatenate(views)


def combined(probabilities: np.ndarray, turns: int) -> np.ndarray:
    """(n, classes) from those of `turned` crops, (turns × n, classes): the geometric mean, rows summing to 1."""
    if turns == 1:
        return probabilities
    logs = np.log(np.maximum(probabilities, 1e-12)).reshape(turns, -1, probabilities.shape[1])
    means = np.exp(logs.mean(axis=0))
    return means / means.sum(axis=1, keepdims=True)


def mean(values: np.ndarray, turns: int) -> np.ndarray:
    """(n, k) from those of `turned` crops, (turns × n, k): their arithmetic mean."""
    return values.reshape(turns, -1, values.shape[1]).mean(axis=0)
