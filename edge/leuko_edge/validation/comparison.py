"""The whole comparison: each class, each kind of abnormality, and the observers beside it as the yardstick."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..types import ABNORMAL, ERYTHROBLAST, LEUKOCYTES
from .abnormal import Calls, outside
from .agreement import Agreement, bland_altman, pearson, spearman
from .counting import Count, Share, allowed, overlapping, share_of
from .linearity import Linearity, cusum
from .pairing import Pairs
from .regression import Line, deming, passing_bablok
from .sample import Sample

Two = tuple[Sample, Sample]
PRESENT = ("immature_granulocyte", *ABNORMAL, ERYTHROBLAST)
"""Abnormal where there is one at all, unless a range was given."""


@dataclass(frozen=True)
class ClassComparison:
    """Of one class, in points of per cent (erythroblasts: per 100 leukocytes). None: too few samples, or no answer."""

    label: str
    n: int
    agreement: Agreement | None
    passing_bablok: Line | None
    deming: Line | None
    error_ratio: float  # that `deming` was given: the variance of the method's error by the reference's
    pearson: float | None
    spearman: float | None
    linearity: Linearity | None  # of the samples along `passing_bablok`
    band: Share | None  # Rümke's: counting alone explains it; None where the number of cells is not known
    overlap: Share | None  # the exact intervals of both counts meet; None as of `band`
    calls: Calls | None  # abnormal: outside the range, or present; None of a class without either


@dataclass(frozen=True)
class Comparison:
    classes: tuple[ClassComparison, ...]
    any_abnormal: Calls
    observers: tuple[ClassComparison, ...]  # the second against the first
    pairs: Pairs


def compare(pairs: Pairs, ranges: Mapping[str, tuple[float, float]]) -> Comparison:
    """`ranges`: per cent by class, outside of which a sample is abnormal."""
    classes = _classes(pairs.pairs, ranges)
    either = Calls.of((_any(mine, theirs, ranges), _any(theirs, mine, ranges)) for mine, theirs in pairs.pairs)
    between = _classes([(second, first) for first, second in pairs.observers], ranges)
    return Comparison(classes, either, between, pairs)


def _classes(pairs: Sequence[Two], ranges: Mapping[str, tuple[float, float]]) -> tuple[ClassComparison, ...]:
    found = []
    for label in (*LEUKOCYTES, ERYTHROBLAST):
        both = [two for two in pairs if all(label in sample.percent for sample in two)]
        if both:
            found.append(_class(label, both, ranges))
    return tuple(found)


def _class(label: str, pairs: Sequence[Two], ranges: Mapping[str, tuple[float, float]]) -> ClassComparison:
    method = [mine.percent[label] for mine, _ in pairs]
    reference = [theirs.percent[label] for _, theirs in pairs]
    ratio = error_ratio(pairs)
    judged = label in ranges or label in PRESENT
    calls = Calls.of((_abnormal(a, label, ranges), _abnormal(b, label, ranges)) for a, b in pairs) if judged else None
    line = passing_bablok(reference, method)
    counts = [] if label == ERYTHROBLAST else _counts(label, pairs)
    return ClassComparison(
        label,
        len(pairs),
        bland_altman(method, reference),
        line,
        deming(reference, method, ratio),
        ratio,
        pearson(reference, method),
        spearman(reference, method),
        None if line is None else cusum(reference, method, line),
        share_of(allowed, counts) if counts else None,
        share_of(overlapping, counts) if counts else None,
        calls,
    )


def error_ratio(pairs: Sequence[Two]) -> float:
    """By counting, whose variance is p(1 - p)/n: cells of the reference by cells of the method, the median sample; 1
    where nobody says how many."""
    known = [theirs.total / mine.total for mine, theirs in pairs if mine.total and theirs.total]
    return statistics.median(known) if known else 1.0


def _counts(label: str, pairs: Sequence[Two]) -> list[tuple[Count, Count]]:
    counts = []
    for mine, theirs in pairs:
        a, b = mine.count(label), theirs.count(label)
        if a is not None and b is not None and mine.total and theirs.total:
            counts.append(((a, mine.total), (b, theirs.total)))
    return counts


def _abnormal(sample: Sample, label: str, ranges: Mapping[str, tuple[float, float]]) -> bool:
    percent = sample.percent[label]
    return outside(percent, ranges[label]) if label in ranges else label in PRESENT and percent > 0


def _any(sample: Sample, other: Sample, ranges: Mapping[str, tuple[float, float]]) -> bool:
    """By the classes that both have, else the one that knows more of them would be the one that calls more."""
    return any(_abnormal(sample, label, ranges) for label in sample.percent if label in other.percent)
