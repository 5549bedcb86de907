"""All that is said about a network's answers for one set of cells, from its probabilities and the truth.

Two parts: "nine", every cell, and "five", the true members of the five classic leukocytes, for which any of the nine
classes may be answered (and another than theirs is wrong). Balanced accuracy is over the classes that the set has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from leuko_edge.model.classify import calibrate
from leuko_edge.types import CLASSES, EXCLUDED, LEUKOCYTES

from . import classification, differential

FIVE = ("neutrophil", "lymphocyte", "monocyte", "eosinophil", "basophil")
COVERAGES = (1.0, 0.95, 0.9, 0.8)
"""Shares of the cells, the most confident first, of which the accuracy is told."""
SET_ASIDE = 0.1
"""The share least sure whose setting aside the project's target speaks of."""
ENOUGH = 5
"""Cells that a class needs for the second balanced figure: a class of one cell moves the first by its whole weight."""


@dataclass(frozen=True)
class Answers:
    """`raw`: the network's own probabilities (n, classes), untempered; truth (n,) int; sources (n,) of photographs."""

    raw: np.ndarray
    truth: np.ndarray
    sources: np.ndarray
    temperature: float

    @property
    def found(self) -> np.ndarray:
        return calibrate(self.raw, self.temperature)

    def of(self, rows: np.ndarray) -> Answers:
        return Answers(self.raw[rows], self.truth[rows], self.sources[rows], self.temperature)

    def five(self) -> Answers:
        return self.of(np.isin(self.truth, [CLASSES.index(name) for name in FIVE]))

    def resampled(self, seed: int = 0) -> np.ndarray:
        """(rounds, classes, classes): the bootstrap's confusion matrices."""
        return classification.resampled(self.truth, self.raw.argmax(1), self.sources, len(CLASSES), seed=seed)


def measure(answers: Answers, threshold: float) -> dict[str, Any]:
    """The figures of one set; a cell below `threshold`, tempered, is set aside on the device. "five" may lack."""
    result: dict[str, Any] = {"cells": len(answers.truth), "sources": len(np.unique(answers.sources))}
    for name, part in (("nine", answers), ("five", answers.five())):
        if len(part.truth):
            result[name] = _part(part, threshold)
    result["differential"] = normal_differential(answers, threshold)
    sure = answers.found.max(1) >= threshold
    white = np.isin(answers.truth, [CLASSES.index(name) for name in LEUKOCYTES])
    result["rejected"] = float(1 - sure.mean())
    result["rejected_leukocytes"] = float(1 - sure[white].mean()) if white.any() else None
    return result


def normal_differential(answers: Answers, threshold: float) -> dict[str, Any] | None:
    """What `differential.measured` says of these cells, those below `threshold` being set aside; None without any."""
    five, classes = answers.five(), len(CLASSES)
    if not len(five.truth):
        return None
    best, confidence = five.found.argmax(1), five.found.max(1)
    excluded = np.isin(best, [CLASSES.index(name) for name in EXCLUDED])
    shown = np.where((confidence < threshold) & ~excluded, differential.ASIDE, best)
    matrix = classification.confusion(five.truth, shown, classes + 1)[:classes]
    samples = classification.resampled(five.truth, shown, five.sources, classes + 1)[:, :classes]
    return differential.measured(matrix, samples)


def _part(answers: Answers, threshold: float) -> dict[str, Any]:
    found, truth = answers.found, answers.truth
    predicted, confidence = found.argmax(1), found.max(1)
    right = predicted == truth
    matrix = classification.confusion(truth, predicted, len(CLASSES))
    samples = answers.resampled()
    enough = matrix.sum(1) >= ENOUGH
    sure = confidence >= threshold
    kept = {share: classification.accuracy_at(confidence, right, share) for share in COVERAGES}
    return {
        "cells": len(truth),
        "sources": len(np.unique(answers.sources)),
        "balanced_accuracy": classification.balanced_accuracy(matrix),
        "balanced_accuracy_ci95": classification.interval(classification.balanced(samples)),
        "balanced_accuracy_enough": float(classification.balanced(matrix, enough)),
        "balanced_accuracy_enough_ci95": classification.interval(classification.balanced(samples, enough)),
        "classes_too_few": [name for name, total in zip(CLASSES, matrix.sum(1), strict=True) if 0 < total < ENOUGH],
        "accuracy": float(right.mean()),
        "accuracy_ci95": _outer(classification.overall(samples), np.trace(matrix), matrix.sum()),
        "calibration_error_untempered": classification.calibration_error(answers.raw.max(1), right),
        "calibration_error": classification.calibration_error(confidence, right),
        "coverage": [{"coverage": s, "accuracy": a, "confidence_from": least} for s, (a, least) in kept.items()],
        "accuracy_least_sure_aside": classification.accuracy_at(confidence, right, 1 - SET_ASIDE)[0],
        "rejected": float(1 - sure.mean()),
        "accuracy_of_accepted": float(right[sure].mean()) if sure.any() else None,
        "confusion": matrix,
        "per_class": classification.per_class(matrix) | _per_class_intervals(matrix, samples),
    }


def _outer(samples: np.ndarray, hits: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """(…, 2): the wider of the bootstrap's limit and Wilson's, on each side.

    Of a share of 0 or 1 the bootstrap knows no doubt at all (17 of 17 would be 1.000–1.000); Wilson's interval, of
    as many independent cells, is narrower than the truth where one photograph shows many. NaN where nothing counts.
    """
    drawn = classification.interval(samples)
    counted = np.array(
        [classification.wilson(int(h), int(n)) for h, n in zip(np.ravel(hits), np.ravel(totals), strict=True)]
    )
    low, high = counted.reshape(*np.shape(hits), 2).transpose(-1, *range(np.ndim(hits)))
    result = np.stack([np.fmin(drawn[0], low), np.fmax(drawn[1], high)], axis=-1)
    result[np.asarray(totals) == 0] = np.nan
    return result


def _per_class_intervals(matrix: np.ndarray, samples: np.ndarray) -> dict[str, np.ndarray]:
    """(classes, 2) each: 95 % limits of recall and precision."""
    hits, turned = np.diag(matrix), samples.swapaxes(-1, -2)  # with columns as rows, precision is the recall
    return {
        "recall_ci95": _outer(classification.recalls(samples), hits, matrix.sum(1)),
        "precision_ci95": _outer(classification.recalls(turned), hits, matrix.sum(0)),
    }


def mean_balanced(sets: Iterable[Answers]) -> tuple[float, np.ndarray]:
    """Mean of the sets' balanced accuracies and its 95 % interval, each set's photographs drawn by themselves."""
    values, samples = [], []
    for seed, answers in enumerate(sets):
        matrix = classification.confusion(answers.truth, answers.raw.argmax(1), len(CLASSES))
        values.append(classification.balanced_accuracy(matrix))
        samples.append(classification.balanced(answers.resampled(seed)))
    return float(np.mean(values)), classification.interval(np.mean(samples, axis=0))


def mean_points(sets: Iterable[Mapping[str, Any]]) -> float | None:
    """Mean over what `measure` gave of the points by which each one's worst class is off in a normal differential."""
    found = [abs(one["differential"]["points"]) for one in sets if one["differential"] is not None]
    return float(np.mean(found)) if found else None
