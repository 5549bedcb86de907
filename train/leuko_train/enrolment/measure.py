"""What a laboratory that trained nothing gains from a few named cells, drawn again and again from its smears."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leuko_edge.model import enrolment, proof
from leuko_edge.model.novelty import distances
from leuko_edge.session import FEWEST
from leuko_edge.types import ABNORMAL as TOLD
from leuko_edge.types import CLASSES, LEUKOCYTES

from ..calibration.thresholds import Judged, Limits
from ..metrics import classification
from ..metrics.answers import ENOUGH, FIVE
from .left_out import LeftOut

FIGURES = (
    "balanced_accuracy",
    "ece",
    "normal_bias",
    "unidentified",
    "false_abnormal",
    "abnormal_recall",
    "blasts_told",
)
NAMED = tuple(CLASSES.index(name) for name in FIVE)
ABNORMAL = tuple(i for i, name in enumerate(CLASSES) if name in LEUKOCYTES and name not in FIVE)
_TOLD = [CLASSES.index(name) for name in TOLD]
LIMITS = ("confidence_threshold", "distance_threshold", "abnormal_threshold")


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


def taught(lab: LeftOut, rows: np.ndarray, named: np.ndarray, seed: int) -> enrolment.Learnt | None:
    """What `leuko-edge enrol` would write from these cells under their names, smears and patients told apart.

    None where it writes nothing.
    """
    if (np.bincount(named, minlength=len(CLASSES)) >= FEWEST).sum() < 2:
        return None
    groups = np.unique(lab.sources[rows], return_inverse=True)[1]
    learnt = enrolment.learn(lab.found[rows], lab.features[rows], named, groups, lab.card, seed)
    return learnt if learnt.better else None


def misnamed(labels: np.ndarray, classes: Sequence[int], share: float, rng: np.random.Generator) -> np.ndarray:
    """(n,) `labels`, but for a share of them that is another of `classes`."""
    result = labels.copy()
    for row in rng.choice(len(labels), round(share * len(labels)), replace=False):
        result[row] = rng.choice([c for c in classes if c != labels[row]])
    return result


def distance_of(lab: LeftOut) -> np.ndarray:
    """(n,) of each cell to the nearest of the card's centres."""
    return distances(lab.features, np.array(lab.card.centres))


def figures(
    found: np.ndarray,
    distance: np.ndarray,
    labels: np.ndarray,
    limits: Limits,
    patient: Mapping[str, float] = proof.NORMAL,
) -> dict[str, float]:
    """Of (n, classes) answers: `FIGURES`, as shares but the bias in points; NaN of cells that there are none of.

    Of the five classes' cells (those of ENOUGH or more): balanced accuracy, calibration, a normal differential's bias,
    the share set aside by any limit of doubt, and the share called an abnormal leukocyte; `patient_bias` is the bias of
    a differential of the `patient`'s per cent. Of the abnormal leukocytes: `abnormal_recall`, the share called some
    abnormal one; `blasts_told`, of blasts and variant lymphocytes the share called either or set aside.
    """
    best = found.argmax(1)
    judged = Judged(labels, best, found.max(1), distance, np.ones(len(labels), bool), found[:, _TOLD].sum(1))
    aside = limits.aside(judged)
    five = np.isin(labels, [c for c in NAMED if (labels == c).sum() >= ENOUGH])
    matrix = classification.confusion(labels[five], best[five], len(CLASSES))
    bias, _ = proof.normal_bias(best[None, five], labels[five], CLASSES)
    abnormal, blasts = np.isin(labels, ABNORMAL), np.isin(labels, _TOLD)
    return {
        "balanced_accuracy": classification.balanced_accuracy(matrix),
        "ece": classification.calibration_error(judged.confidence[five], best[five] == labels[five]),
        "normal_bias": abs(bias),
        "patient_bias": abs(proof.normal_bias(best[None, five], labels[five], CLASSES, patient)[0]),
        "unidentified": float(aside[five].mean()),
        "false_abnormal": float(np.isin(best, ABNORMAL)[five].mean()),
        "abnormal_recall": float(np.isin(best[abnormal], ABNORMAL).mean()) if abnormal.any() else float("nan"),
        "blasts_told": float((np.isin(best, _TOLD) | aside)[blasts].mean()) if blasts.any() else float("nan"),
    }


def measured(
    lab: LeftOut, classes: Sequence[int], numbers: Sequence[int], draws: int, seed: int, wrong: float = 0.0
) -> list[dict[str, Any]]:
    """One entry for each of `numbers` of cells of each of `classes`: mean and 2.5–97.5 % of `FIGURES` over the draws.

    `cells`: how many were named on average, `learnt`: in which share of the draws `enrol` wrote a site; `wrong`: the
    share of names that are another class's on purpose.
    """
    labels, distance = lab.labels, distance_of(lab)
    shipped = Limits(*(getattr(lab.card, name) for name in LIMITS))
    rows: dict[int, list[dict[str, float]]] = {number: [] for number in numbers}
    for turn in range(draws):
        rng = np.random.default_rng((seed, turn))
        parted = draw(lab.sources, rng)
        tested = parted.tested
        for number in numbers:
            cells = parted.cells(labels, classes, number)
            named = misnamed(labels[cells], classes, wrong, rng)
            learnt = taught(lab, cells, named, seed) if number else None
            given, limits = lab.found[tested], shipped
            if learnt is not None:
                given = learnt.head.applied(given, lab.features[tested])
                limits = Limits(*(getattr(learnt.limits, name) for name in LIMITS))
            entry = figures(given, distance[tested], labels[tested], limits)
            rows[number].append({**entry, "cells": len(cells), "learnt": learnt is not None})
    return [{"number": number, **_summary(entries)} for number, entries in rows.items()]


def _summary(entries: Sequence[dict[str, float]]) -> dict[str, Any]:
    values = {key: np.array([entry[key] for entry in entries], float) for key in (*FIGURES, "cells", "learnt")}
    means: dict[str, Any] = {key: float(value.mean()) for key, value in values.items()}
    return {**means, "between": {key: np.percentile(values[key], [2.5, 97.5]) for key in FIGURES}}
