"""How well named cells are told, before and after enrolment: the figures that a site keeps as its own proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..types import LEUKOCYTES

NORMAL = {"neutrophil": 57, "lymphocyte": 31, "monocyte": 7, "eosinophil": 4, "basophil": 1}
"""Per cent of a healthy person."""
DRAWS = 200


def measured(found: np.ndarray, labels: np.ndarray, names: Sequence[str], seed: int = 0) -> dict[str, Any]:
    """Balanced accuracy, recall of each class, calibration and the bias of a normal differential, of (r, n, classes).

    95 % limits by bootstrap over the cells, DRAWS draws within each class. `normal_bias` is by how many points the
    class that is farthest off would be wrong in a healthy person's differential, of the classes that were named.
    """
    best, sure = found.argmax(axis=2), found.max(axis=2)
    hit = (best == labels).mean(axis=0)
    present = np.unique(labels)
    recalls = {names[c]: float(hit[labels == c].mean()) for c in present}
    rng = np.random.default_rng(seed)
    draws = [
        [hit[rng.choice(np.flatnonzero(labels == c), (labels == c).sum())].mean() for c in present]
        for _ in range(DRAWS)
    ]
    low, high = np.percentile(np.mean(draws, axis=1), [2.5, 97.5])
    bias, worst = normal_bias(best, labels, names)
    return {
        "balanced_accuracy": float(np.mean(list(recalls.values()))),
        "balanced_accuracy_95": [float(low), float(high)],
        "recall": recalls,
        "ece": _ece(sure.ravel(), (best == labels).ravel()),
        "normal_bias": bias,
        "normal_bias_class": worst,
    }


def normal_bias(
    best: np.ndarray, labels: np.ndarray, names: Sequence[str], shares: Mapping[str, float] = NORMAL
) -> tuple[float, str]:
    """(points, class) of the largest shift in a differential of `shares` per cent, answers (r, n) of cells (n,)."""
    usual = {
        names.index(name): share
        for name, share in shares.items()
        if name in names and (labels == names.index(name)).any()
    }
    whole = sum(usual.values()) or 1
    given = np.zeros(len(names))
    for c, share in usual.items():
        answers = best[:, labels == c].ravel()
        given += 100 * share / whole * np.bincount(answers, minlength=len(names)) / len(answers)
    counted = [i for i, name in enumerate(names) if name in LEUKOCYTES]
    total = given[counted].sum() or 1
    shifts = {i: 100 * given[i] / total - 100 * usual.get(i, 0) / whole for i in counted}
    worst = max(shifts, key=lambda i: abs(shifts[i]))
    return float(shifts[worst]), names[worst]


def _ece(sure: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error (Guo et al. 2017) in per cent."""
    place = np.minimum((sure * bins).astype(int), bins - 1)
    parts = [abs(sure[place == b].sum() - right[place == b].sum()) for b in range(bins)]
    return float(100 * np.sum(parts) / len(sure))
