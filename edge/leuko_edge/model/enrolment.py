"""Learning one laboratory from a handful of named cells: a local head, its temperature, and its limits of doubt.

How strongly the head is drawn to the shipped network is chosen by cross-validation, and so is whether to learn at all.
Blasts and variant lymphocytes that nobody named keep the probability that the network gave them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..session import FEWEST
from ..types import ABNORMAL, NOT_NORMAL
from .card import ModelCard
from .local_head import LEAST, Head, as_before, fitted, log_softmax, scale, with_slips
from .novelty import distances
from .proof import measured

FOLDS = 5
REPEATS = 4
PENALTIES = ((1000.0, 0.5), (300.0, 0.3), (100.0, 0.3))
"""(of the weights on features, of the biases), strongest first.

What they give on laboratories left out: `leuko-train enrolment`, train/ENROLMENT.md."""
BIASES_ALONE = ((float("inf"), 0.5),)
"""For a card without features."""
MANY = 30
"""Named cells from which on cross-validation chooses between the weaker penalties: of fewer, slips mislead it too often
and the strongest is used."""
TEMPERATURES = np.geomspace(0.5, 3.0, 37)
TEMPERATURE_SPREAD = 0.1
"""Of a laboratory's temperature about the card's, as a natural logarithm: how far few cells may move it. With 0.3 it
was overconfident on laboratories left out (ECE 8.6 % after ten cells a class, 8.0 with 0.1 or with none learnt)."""
UNSURE, FAR, ALARMED = 0.03, 0.02, 0.03
"""Share of the named leukocytes that each limit of doubt sets aside: confidence, distance, and likely abnormal ones.
Together what the card's own limits set aside of laboratories that did not train the network."""
LEAST_GAIN = 1e-3  # of log-likelihood a cell; less is rounding
PRIOR_CELLS = 20
"""So many cells the card's own limit counts for."""


@dataclass(frozen=True)
class Limits:
    """In place of the card's: see `ModelCard`."""

    confidence_threshold: float
    distance_threshold: float | None
    abnormal_threshold: float | None


@dataclass(frozen=True)
class Learnt:
    """`head` is of the card's columns; `before` and `after` are cross-validated measures of `proof.measured`."""

    head: Head
    limits: Limits
    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def better(self) -> bool:
        """Whether it may be used: never where the named cells of other groups speak against it.

        They do where fewer of them are named rightly, each class alike, or where they are less likely than before by
        more than that difference's standard error. To ask for a gain in likelihood refused half of what helped, and no
        site that was made worse (train/ENROLMENT.md).
        """
        kept = self.after["balanced_accuracy"] >= self.before["balanced_accuracy"] - 1e-9
        return bool(kept and self.after["gain"] > LEAST_GAIN - self.after["gain_error"])


def learn(
    probabilities: np.ndarray,
    features: np.ndarray | None,
    labels: np.ndarray,
    groups: np.ndarray,
    card: ModelCard,
    seed: int = 0,
) -> Learnt:
    """From (n, classes) calibrated probabilities, (n, d) features where the card has centres, (n,) true indices.

    `groups` (n,): cells of one group (a patient, a smear, a session) are never on both sides of a fold. Classes with
    fewer than FEWEST cells are left as they are. ValueError where fewer than two classes have enough.
    """
    counts = np.bincount(labels, minlength=len(card.classes))
    at = tuple(int(i) for i in np.flatnonzero(counts >= FEWEST))
    if len(at) < 2:
        raise ValueError("fewer than two classes have cells enough")
    own = np.isin(labels, at)
    probabilities, labels, groups = probabilities[own], labels[own], groups[own]
    features = None if features is None else features[own]
    kept = tuple(card.classes.index(name) for name in ABNORMAL if name in card.classes)
    kept = tuple(column for column in kept if column not in at)
    unit = scale(np.array(card.centres))
    tried = []
    penalties = (PENALTIES[1:] if len(labels) >= MANY else PENALTIES[:1]) if features is not None else BIASES_ALONE
    for penalty in penalties:
        crossed = _crossed(probabilities, features, labels, groups, penalty, unit, seed)
        temperature = _temperature(crossed, labels)
        tempered = np.exp(log_softmax(crossed / temperature))
        tried.append((penalty, temperature, np.stack([as_before(one, probabilities, kept) for one in tempered])))
    penalty, temperature, after = min(tried, key=lambda one: _loss(one[2], labels).mean())
    head = replace(fitted(probabilities, features, labels, at, penalty, unit), temperature=temperature, kept=kept)
    before = np.repeat(probabilities[None], len(after), axis=0)
    proof = measured(after, labels, card.classes, seed)
    gains, n = _loss(_softened(before, labels), labels) - _loss(after, labels), len(labels)
    proof |= {"gain": float(gains.mean()), "gain_error": float(gains.std() / np.sqrt(n))}
    return Learnt(
        head, limits(before, after, features, labels, card), measured(before, labels, card.classes, seed), proof
    )


