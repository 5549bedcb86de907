"""How far a cell is from what a network was taught: Mahalanobis' distance among its features, ready for the device.

From the features of training cells: their k principal directions, whitened by the spread within the classes, and the
classes' centres there (Lee et al. 2018, arXiv 1807.03888, one covariance for all classes). The device then needs one
small dense layer and the distance to the nearest centre.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leuko_edge.errors import UsageError
from leuko_edge.model.novelty import distances

FILE = "doubt.npz"
DIRECTIONS = 96
"""Of the slim network's 192. With 8, 24, 48, 96 and 192 the distance put 29, 32, 37, 42 and 47 % of strange pictures
(cells inverted, in other colours, too dark, twice as large, noise) beyond 95 % of the known cells, where the confidence
put 19 %; wrong answers of known laboratories are told a little less well by more of them."""
SHRINK = 0.05
"""Share of the mean variance put into every direction: many features are zero for nearly all cells. The figures above
are with 0.1; less of it tells more, and asks more of the int8 model's precision."""


@dataclass(frozen=True)
class Doubt:
    """features (n, d) @ kernel (d, k) + bias (k,) are compared with centres (m, k), one of each class taught."""

    kernel: np.ndarray
    bias: np.ndarray
    centres: np.ndarray

    def project(self, features: np.ndarray) -> np.ndarray:
        return features.astype(np.float64) @ self.kernel + self.bias

    def distance(self, features: np.ndarray) -> np.ndarray:
        """(n,) of features (n, d)."""
        return distances(self.project(features), self.centres)

    def in_units_of(self, length: float) -> Doubt:
        """The same where this distance is 1."""
        return Doubt(self.kernel / length, self.bias / length, self.centres / length)

    def save(self, run: Path) -> None:
        np.savez(run / FILE, kernel=self.kernel, bias=self.bias, centres=self.centres)


def load(run: Path) -> Doubt | None:
    """What `leuko-train calibrate` left in a run's folder, None where it has not.

    UsageError where the file is damaged.
    """
    path = run / FILE
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            found = Doubt(stored["kernel"], stored["bias"], stored["centres"])
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UsageError(f"{path} cannot be read ({error})", "run leuko-train calibrate again.") from None
    k = len(found.bias)
    if found.kernel.shape[1:] != (k,) or found.centres.shape[1:] != (k,):
        raise UsageError(f"{path} holds arrays that do not fit together", "run leuko-train calibrate again.")
    return found


def fit(features: np.ndarray, labels: np.ndarray, directions: int = DIRECTIONS) -> Doubt:
    """Of training cells: features (n, d), labels (n,) int. Fewer directions where the features have no more."""
    values = features.astype(np.float64)
    classes, index = np.unique(labels, return_inverse=True)
    middles = np.stack([values[index == i].mean(axis=0) for i in range(len(classes))])
    middle = middles.mean(axis=0)
    within = (values - middles[index]).T @ (values - middles[index]) / len(values)
    between = (middles - middle).T @ (middles - middle) / len(classes)
    variances, axes = np.linalg.eigh(within + between)  # rising
    count = min(directions, int((variances > 1e-6 * variances[-1]).sum()))
    axes = axes[:, ::-1][:, :count]
    spread = axes.T @ within @ axes
    spread = (1 - SHRINK) * spread + SHRINK * np.trace(spread) / count * np.eye(count)
    sizes, turn = np.linalg.eigh(spread)
    kernel = axes @ turn / np.sqrt(sizes)
    return Doubt(kernel, -middle @ kernel, (middles - middle) @ kernel)
