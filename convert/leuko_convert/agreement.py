"""The quantized model against the float one on the same cells, in plain NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from leuko_edge.types import CLASSES, LEUKOCYTES, UNIDENTIFIED, Prediction
from leuko_train.metrics import classification, differential

from .intervals import Photographs


@dataclass(frozen=True)
class Side:
    """What one model says. `best` (n,) is its likeliest class, whether or not it is shown as unidentified."""

    best: np.ndarray
    confidence: np.ndarray  # (n,) calibrated
    shown: tuple[str, ...]  # labels as the device shows them
    matrix: np.ndarray  # (classes, classes), row = truth

    @property
    def accuracy(self) -> float:
        return classification.accuracy(self.matrix)

    @property
    def balanced(self) -> float:
        """Mean recall over the classes that have cells."""
        return classification.balanced_accuracy(self.matrix)

    @property
    def unidentified(self) -> float:
        return self.shown.count(UNIDENTIFIED) / len(self.shown)


@dataclass(frozen=True)
class Comparison:
    """`truth` (n,) are indices into `classes`; `reference` is the float model, `quantized` the other.

    `sources` (n,) is the photograph that each cell is from.
    """

    classes: tuple[str, ...]
    truth: np.ndarray
    reference: Side
    quantized: Side
    sources: np.ndarray

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

    @cached_property
    def photographs(self) -> Photographs:
        return Photographs(self.sources)

    @cached_property
    def agreement(self) -> dict[str, Any]:
        return self._share(np.ones(self.cells, bool))

    @property
    def shown_agreement(self) -> float:
        """The same with "unidentified" as one more label, as a user sees it."""
        return float(np.mean([a == b for a, b in zip(self.reference.shown, self.quantized.shown, strict=True)]))

    @cached_property
    def by_class(self) -> dict[str, dict[str, Any]]:
        """Agreement on the cells that the float model gives each class, and the bias of the differential.

        The bias is the class's per cent of leukocytes by the quantized model less that by the float model, both as
        the device shows them, so without the unidentified; None for classes outside the denominator.
        """
        counted = [label for label in self.classes if label in LEUKOCYTES]
        before, after = (
            np.array([[label == name for name in counted] for label in side.shown])
            for side in (self.reference, self.quantized)
        )
        shares = [100 * side.sum(axis=0) / max(1, int(side.sum())) for side in (before, after)]
        bias = dict(zip(counted, shares[1] - shares[0], strict=True))
        bounds = dict(zip(counted, self.photographs.shifts(before, after).tolist(), strict=True))
        return {
            label: self._share(self.reference.best == index)
            | {
                "bias_points": float(bias[label]) if label in bias else None,
                "bias_ci95": bounds.get(label),
            }
            for index, label in enumerate(self.classes)
        }

    @property
    def largest_shift(self) -> dict[str, Any]:
        """The class whose share of the differential moves most, by how many points, and the interval."""
        rows = {label: row for label, row in self.by_class.items() if row["bias_points"] is not None}
        label = max(rows, key=lambda name: abs(rows[name]["bias_points"]))
        return {"class": label, "points": rows[label]["bias_points"], "ci95": rows[label]["bias_ci95"]}

    @cached_property
    def normal_differential(self) -> dict[str, Any] | None:
        """What the quantized model's answers, as shown, would do to a normal differential: see `differential.measured`.

        None where no cell of a normal differential is among them.
        """
        truth = np.array([CLASSES.index(self.classes[i]) for i in self.truth])
        normal = np.isin(truth, [CLASSES.index(name) for name in differential.NORMAL])
        if not normal.any():
            return None
        answers = [differential.ASIDE if n == UNIDENTIFIED else CLASSES.index(n) for n in self.quantized.shown]
        told, count = (truth[normal], np.array(answers)[normal]), len(CLASSES)
        matrix = classification.confusion(*told, count + 1)[:count]
        samples = classification.resampled(*told, self.sources[normal], count + 1)[:, :count]
        found = differential.measured(matrix, samples)
        return None if found is None else found | {"largest_ci95": [float(v) for v in found["largest_ci95"]]}

    def _share(self, among: np.ndarray) -> dict[str, Any]:
        agreed, total = int((self.agreed & among).sum()), int(among.sum())
        return {
            "cells": total,
            "agreed": agreed,
            "share": agreed / total if total else None,
            "ci95": list(self.photographs.share(self.agreed, among)),
        }

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
    sources: np.ndarray | None = None,
) -> Comparison:
    """Predictions of both models for the same cells, in the same order. ValueError without cells.

    `sources` (n,) None takes each cell as a photograph of its own.
    """
    if not len(truth) == len(reference) == len(quantized) > 0:
        raise ValueError(f"as many predictions as cells: {len(truth)}, {len(reference)}, {len(quantized)}")
    one, other = (_side(predictions, truth, len(classes)) for predictions in (reference, quantized))
    return Comparison(classes, truth, one, other, np.arange(len(truth)) if sources is None else sources)


def _side(predictions: Sequence[Prediction], truth: np.ndarray, classes: int) -> Side:
    best = np.array([p.probabilities for p in predictions]).argmax(axis=1)
    return Side(
        best=best,
        confidence=np.array([p.confidence for p in predictions]),
        shown=tuple(p.label for p in predictions),
        matrix=classification.confusion(truth, best, classes),
    )
