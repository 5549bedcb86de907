"""Linear discriminant analysis with a shrunken covariance (Friedman 1989): a classifier in closed form.

The classes' priors are alike, whatever the training holds. Every feature is brought to the training's mean 0 and
standard deviation 1 first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STILL = 1e-6
"""Standard deviation below which a feature says nothing: a channel that no cell excites."""


@dataclass(frozen=True)
class Discriminant:
    """`classes` (c,) those it knows; a cell x (d,) is of the one whose `weights` (c, d) · x + `offsets` is highest."""

    classes: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray

    def answers(self, x: np.ndarray) -> np.ndarray:
        """(n,) the class of each cell of `x` (n, d)."""
        return self.classes[(x @ self.weights.T + self.offsets).argmax(1)]


def fit(x: np.ndarray, labels: np.ndarray, shrinkage: float) -> Discriminant:
    """From cells `x` (n, d) of classes `labels` (n,) int.

    `shrinkage` in (0, 1]: the share of the covariance within classes that gives way to its mean variance; 1 is the
    nearest mean of a class.
    """
    middle, spread = x.mean(0), x.std(0)
    spread = np.where(spread > STILL, spread, np.inf)
    classes, index = np.unique(labels, return_inverse=True)
    standard = (x - middle) / spread
    members = np.eye(len(classes), dtype=x.dtype)[index]
    means = members.T @ standard / members.sum(0)[:, None]
    weights = _solved(standard - means[index], means, shrinkage)
    offsets = -0.5 * (weights * means).sum(1)
    weights = weights / spread
    return Discriminant(classes, weights, offsets - weights @ middle)


def _solved(within: np.ndarray, means: np.ndarray, shrinkage: float) -> np.ndarray:
    """(c, d): the inverse of the shrunken covariance of `within` (n, d), which is centred, times each of `means`.

    Solved for cells or for features, whichever are fewer (Woodbury's identity).
    """
    n, d = within.shape
    share, even = (1 - shrinkage) / n, shrinkage * max(float((within**2).sum()) / (n * d), STILL)
    if n < d:
        gram = share * (within @ within.T)
        gram[np.diag_indices(n)] += even
        return (means - share * np.linalg.solve(gram, within @ means.T).T @ within) / even
    covariance = share * (within.T @ within)
    covariance[np.diag_indices(d)] += even
    return np.linalg.solve(covariance, means.T).T
