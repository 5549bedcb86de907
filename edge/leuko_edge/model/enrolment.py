"""Learning one laboratory from a handful of named cells: a regularised multinomial regression on log-probabilities.

Weights are drawn towards the identity and biases towards nothing, so that few cells move the network little. How
strongly, is chosen by cross-validation, and so is whether to learn at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..types import LEUKOCYTES
from .site import LEAST, applied

FEWEST = 3  # cells of a class; of fewer nothing is learnt
FOLDS = 5
REPEATS = 4
STEPS = 30  # Newton's, at most; the loss is convex and small
PARTS = tuple(2.0**-i for i in range(11))  # of a step, the first that lessens the loss: a whole one may leap too far
CLOSE = 1e-9  # a loss lessened by no more is the least
PENALTIES = ((1e6, 3.0), (1e6, 1.0), (1e6, 0.3), (30.0, 0.3), (10.0, 0.3))
"""(of the weights, of the biases), strongest first: 1e6 learns a bias for each class and no more.

What they give on laboratories left out: `leuko-train enrolment`, train/ENROLMENT.md."""
NORMAL = {"neutrophil": 57, "lymphocyte": 31, "monocyte": 7, "eosinophil": 4, "basophil": 1}
"""Per cent of a healthy person."""
DRAWS = 200


@dataclass(frozen=True)
class Learnt:
    """`classes` are indices of the card's; `before` and `after` are cross-validated measures of `measured`."""

    classes: tuple[int, ...]
    weights: np.ndarray  # (k, k)
    bias: np.ndarray  # (k,)
    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def better(self) -> bool:
        """Whether it may be used: never where the named cells say that it makes the site worse."""
        return bool(self.after["balanced_accuracy"] >= self.before["balanced_accuracy"] and self.after["gain"] > 0)


def learn(
    probabilities: np.ndarray, labels: np.ndarray, names: Sequence[str], groups: np.ndarray, seed: int = 0
) -> Learnt:
    """From (n, classes) calibrated probabilities and (n,) true indices; `names` of the classes, in order.

    `groups` (n,): cells of one group (a picture, a session) are never on both sides of a fold. Classes with fewer than
    FEWEST cells are left as they are. ValueError where fewer than two classes have enough.
    """
    counts = np.bincount(labels, minlength=len(names))
    classes = tuple(int(i) for i in np.flatnonzero(counts >= FEWEST))
    if len(classes) < 2:
        raise ValueError("fewer than two classes have cells enough")
    own = np.isin(labels, classes)
    probabilities, labels, groups = probabilities[own], labels[own], groups[own]
    tried = [crossed(probabilities, labels, groups, classes, penalty, seed) for penalty in PENALTIES]
    losses = [_loss(found, labels) for found in tried]
    best = int(np.argmin(losses))
    plain = np.repeat(probabilities[None], len(tried[0]), axis=0)
    weights, bias = fitted(probabilities, labels, classes, PENALTIES[best])
    before, after = measured(plain, labels, names, seed), measured(tried[best], labels, names, seed)
    after["gain"] = _loss(plain, labels) - losses[best]
    return Learnt(classes, weights, bias, before, after)


def fitted(
    probabilities: np.ndarray, labels: np.ndarray, classes: Sequence[int], penalty: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (k, k) and bias (k,) by Newton's method; each class weighs the same, however many cells it has."""
    k = len(classes)
    logs = np.log(np.maximum(probabilities[:, list(classes)], LEAST))
    inputs = np.hstack([logs, np.ones((len(logs), 1))])
    truth = np.eye(k)[np.searchsorted(classes, labels)]
    weigh = (len(labels) / k / truth.sum(axis=0))[truth.argmax(axis=1)]
    start = np.hstack([np.eye(k), np.zeros((k, 1))])
    ridge = np.hstack([np.full((k, k), penalty[0]), np.full((k, 1), penalty[1])])
    squares = (inputs[:, :, None] * inputs[:, None, :]).reshape(len(inputs), -1)

    def state(tried: np.ndarray) -> tuple[float, np.ndarray]:
        """The penalised loss and (n, k) log-probabilities."""
        scores = inputs @ tried.T
        scores = scores - scores.max(axis=1, keepdims=True)
        scores = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return float((ridge * (tried - start) ** 2).sum() / 2 - (weigh * (scores * truth).sum(axis=1)).sum()), scores

    found = start
    loss, scores = state(found)
    for _ in range(STEPS):
        p = np.exp(scores)
        slope = ((p - truth) * weigh[:, None]).T @ inputs + ridge * (found - start)
        shares = weigh[:, None, None] * p[:, :, None] * (np.eye(k) - p[:, None, :])
        curve = (shares.reshape(len(p), -1).T @ squares).reshape(k, k, k + 1, k + 1)  # class, class, input, input
        whole = curve.transpose(0, 2, 1, 3).reshape(k * (k + 1), -1) + np.diag(ridge.ravel())
        step = np.linalg.solve(whole, slope.ravel()).reshape(k, k + 1)
        tried = ((found - step * part, *state(found - step * part)) for part in PARTS)
        better = next((one for one in tried if one[1] < loss - CLOSE), None)
        if better is None:
            break
        found, loss, scores = better
    return found[:, :k], found[:, k] - found[:, k].mean()


def crossed(
    probabilities: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    classes: Sequence[int],
    penalty: tuple[float, float],
    seed: int,
) -> np.ndarray:
    """(REPEATS, n, classes): what each cell is given by a fit that saw no cell of its group."""
    results = []
    for repeat in range(REPEATS):
        folds = _folds(labels, groups, np.random.default_rng((seed, repeat)))
        found = probabilities.copy()
        for fold in range(FOLDS):
            held = folds == fold
            rest = ~held & np.isin(labels, classes)
            present = tuple(int(c) for c in classes if (labels[rest] == c).any())
            if not held.any() or len(present) < 2:
                continue
            weights, bias = fitted(probabilities[rest], labels[rest], present, penalty)
            found[held] = applied(probabilities[held], list(present), weights, bias)
        results.append(found)
    return np.stack(results)


def _folds(labels: np.ndarray, groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n,) fold of each cell: groups whole, each class spread over the folds as far as its groups allow."""
    fold = np.zeros(len(labels), int)
    filled = np.zeros((FOLDS, labels.max() + 1))
    unique = rng.permutation(np.unique(groups))
    for group in unique:
        own = groups == group
        kinds = np.bincount(labels[own], minlength=filled.shape[1])
        load = filled @ (kinds > 0) + 1e-3 * filled.sum(axis=1)
        chosen = int(rng.choice(np.flatnonzero(load == load.min())))
        fold[own] = chosen
        filled[chosen] += kinds
    return fold


def _loss(found: np.ndarray, labels: np.ndarray) -> float:
    """Mean over classes of the negative log-likelihood, over (r, n, classes)."""
    given = -np.log(np.maximum(found[:, np.arange(len(labels)), labels], LEAST)).mean(axis=0)
    return float(np.mean([given[labels == c].mean() for c in np.unique(labels)]))


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


def normal_bias(best: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> tuple[float, str]:
    """(points, class) of the largest shift in a differential of NORMAL's proportions, answers (r, n) of cells (n,)."""
    usual = {
        names.index(name): share
        for name, share in NORMAL.items()
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
