"""By how many points a report would be wrong: what a network's mistakes do to the differential of a healthy person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from leuko_edge.types import CLASSES, LEUKOCYTES

NORMAL = {"neutrophil": 57.0, "lymphocyte": 31.0, "monocyte": 7.0, "eosinophil": 4.0, "basophil": 1.0}
"""Per cent in a healthy adult, the middle of the usual reference ranges."""
ASIDE = len(CLASSES)
"""Column of a confusion matrix for what is shown as unidentified; it stands after the classes."""

_COUNTED = np.array([name in LEUKOCYTES for name in CLASSES])
_SHARES = np.array([NORMAL.get(name, 0.0) for name in CLASSES]) / 100


class Bias(NamedTuple):
    """The class that a normal differential would show most wrongly, and by how many points too many (or few)."""

    label: str
    points: float


def weights_as(labels: np.ndarray, shares: Mapping[str, float]) -> np.ndarray:
    """(n,) of cells with `labels`: each class by its share, 0 without one, whatever its number of cells."""
    counts = np.bincount(labels, minlength=len(CLASSES))
    each = np.array([shares.get(name, 0.0) for name in CLASSES]) / np.maximum(counts, 1)
    return np.asarray(each[labels])


def shown(matrix: np.ndarray) -> np.ndarray:
    """Per cent of each class that a normal differential would show, (…, classes).

    `matrix` (…, classes, classes + 1): row = true class, columns = the answers, the last one unidentified. Classes of a
    normal differential without cells take no part; NaN where none has any.
    """
    found = matrix.astype(float)
    totals = found.sum(-1)
    shares = np.where(totals > 0, _SHARES, 0.0)
    answered = np.einsum("...i,...ij->...j", shares / np.maximum(totals, 1), found[..., : len(CLASSES)])
    answered = np.where(_COUNTED, answered, 0.0)
    whole = answered.sum(-1, keepdims=True)
    return 100 * np.divide(answered, whole, out=np.full_like(answered, np.nan), where=whole > 0)


def errors(matrix: np.ndarray) -> np.ndarray:
    """Points too many of each class, (…, classes), of a matrix as `shown` takes it; 0 for what is not counted."""
    shares = np.where(matrix.sum(-1) > 0, _SHARES, 0.0)
    whole = shares.sum(-1, keepdims=True)
    return shown(matrix) - 100 * np.divide(shares, whole, out=np.full_like(shares, np.nan), where=whole > 0)


def worst(matrix: np.ndarray) -> Bias | None:
    """Of one matrix (classes, classes + 1); None where no cell of a normal differential was counted."""
    apart = errors(matrix)
    if np.isnan(apart).all():
        return None
    at = int(np.nanargmax(np.abs(apart)))
    return Bias(CLASSES[at], float(apart[at]))


def measured(matrix: np.ndarray, samples: np.ndarray) -> dict[str, Any] | None:
    """The worst class's bias, and the 95 % interval of the largest one over the bootstrap's matrices `samples`."""
    found = worst(matrix)
    if found is None:
        return None
    largest = np.nanmax(np.abs(errors(samples)), axis=-1)
    return {
        "class": found.label,
        "points": found.points,
        "largest_ci95": np.nanpercentile(largest, (2.5, 97.5)),
        "shown": dict(zip(CLASSES, shown(matrix).tolist(), strict=True)),
    }
