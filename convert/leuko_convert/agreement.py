"""The quantized model against the float one on the same cells, in plain NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leuko_edge.tally import clopper_pearson
from leuko_edge.types import LEUKOCYTES, UNIDENTIFIED, Prediction
from leuko_train import metrics


@dataclass(frozen=True)
class Side:
    """What one model says. `best` (n,) is its likeliest class, whether or not it is shown as unidentified."""

    best: np.ndarray
    confidence: np.ndarray  # (n,) calibrated
    shown: tuple[str, ...]  # labels as the device shows them
    matrix: np.ndarray  # (classes, classes), row = truth

    @property
    def accuracy(self) -> float:
        return metrics.accuracy(self.matrix)

    @property
    def balanced(self) -> float:
        """Mean recall over the classes that have cells."""
        return metrics.balanced_accuracy(self.matrix)

    @property
    def unidentified(self) -> float:
        return self.shown.count(UNIDENTIFIED) / len(self.shown)


@dataclass(frozen=True)
class Comparison:
    """`truth` (n,) are indices into `classes`; `reference` is the float model, `quantized` the other."""

    classes: tuple[str, ...]
    truth: np.ndarray
    reference: Side
    quantized: Side

    @property
    def cells(self) -> int:
        return len(self.truth)

    @property
    def loss_points(self) -> float:
        """How much worse the quantized model is, in per cent: the larger of accuracy and balanced accuracy."""
        return 100 * max(
            self.reference.accuracy - self.quantized.accuracy, self.reference.balanced - self.quantized.balanced
        )

    @property
    def agreed(self) -> np.ndarray:
        """(n,) bool: both name the same class."""
        return self.reference.best == self.quantized.best

    @property
    def agreement(self) -> dict[str, Any]:
        return _share(int(self.agreed.sum()), self.cells)

    @property
    def shown_agreement(self) -> float:
        """The same with "unidentified" as one more label, as a user sees it."""
        return float(np.mean([a == b for a, b in zip(self.reference.shown, self.quantized.shown, strict=True)]))

    def by_class(self) -> dict[str, dict[str, Any]]:
        """Agreement on the cells that the float model gives each class, and the bias of the differential.

        The bias is the class's per cent of leukocytes by the quantized model less that by the float model; None
        for classes outside the denominator.
        """
        before, after = self._differential(self.reference.best), self._differential(self.quantized.best)
        found = {}
        for index, label in enumerate(self.classes):
            mine = self.reference.best == index
            bias = after[label] - before[label] if label in before and label in after else None
            found[label] = _share(int(self.agreed[mine].sum()), int(mine.sum())) | {"bias_points": bias}
        return found

    def _differential(self, best: np.ndarray) -> dict[str, float]:
        counts = {name: int((best == i).sum()) for i, name in enumerate(self.classes) if name in LEUKOCYTES}
        total = sum(counts.values())
        return {name: 100 * count / total for name, count in counts.items()} if total else {}

    def worst(self, names: Sequence[str], count: int = 10) -> list[dict[str, Any]]:
        """The disagreements of which both models were surest, surest first."""
        sure = np.minimum(self.reference.confidence, self.quantized.confidence)
        apart = np.flatnonzero(~self.agreed)
        return [
            {
                "file": names[i],
                "truth": self.classes[self.truth[i]],
                "float": self.classes[self.reference.best[i]],
                "float_confidence": float(self.reference.confidence[i]),
                "quantized": self.classes[self.quantized.best[i]],
                "quantized_confidence": float(self.quantized.confidence[i]),
            }
            for i in apart[np.argsort(-sure[apart], kind="stable")][:count]
        ]


def compare(
    classes: tuple[str, ...],
    truth: np.ndarray,
    reference: Sequence[Prediction],
    quantized: Sequence[Prediction],
) -> Comparison:
    """Predictions of both models for the same cells, in the same order. ValueError without cells."""
    if not len(truth) == len(reference) == len(quantized) > 0:
        raise ValueError(f"as many predictions as cells: {len(truth)}, {len(reference)}, {len(quantized)}")
    return Comparison(classes, truth, _side(reference, truth, len(classes)), _side(quantized, truth, len(classes)))


def _side(predictions: Sequence[Prediction], truth: np.ndarray, classes: int) -> Side:
    best = np.array([p.probabilities for p in predictions]).argmax(axis=1)
    return Side(
        best=best,
        confidence=np.array([p.confidence for p in predictions]),
        shown=tuple(p.label for p in predictions),
        matrix=metrics.confusion(truth, best, classes),
    )


def _share(count: int, total: int) -> dict[str, Any]:
    low, high = clopper_pearson(count, total)
    return {"cells": total, "agreed": count, "share": count / total if total else None, "ci95": [low, high]}
