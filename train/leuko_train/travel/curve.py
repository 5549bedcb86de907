"""What more laboratories teach about one that is left out: every subset of the others, judged there.

The classifier is a linear one on frozen features, made anew for each subset. Judged are the five classes of a normal
differential; any other answer is wrong, and so is every cell of a class that the subset does not have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from leuko_edge.types import CLASSES

from ..data.laboratories import EVALUATION_ONLY
from ..metrics import classification
from ..metrics.answers import ENOUGH, FIVE
from ..metrics.differential import NORMAL, weights_as
from .discriminant import STILL, fit
from .frozen import Features

FIVE_INDICES = np.array([CLASSES.index(name) for name in FIVE])
DRAWS = 12
"""Trainings at least of each number of laboratories: where there are fewer subsets, their cells are drawn again."""


@dataclass(frozen=True)
class Way:
    """How a classifier is made of a subset's cells.

    `alike`: of each class so many cells, shared evenly by the laboratories that have it; None: all there are.
    `five`: of the five classes alone. `changed`: each cell once more, changed as another laboratory might have
    photographed it. `own`: each laboratory's features by its own mean and deviation, its classes weighing "alike" or as
    in a normal "smear"; first how for those that teach, whose cells have names, then for the one left out.
    """

    name: str
    alike: int | None
    shrinkage: float
    five: bool = False
    changed: bool = False
    own: tuple[str, str] | None = None


@dataclass(frozen=True)
class Judged:
    """One subset's classifier on the laboratory left out. Balanced accuracies over its classes of `ENOUGH` cells.

    `among_known` is over those that the subset has, NaN where that is none; `missing` is the share that it lacks.
    """

    left_out: str
    laboratories: tuple[str, ...]
    accuracy: float
    among_known: float
    missing: float
    cells: int


def allotted(have: Sequence[int], wanted: int) -> list[int]:
    """How many each gives so that all give `wanted` together, as evenly as what they have allows."""
    given, left = [0] * len(have), wanted
    for place, i in enumerate(np.argsort(have, kind="stable")):
        given[i] = min(have[i], left // (len(have) - place))
        left -= given[i]
    return given


def chosen(
    features: Features, laboratories: Sequence[str], way: Way, usable: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Indices of the cells of `laboratories` to learn from; `usable` (n,) bool."""
    own = usable & np.isin(features.labs, laboratories)
    if way.five:
        own &= np.isin(features.labels, FIVE_INDICES)
    if way.alike is None:
        return np.flatnonzero(own)
    taken = []
    for label in np.unique(features.labels[own]):
        of_class = own & (features.labels == label)
        pools = [np.flatnonzero(of_class & (features.labs == lab)) for lab in laboratories]
        pools = [pool for pool in pools if len(pool)]
        for pool, count in zip(pools, allotted([len(pool) for pool in pools], way.alike), strict=True):
            taken.append(rng.choice(pool, count, replace=False))
    return np.concatenate(taken)


def standardised(features: Features, smear: bool) -> np.ndarray:
    """(n, d) plain features, each laboratory's by the mean and deviation of its own cells of the five classes.

    The classes weigh alike, or (`smear`) as in a normal differential.
    """
    result = np.empty_like(features.plain)
    for lab in np.unique(features.labs):
        own = features.labs == lab
        labels, x = features.labels[own], features.plain[own]
        weights = weights_as(labels, NORMAL if smear else dict.fromkeys(FIVE, 1.0))
        if not weights.any():  # it names none of the five
            weights = np.ones(len(x))
        middle = np.average(x, axis=0, weights=weights)
        spread = np.sqrt(np.average((x - middle) ** 2, axis=0, weights=weights))
        result[own] = (x - middle) / np.where(spread > STILL, spread, np.inf)
    return result


def subsets(laboratories: Sequence[str]) -> Iterator[tuple[tuple[str, ...], int]]:
    """Every subset but the empty one, smallest first, and how often its cells are to be drawn."""
    every = len(laboratories)
    for number in range(1, every + 1):
        without_one = comb(every - 1, number) or 1  # that judge a laboratory which they leave out
        yield from ((one, -(-DRAWS // without_one)) for one in combinations(laboratories, number))


def asked_of(features: Features, lab: str) -> np.ndarray:
    """Indices of the cells that judge: the laboratory's, of those of the five classes of which it has enough."""
    truth_of = (features.labs == lab) & np.isin(features.labels, FIVE_INDICES)
    counts = np.bincount(features.labels[truth_of], minlength=len(CLASSES))
    return np.flatnonzero(truth_of & (counts[features.labels] >= ENOUGH))


def of_one_laboratory(features: Features) -> np.ndarray:
    """(n,) bool: cells of whose photograph no other laboratory has a copy; only these teach."""
    labs = np.unique(features.labs, return_inverse=True)[1]
    sources = np.unique(features.sources, return_inverse=True)[1]
    first, last = np.full(sources.max() + 1, len(labs)), np.full(sources.max() + 1, -1)
    np.minimum.at(first, sources, labs)
    np.maximum.at(last, sources, labs)
    return (first == last)[sources]


def judged(features: Features, way: Way, seed: int) -> dict[str, list[Judged]]:
    """For each laboratory with cells to judge by, an entry for each subset of the others: the mean over its draws."""
    labs = sorted(set(features.labs.tolist()))
    asked = {lab: rows for lab in labs if len(rows := asked_of(features, lab))}
    usable = of_one_laboratory(features)
    teaching, asking = (
        (standardised(features, how == "smear") for how in way.own) if way.own else (features.plain, features.plain)
    )
    rng = np.random.default_rng(seed)  # so ways that draw from the same cells draw the same
    result: dict[str, list[Judged]] = {lab: [] for lab in asked}
    for laboratories, draws in subsets([lab for lab in labs if lab != EVALUATION_ONLY]):
        outside = [lab for lab in asked if lab not in laboratories]
        matrices = {lab: np.zeros((len(CLASSES), len(CLASSES)), int) for lab in outside}
        rows = np.array([], int)
        for _ in range(draws if outside and way.alike is not None else 1):
            rows = chosen(features, laboratories, way, usable, rng)
            x, labels = teaching[rows], features.labels[rows]
            if way.changed:
                x, labels = np.concatenate([x, features.changed[rows]]), np.tile(labels, 2)
            classifier = fit(x, labels, way.shrinkage)
            for lab in outside:
                found = classifier.answers(asking[asked[lab]])
                matrices[lab] += classification.confusion(features.labels[asked[lab]], found, len(CLASSES))
        known = np.isin(np.arange(len(CLASSES)), features.labels[rows])
        for lab, matrix in matrices.items():
            accuracy, among = classification.balanced_accuracy(matrix), float(classification.balanced(matrix, known))
            lacking = float((~known[matrix.sum(1) > 0]).mean())
            result[lab].append(Judged(lab, laboratories, accuracy, among, lacking, len(rows)))
    return result
