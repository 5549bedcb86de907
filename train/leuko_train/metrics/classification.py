"""What the reports state about a classifier, in plain NumPy. Labels are integer arrays of shape (n,)."""

from __future__ import annotations

import math

import numpy as np

from leuko_edge.model.classify import calibrate


def confusion(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """(classes, classes) counts: row = true class, column = predicted class."""
    cells = np.bincount(np.asarray(truth) * classes + np.asarray(predicted), minlength=classes**2)
    return cells.reshape(classes, classes)


def _ratio(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    return np.divide(over, under, out=np.full(np.shape(over), np.nan), where=np.asarray(under) > 0)


def per_class(matrix: np.ndarray) -> dict[str, np.ndarray]:
    """The seed paper's equations 1–4 for each class against the rest, from a confusion matrix.

    accuracy (TP+TN)/all, precision TP/(TP+FP), recall TP/(TP+FN), F1 2PR/(P+R); NaN where a denominator
    is 0. `support` counts the true members.
    """
    hit = np.diag(matrix).astype(float)
    predicted, support = matrix.sum(0).astype(float), matrix.sum(1).astype(float)
    total = np.full_like(hit, matrix.sum())
    return {
        "accuracy": _ratio(total - support - predicted + 2 * hit, total),
        "precision": _ratio(hit, predicted),
        "recall": _ratio(hit, support),
        "f1": _ratio(2 * hit, predicted + support),  # 2PR/(P+R), defined also where P + R = 0
        "support": matrix.sum(1),
    }


def overall(matrix: np.ndarray) -> np.ndarray:
    """Share of all cells on the diagonal, (…) of matrices (…, classes, classes); NaN for an empty one."""
    return _ratio(np.trace(matrix, axis1=-2, axis2=-1).astype(float), matrix.sum((-1, -2)))


def accuracy(matrix: np.ndarray) -> float:
    """Share of all cells on the diagonal; NaN for an empty matrix."""
    return float(overall(matrix))


def recalls(matrix: np.ndarray) -> np.ndarray:
    """Share of each class's members that was found, (…, classes) of matrices (…, classes, classes); NaN without any."""
    return _ratio(np.diagonal(matrix, axis1=-2, axis2=-1).astype(float), matrix.sum(-1))


def balanced(matrix: np.ndarray, among: np.ndarray | None = None) -> np.ndarray:
    """Mean recall, (…) of matrices (…, classes, classes), over the classes that have members.

    `among` (classes,) bool: over these classes only.
    """
    found = recalls(matrix) if among is None else recalls(matrix)[..., among]
    return _ratio(np.nansum(found, -1), (~np.isnan(found)).sum(-1))


def balanced_accuracy(matrix: np.ndarray) -> float:
    """Mean recall over the classes that have true members; NaN where none has."""
    return float(balanced(matrix))


def balanced_by_lab(
    truth: np.ndarray, predicted: np.ndarray, labs: np.ndarray, classes: int, least: int = 1
) -> dict[str, float]:
    """Balanced accuracy of each laboratory over the classes of which it has `least` cells or more; labs (n,) str.

    A laboratory without such a class is left out.
    """
    result = {}
    for lab in np.unique(labs):
        own = labs == lab
        own &= np.isin(truth, np.flatnonzero(np.bincount(truth[own], minlength=classes) >= least))
        if own.any():
            result[str(lab)] = balanced_accuracy(confusion(truth[own], predicted[own], classes))
    return result


def wilson(hits: int, total: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's score interval of a proportion (1927), 95 % by default; (0, 1) where nothing was counted."""
    if total == 0:
        return 0.0, 1.0
    share, spread = hits / total, z**2 / total
    middle = share + spread / 2
    half = z * np.sqrt(share * (1 - share) / total + spread / (4 * total))
    return max(0.0, float((middle - half) / (1 + spread))), min(1.0, float((middle + half) / (1 + spread)))


def resampled(
    truth: np.ndarray, predicted: np.ndarray, sources: np.ndarray, classes: int, rounds: int = 1000, seed: int = 0
) -> np.ndarray:
    """Confusion matrices (rounds, classes, classes) of the bootstrap: whole sources (n,) drawn with replacement.

    Cells of one photograph are alike; drawing them singly would make the intervals too narrow.
    """
    names, index = np.unique(sources, return_inverse=True)
    matrices = np.zeros((len(names), classes, classes), np.int64)
    np.add.at(matrices, (index, truth, predicted), 1)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=rounds)
    return (drawn @ matrices.reshape(len(names), -1)).reshape(rounds, classes, classes)


def interval(samples: np.ndarray) -> np.ndarray:
    """95 % percentile interval (2, …) of bootstrap samples (rounds, …); NaN where a figure never existed."""
    result = np.full((2, *samples.shape[1:]), np.nan)
    known = ~np.isnan(samples).all(0)
    result[:, known] = np.nanpercentile(samples[:, known], (2.5, 97.5), axis=0)
    return result


def negative_log_likelihood(probabilities: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Mean over the cells, each with its weight if given, of -log of the true class's probability."""
    costs = -np.log(np.maximum(probabilities[np.arange(len(truth)), truth], 1e-12))
    return float(np.average(costs, weights=weights))


def fit_temperature(probabilities: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The temperature in 0.2–5 with the least negative log-likelihood (Guo et al. 2017), by golden section."""
    low, high, ratio = np.log(0.2), np.log(5.0), (np.sqrt(5) - 1) / 2

    def cost(logarithm: float) -> float:
        return negative_log_likelihood(calibrate(probabilities, float(np.exp(logarithm))), truth, weights)

    for _ in range(40):
        span = ratio * (high - low)
        if cost(high - span) < cost(low + span):
            high = low + span
        else:
            low = high - span
    return float(np.exp((low + high) / 2))


def reliability(confidence: np.ndarray, correct: np.ndarray, bins: int = 15) -> dict[str, np.ndarray]:
    """Per bin of confidence (equal widths): `count`, mean `confidence`, share `correct`; NaN where empty."""
    index = np.clip((confidence * bins).astype(int), 0, bins - 1)
    count = np.bincount(index, minlength=bins)
    return {
        "count": count,
        "confidence": _ratio(np.bincount(index, confidence, bins), count),
        "correct": _ratio(np.bincount(index, correct, bins), count),
    }


def calibration_error(confidence: np.ndarray, correct: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error: mean gap between confidence and share correct, weighted by the bins' counts."""
    found = reliability(confidence, correct, bins)
    gap = np.abs(np.nan_to_num(found["confidence"]) - np.nan_to_num(found["correct"]))
    return float((gap * found["count"]).sum() / max(1, len(confidence)))


def accuracy_at(confidence: np.ndarray, correct: np.ndarray, coverage: float) -> tuple[float, float]:
    """(share correct, lowest confidence) of the `coverage` share of cells that is the most confident.

    Rounded up to whole cells; NaN of no cells.
    """
    kept = min(len(correct), math.ceil(coverage * len(correct) - 1e-9))
    if not kept:
        return float("nan"), float("nan")
    order = np.argsort(-confidence, kind="stable")[:kept]
    return float(correct[order].mean()), float(confidence[order[-1]])


def risk_coverage(confidence: np.ndarray, correct: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(coverage, risk, threshold), each (n,): accepting the k most confident cells, the share that is wrong."""
    order = np.argsort(-confidence, kind="stable")
    accepted = np.arange(1, len(order) + 1)
    return accepted / len(order), np.cumsum(~correct[order].astype(bool)) / accepted, confidence[order]