def _crossed(
    probabilities: np.ndarray,
    features: np.ndarray | None,
    labels: np.ndarray,
    groups: np.ndarray,
    penalty: tuple[float, float],
    unit: float,
    seed: int,
) -> np.ndarray:
    """(REPEATS, n, classes) log-probabilities: what each cell is given by a head that saw no cell of its group."""
    results = []
    for repeat in range(REPEATS):
        folds = _folds(labels, groups, np.random.default_rng((seed, repeat)))
        found = np.log(np.maximum(probabilities, LEAST))
        for fold in np.unique(folds):
            held = folds == fold
            present = tuple(int(c) for c in np.unique(labels[~held]))
            if len(present) < 2:
                continue
            rest, asked = (None, None) if features is None else (features[~held], features[held])
            head = fitted(probabilities[~held], rest, labels[~held], present, penalty, unit)
            found[held] = np.log(np.maximum(head.applied(probabilities[held], asked), LEAST))
        results.append(found)
    return np.stack(results)


def _folds(labels: np.ndarray, groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n,) fold of each cell: groups whole, each class spread over the folds as far as its groups allow."""
    fold = np.zeros(len(labels), int)
    filled = np.zeros((FOLDS, labels.max() + 1))
    for group in rng.permutation(np.unique(groups)):
        own = groups == group
        kinds = np.bincount(labels[own], minlength=filled.shape[1])
        load = filled @ (kinds > 0) + 1e-3 * filled.sum(axis=1)
        chosen = int(rng.choice(np.flatnonzero(load == load.min())))
        fold[own] = chosen
        filled[chosen] += kinds
    return fold


def _temperature(crossed: np.ndarray, labels: np.ndarray) -> float:
    """By which the cross-validated scores are divided: the likeliest, drawn to 1 where there are few cells."""
    losses = [_loss(np.exp(log_softmax(crossed / t)), labels).mean() * len(labels) for t in TEMPERATURES]
    drawn = (np.log(TEMPERATURES) / TEMPERATURE_SPREAD) ** 2 / 2
    return float(TEMPERATURES[int(np.argmin(losses + drawn))])


def _softened(before: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The shipped network's answers with the temperature that suits these cells: what is no gain of a head."""
    logs = np.log(np.maximum(before, LEAST))
    result: np.ndarray = np.exp(log_softmax(logs / _temperature(logs, labels)))
    return result


def limits(
    before: np.ndarray, after: np.ndarray, features: np.ndarray | None, labels: np.ndarray, card: ModelCard
) -> Limits:
    """Those that set aside of this laboratory's leukocytes what the card's are meant to, drawn to the card's.

    The limit of what is not normal is never above the card's. `before`, `after`: (r, n, classes), cross-validated.
    """
    white = np.isin(labels, [card.classes.index(name) for name in card.leukocytes])
    normal = white & ~np.isin(labels, [card.classes.index(name) for name in ABNORMAL if name in card.classes])

    def drawn(values: np.ndarray, share: float, own: float) -> float:
        if not values.size:
            return own
        count = values.shape[-1]
        return float((count * np.quantile(values, share) + PRIOR_CELLS * own) / (count + PRIOR_CELLS))

    unsure = max(UNSURE, float((before[:, white].max(axis=2) < card.confidence_threshold).mean())) if white.any() else 0
    confidence = drawn(after[:, white].max(axis=2), unsure, card.confidence_threshold)
    distance, abnormal = card.distance_threshold, card.abnormal_threshold
    if distance is not None and features is not None:
        distance = drawn(distances(features[white], np.array(card.centres)), 1 - FAR, distance)
    if abnormal is not None:
        columns = [card.classes.index(name) for name in NOT_NORMAL if name in card.classes]
        abnormal = min(abnormal, drawn(after[:, normal][:, :, columns].sum(axis=2), 1 - ALARMED, abnormal))
    return Limits(min(confidence, 1 - 1e-6), distance, abnormal)


def _loss(found: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n,) negative log-likelihood over (r, n, classes), slips allowed for; its mean is the mean over the classes."""
    present, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    given = -np.log(with_slips(found[:, np.arange(len(labels)), labels], len(present))).mean(axis=0)
    result: np.ndarray = given * (len(labels) / len(present) / counts)[inverse]
    return result
