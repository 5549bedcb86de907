"""What a laboratory would gain without a name: features moved to where the training's lay, or proportions assumed.

Tempting, since nobody has to name a cell; and each of them takes something for granted of the patient who is counted.
So each is measured on several patients: what helps one and harms another is not for a device (train/ENROLMENT.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from leuko_edge.model import proof
from leuko_edge.model.local_head import LEAST, as_before, log_softmax, scale
from leuko_edge.types import ABNORMAL, CLASSES

from ..calibration.thresholds import Limits
from ..metrics.answers import FIVE
from .left_out import LeftOut
from .measure import LIMITS, NAMED, distance_of, draw, figures

PATIENTS: Mapping[str, Mapping[str, float]] = {
    "healthy": proof.NORMAL,
    "eosinophils high": {"neutrophil": 40, "lymphocyte": 25, "monocyte": 7, "eosinophil": 27, "basophil": 1},
    "each class alike": dict.fromkeys(FIVE, 20),
}
"""Per cent of the cells of a patient, of whom a laboratory has `count` without names."""
ROUNDS = 50  # of expectation and maximisation: proportions of a hundred cells have settled long before
_KEPT = tuple(CLASSES.index(name) for name in ABNORMAL)
_NORMAL = np.array([proof.NORMAL[name] for name in FIVE]) / 100
KEYS = ("balanced_accuracy", "patient_bias", "unidentified", "blasts_told")


def measured(lab: LeftOut, count: int, draws: int, seed: int) -> dict[str, dict[str, dict[str, float]]]:
    """By patient and method: `KEYS` of the tested half, means over the draws. `patient_bias`: by how many points the
    differential of a patient like the one whose `count` unnamed cells were seen would be off in its worst class."""
    layer = last_layer(lab)
    shipped = Limits(*(getattr(lab.card, name) for name in LIMITS))
    found: dict[str, dict[str, list[dict[str, float]]]] = {}
    for turn in range(draws):
        rng = np.random.default_rng((seed, turn))
        parted = draw(lab.sources, rng)
        tested, distance = parted.tested, distance_of(lab)
        for patient, shares in PATIENTS.items():
            rows = _cells(lab.labels, parted.pool, shares, count, rng)
            for method, given in answers(lab, rows, tested, layer).items():
                entry = figures(given, distance[tested], lab.labels[tested], shipped, shares)
                found.setdefault(patient, {}).setdefault(method, []).append(entry)
    return {
        patient: {method: {key: _mean([one[key] for one in entries]) for key in KEYS} for method, entries in of.items()}
        for patient, of in found.items()
    }


def answers(lab: LeftOut, rows: np.ndarray, tested: np.ndarray, layer: np.ndarray) -> dict[str, np.ndarray]:
    """By method: (n, classes) of the cells `tested`, after `rows` of one patient were seen without their names."""
    before, seen = lab.found[tested], lab.found[rows]
    unit = scale(np.array(lab.card.centres))
    centres, values = np.array(lab.card.centres) * unit, lab.features[rows] * unit
    five = list(NAMED)
    plain = values.mean(axis=0) - centres[five].mean(axis=0)
    called = seen.argmax(axis=1)
    apart = [values[called == c].mean(axis=0) - centres[c] for c in five if (called == c).sum() > 1]
    alike = np.mean(apart, axis=0) if apart else np.zeros_like(plain)
    given = {
        "as shipped": np.zeros(len(CLASSES)),
        "features moved": -layer @ plain,
        "features moved, each called class alike": -layer @ alike,
        "a healthy person's proportions": _among_five(_NORMAL),
        "their square root": _among_five(np.sqrt(_NORMAL)),
        "proportions as found (Saerens)": _among_five(proportions(seen[:, five])),
    }
    logs = np.log(np.maximum(before, LEAST))
    return {name: as_before(np.exp(log_softmax(logs + shift)), before, _KEPT) for name, shift in given.items()}


def last_layer(lab: LeftOut) -> np.ndarray:
    """(classes, d) by which the network's scores follow its features, whitened: found from its answers, no names."""
    logs = np.log(np.maximum(lab.found, LEAST))
    inputs = np.hstack([lab.features * scale(np.array(lab.card.centres)), np.ones((len(lab.features), 1))])
    solved: np.ndarray = np.linalg.lstsq(inputs, logs - logs.mean(axis=1, keepdims=True), rcond=None)[0]
    return solved[:-1].T


def proportions(found: np.ndarray) -> np.ndarray:
    """(k,) likeliest proportions of cells given (n, k) answers for k even classes, one cell more of each assumed.

    Expectation and maximisation of Saerens, Latinne & Decaestecker 2002, doi 10.1162/089976602753284446.
    """
    k = found.shape[1]
    shares = np.full(k, 1 / k)
    for _ in range(ROUNDS):
        weighed = found * shares
        weighed /= np.maximum(weighed.sum(axis=1, keepdims=True), 1e-12)
        shares = (weighed.sum(axis=0) + 1) / (len(found) + k)
    return shares


def _among_five(shares: np.ndarray) -> np.ndarray:
    """(classes,) to add to scores of a network that was taught classes alike; nothing but the five is moved."""
    result = np.zeros(len(CLASSES))
    result[list(NAMED)] = np.log(shares / shares.sum() * len(shares))
    return result


def _cells(
    labels: np.ndarray, pool: np.ndarray, shares: Mapping[str, float], count: int, rng: np.random.Generator
) -> np.ndarray:
    """`count` rows of the pool in a patient's proportions, drawn with replacement; classes it lacks are left out."""
    there = {name: share for name, share in shares.items() if (labels[pool] == CLASSES.index(name)).any()}
    names = rng.choice(list(there), count, p=np.array(list(there.values())) / sum(there.values()))
    return np.array([rng.choice(pool[labels[pool] == CLASSES.index(name)]) for name in names])


def _mean(values: list[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def mean_of(entries: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, float]]]:
    """Of what `measured` gave for each laboratory: the same, averaged over them."""
    if not entries:
        return {}
    return {
        patient: {
            method: {key: _mean([one[patient][method][key] for one in entries]) for key in KEYS} for method in methods
        }
        for patient, methods in entries[0].items()
    }
