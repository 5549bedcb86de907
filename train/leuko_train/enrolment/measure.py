"""What a laboratory that trained nothing gains from a few named cells, drawn again and again from its smears."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leuko_edge.model import enrolment
from leuko_edge.model.site import applied
from leuko_edge.types import CLASSES, EXCLUDED, LEUKOCYTES

from ..metrics import classification
from ..metrics.answers import ENOUGH, FIVE, Answers

FIGURES = ("balanced_accuracy", "ece", "normal_bias", "unidentified", "abnormal_recall")
NAMED = tuple(CLASSES.index(name) for name in FIVE)
ABNORMAL = tuple(i for i, name in enumerate(CLASSES) if name in LEUKOCYTES and name not in FIVE)
_OUT = np.array([name in EXCLUDED for name in CLASSES])


@dataclass(frozen=True)
class Draw:
    """One way to part a laboratory: `pool`, rows to teach with in drawn order; `tested`, rows of other sources."""

    pool: np.ndarray
    tested: np.ndarray

    def cells(self, labels: np.ndarray, classes: Sequence[int], number: int) -> np.ndarray:
        """The first `number` rows of each class in the pool, fewer where it has fewer; more contain fewer."""
        return np.concatenate([self.pool[labels[self.pool] == c][:number] for c in classes])


def draw(sources: np.ndarray, rng: np.random.Generator) -> Draw:
    """A random half of the sources (smears, patients, photographs) teaches, the other half is tested."""
    order = rng.permutation(np.unique(sources))
    teaching = np.isin(sources, order[: len(order) // 2])
    return Draw(rng.permutation(np.flatnonzero(teaching)), np.flatnonzero(~teaching))


def taught(found: np.ndarray, labels: np.ndarray, rows: np.ndarray, seed: int) -> enrolment.Learnt | None:
    """What `leuko-edge enrol` would write from these cells, a picture each; None where it writes nothing."""
    if (np.bincount(labels[rows], minlength=len(CLASSES)) >= enrolment.FEWEST).sum() < 2:
        return None
    learnt = enrolment.learn(found[rows], labels[rows], CLASSES, np.arange(len(rows)), seed)
    return learnt if learnt.better else None


def figures(found: np.ndarray, labels: np.ndarray, threshold: float) -> dict[str, float]:
    """Of (n, classes) answers: `FIGURES`, as shares but the bias in points; over the five classes' cells.

    Balanced accuracy is over the classes of ENOUGH cells or more; `abnormal_recall` is the share of the laboratory's
    abnormal leukocytes that are called some abnormal leukocyte, NaN where it has none.
    """
    best, sure = found.argmax(1), found.max(1)
    five = np.isin(labels, [c for c in NAMED if (labels == c).sum() >= ENOUGH])
    matrix = classification.confusion(labels[five], best[five], len(CLASSES))
    bias, _ = enrolment.normal_bias(best[None, five], labels[five], CLASSES)
    abnormal = np.isin(labels, ABNORMAL)
    return {
        "balanced_accuracy": classification.balanced_accuracy(matrix),
        "ece": classification.calibration_error(sure[five], best[five] == labels[five]),
        "normal_bias": abs(bias),
        "unidentified": float(((sure < threshold) & ~_OUT[best])[five].mean()),
        "abnormal_recall": float(np.isin(best[abnormal], ABNORMAL).mean()) if abnormal.any() else float("nan"),
    }


def measured(
    answers: Answers, threshold: float, classes: Sequence[int], numbers: Sequence[int], draws: int, seed: int
) -> list[dict[str, Any]]:
    """One entry for each of `numbers` of cells of each of `classes`: mean and 2.5–97.5 % of `FIGURES` over the draws.

    `cells`: how many were named on average, `learnt`: in which share of the draws `enrol` wrote a site.
    """
    found, labels = np.asarray(answers.found, np.float64), answers.truth
    rows: dict[int, list[dict[str, float]]] = {number: [] for number in numbers}
    for turn in range(draws):
        parted = draw(answers.sources, np.random.default_rng((seed, turn)))
        for number in numbers:
            cells = parted.cells(labels, classes, number)
            learnt = taught(found, labels, cells, seed) if number else None
            given = found[parted.tested]
            if learnt is not None:
                given = applied(given, list(learnt.classes), learnt.weights, learnt.bias)
            entry = figures(given, labels[parted.tested], threshold)
            rows[number].append({**entry, "cells": len(cells), "learnt": learnt is not None})
    return [{"number": number, **_summary(entries)} for number, entries in rows.items()]


def _summary(entries: Sequence[dict[str, float]]) -> dict[str, Any]:
    values = {key: np.array([entry[key] for entry in entries], float) for key in (*FIGURES, "cells", "learnt")}
    means: dict[str, Any] = {key: float(value.mean()) for key, value in values.items()}
    return {**means, "between": {key: np.percentile(values[key], [2.5, 97.5]) for key in FIGURES}}
