"""A cell seen several ways round: a smear has no up, but a network's answer depends a little on how a cell lies.

    probabilities = combined(network(turned(crops, 4)), 4)

Quarter turns and mirror images move pixels and interpolate none, so they cost runs of the network and nothing else.
Most cells need one: where the first answer is certain enough (`early_exit` of the model's card), it stands.
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


def certain(first: np.ndarray, early_exit: float | None) -> np.ndarray:
    """(n,) bool: whether the network's own `first` probabilities (n, classes) need no other way round. None: never."""
    return np.zeros(len(first), bool) if early_exit is None else first.max(axis=1) >= early_exit


def combined(probabilities: np.ndarray, turns: int, early_exit: float | None = None) -> np.ndarray:
    """(n, classes) from those of `turned` crops, (turns × n, classes): the geometric mean, rows summing to 1.

    A cell whose first answer was `certain` keeps that.
    """
    if turns == 1:
        return probabilities
    every = probabilities.reshape(turns, -1, probabilities.shape[1])
    means = np.exp(np.log(np.maximum(every, 1e-12)).mean(axis=0))
    means /= means.sum(axis=1, keepdims=True)
    return np.where(certain(every[0], early_exit)[:, None], every[0], means)


def mean(values: np.ndarray, turns: int, done: np.ndarray | None = None) -> np.ndarray:
    """(n, k) from those of `turned` crops, (turns × n, k): their arithmetic mean; the first of cells `done` (n,)."""
    every = values.reshape(turns, -1, values.shape[1])
    means = every.mean(axis=0)
    return means if done is None else np.where(done[:, None], every[0], means)
