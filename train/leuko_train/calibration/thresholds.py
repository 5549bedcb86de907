"""The two limits below and above which a cell is shown as unidentified, chosen together, and what they cost and catch.

On the device a leukocyte or erythroblast of too little confidence or too great a distance is unidentified; platelets
and artefacts stay, for they are in no count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leuko_edge.model.card import WARN_SHARE
from leuko_edge.model.classify import calibrate
from leuko_edge.tally import FEW
from leuko_edge.types import ABNORMAL, CLASSES, EXCLUDED, LEUKOCYTES, NOT_NORMAL

from ..metrics import classification

ASIDE = 0.04
"""Share of true leukocytes of laboratories that did not train it that may be set aside for doubt, at most."""
ALARMED = 0.03
"""Share of their normal leukocytes that may be set aside, at most, because they might be abnormal ones or smudges."""
DROPPED = 0.05
"""Share of true platelets and artefacts, rightly named, that are not sure enough to be dropped when they are wide."""
SESSION, SESSIONS = 100, 2000
"""White cells of a drawn session, and how many are drawn from each laboratory."""
CALM = 0.95
"""Share of the sessions of known laboratories in which no warning is to appear."""
LEAST_WARNING = 0.05
_CONFUSABLE = tuple(CLASSES.index(name) for name in ("lymphocyte", "monocyte"))
STEPS = 400  # confidences tried as a limit

_GROUPS = (LEUKOCYTES, EXCLUDED, ABNORMAL, NOT_NORMAL)
_WHITE, _OUT, _ABNORMAL, _NOT_NORMAL = (np.array([name in group for name in CLASSES]) for group in _GROUPS)


@dataclass(frozen=True)
class Judged:
    """One laboratory's cells as a network sees them, all (n,).

    `taught`: cells of a class that the network was taught by real ones. Of the others every answer is wrong, and to set
    them aside is right.
    """

    truth: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray  # tempered
    distance: np.ndarray
    taught: np.ndarray
    not_normal: np.ndarray  # tempered, of the abnormal leukocytes and smudges together

    @property
    def wrong(self) -> np.ndarray:
        return self.predicted != self.truth

    @property
    def leukocytes(self) -> np.ndarray:
        """True ones, of a class that was taught."""
        return _WHITE[self.truth] & self.taught

    @property
    def can_be_aside(self) -> np.ndarray:
        return ~_OUT[self.predicted]

    @property
    def counted_as_normal(self) -> np.ndarray:
        return (_WHITE & ~_ABNORMAL)[self.predicted]

    def of(self, rows: np.ndarray) -> Judged:
        return Judged(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Asked:
    """The same before a temperature is chosen; `raw`: the network's own probabilities (n, classes)."""

    truth: np.ndarray
    raw: np.ndarray
    distance: np.ndarray
    taught: np.ndarray
    done: np.ndarray  # (n,) bool: one way round was enough

    def judged(self, temperature: float) -> Judged:
        found = calibrate(self.raw, temperature)
        not_normal = found[:, _NOT_NORMAL].sum(1)
        return Judged(self.truth, found.argmax(1), found.max(1), self.distance, self.taught, not_normal)


def temperature(labs: Sequence[Asked]) -> float:
    """The one with which the networks were least surprised by cells of the classes taught; each laboratory weighs 1."""
    taught = [(one.raw[one.taught], one.truth[one.taught]) for one in labs if one.taught.any()]
    weights = np.concatenate([np.full(len(truth), 1 / len(truth)) for _, truth in taught])
    raw, truth = (np.concatenate(parts) for parts in zip(*taught, strict=True))
    return classification.fit_temperature(raw, truth, weights)


def calibration_error(cells: Judged) -> float | None:
    """Expected calibration error over the cells of classes that were taught."""
    taught = cells.of(cells.taught)
    return classification.calibration_error(taught.confidence, ~taught.wrong) if len(taught.truth) else None


@dataclass(frozen=True)
class Limits:
    confidence: float
    distance: float
    abnormal: float | None = None  # likelier NOT_NORMAL than this: not counted as a normal leukocyte

    def aside(self, cells: Judged) -> np.ndarray:
        """(n,) bool: shown as unidentified."""
        doubted = cells.can_be_aside & ((cells.confidence < self.confidence) | (cells.distance > self.distance))
        if self.abnormal is None:
            return doubted
        return doubted | (cells.counted_as_normal & (cells.not_normal > self.abnormal))

    def doubt(self, cells: Judged) -> np.ndarray:
        """(n,) one number for both: above 1 where a cell is beyond a limit."""
        unsure = (1 - cells.confidence) / max(1e-9, 1 - self.confidence)
        return np.maximum(unsure, cells.distance / self.distance)


def choose(labs: Sequence[Judged], most: float = ASIDE) -> Limits:
    """The limits that set aside most of the wrong answers, and of the true leukocytes at most the share `most`.

    Every laboratory weighs the same in both shares, however many cells it gave: the next laboratory is one more of
    them, not one more cell of the largest.
    """
    cells = Judged(*(np.concatenate([getattr(lab, name) for lab in labs]) for name in Judged.__dataclass_fields__))
    white = np.concatenate([lab.leukocytes / max(1, lab.leukocytes.sum()) / len(labs) for lab in labs])
    wrong = np.concatenate([lab.wrong / len(lab.wrong) / len(labs) for lab in labs])
    farthest = np.argsort(-cells.distance, kind="stable")
    candidates, best = np.unique(np.quantile(cells.confidence, np.linspace(0, 1, STEPS))), (-1.0, 0.0, 0.0)
    for confidence in np.concatenate([[0.0], candidates]):
        unsure = cells.can_be_aside & (cells.confidence < confidence)
        spent = white[unsure].sum()
        if spent > most:
            break
        more = spent + np.cumsum(np.where(cells.can_be_aside & ~unsure, white, 0.0)[farthest])
        last = min(int(np.searchsorted(more, most, side="right")), len(farthest) - 1)  # the nearest that must stay
        limits = Limits(float(confidence), float(cells.distance[farthest[last]]))
        caught = float(wrong[limits.aside(cells)].sum())
        if caught > best[0] + 1e-12:
            best = (caught, limits.confidence, limits.distance)
    return Limits(min(best[1], 1 - 1e-6), best[2])


def abnormal_limit(labs: Sequence[Judged], most: float = ALARMED) -> float | None:
    """The lowest limit that sets aside at most the share `most` of normal leukocytes, the laboratories' mean.

    None where no laboratory has an abnormal leukocyte of a class that was taught: then nothing speaks for a limit.
    """
    if not any((_ABNORMAL[lab.truth] & lab.taught).any() for lab in labs):
        return None
    normal = [lab.of((_WHITE & ~_ABNORMAL)[lab.truth] & lab.taught) for lab in labs]
    normal = [lab for lab in normal if len(lab.truth)]
    values = np.concatenate([np.where(lab.counted_as_normal, lab.not_normal, 0.0) for lab in normal])
    weights = np.concatenate([np.full(len(lab.truth), 1 / len(lab.truth) / len(normal)) for lab in normal])
    order = np.argsort(-values, kind="stable")
    spent = np.cumsum(weights[order])
    first = min(int(np.searchsorted(spent, most, side="right")), len(order) - 1)  # the likeliest that must stay
    return float(values[order[first]])


def excluded_limit(labs: Sequence[Judged], most: float = DROPPED) -> float | None:
    """Confidence that all but the share `most` of true platelets and artefacts exceed that were named as such.

    Each laboratory weighs the same. None where no laboratory has any.
    """
    right = [lab.confidence[_OUT[lab.truth] & _OUT[lab.predicted]] for lab in labs]
    right = [found for found in right if len(found)]
    if not right:
        return None
    return float(np.mean([np.quantile(found, most) for found in right]))


def of_validation(cells: Judged, coverage: float) -> Limits:
    """Where no left-out laboratories are at hand: each limit accepts the share `coverage` of validation cells."""
    return Limits(float(np.quantile(cells.confidence, 1 - coverage)), float(np.quantile(cells.distance, coverage)))


def auroc(score: np.ndarray, positive: np.ndarray) -> float:
    """Chance that a positive (n,) bool has a higher score (n,) than another, ties half; NaN without both kinds."""
    high, low = score[positive], np.sort(score[~positive])
    if not len(high) or not len(low):
        return float("nan")
    below = np.searchsorted(low, high, side="left") + np.searchsorted(low, high, side="right")
    return float(below.mean() / 2 / len(low))


def row(cells: Judged, limits: Limits) -> dict[str, Any]:
    """What the limits do to one laboratory's cells; None for a share of nothing."""
    aside, ranked = limits.aside(cells), cells.of(cells.can_be_aside)
    return {
        "cells": len(cells.truth),
        "leukocytes_aside": _mean(aside[cells.leukocytes]),
        "abnormal_as_normal": _mean((cells.counted_as_normal & ~aside)[_ABNORMAL[cells.truth]]),
        "blasts_told": _mean((_ABNORMAL[cells.predicted] | aside)[cells.truth == CLASSES.index("blast")]),
        "normal_as_blast": _mean((cells.predicted == CLASSES.index("blast"))[np.isin(cells.truth, _CONFUSABLE)]),
        "smudges_counted": _mean((_WHITE[cells.predicted] & ~aside)[cells.truth == CLASSES.index("smudge")]),
        "untaught_aside": _mean(aside[~cells.taught]),
        "accuracy": _mean(~cells.wrong),
        "accuracy_kept": _mean(~cells.wrong[~aside]),
        "wrong_aside": _mean(aside[cells.wrong]),
        "ece": calibration_error(cells),
        "auroc_distance": auroc(ranked.distance, ranked.wrong),
        "auroc_confidence": auroc(-ranked.confidence, ranked.wrong),
        "auroc_both": auroc(limits.doubt(ranked), ranked.wrong),
    }


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def session_shares(cells: Judged, limits: Limits, seed: int = 0) -> np.ndarray:
    """(SESSIONS,) the share of unidentified in sessions of SESSION white cells, drawn from one laboratory's cells.

    As the device counts it: among what it takes for leukocytes and what it sets aside. Empty for fewer than FEW cells.
    """
    aside = limits.aside(cells)
    white = aside[aside | _WHITE[cells.predicted]]
    if len(white) < FEW:
        return np.empty(0)
    return np.random.default_rng(seed).binomial(SESSION, white.mean(), SESSIONS) / SESSION


def warn_share(known: Mapping[str, Judged], limits: Limits) -> float:
    """The share of unidentified that CALM of the known laboratories' sessions stay below, each as many sessions."""
    shares = [drawn for lab in known.values() if len(drawn := session_shares(lab, limits))]
    if not shares:
        return WARN_SHARE
    return float(min(1.0, max(LEAST_WARNING, np.quantile(np.concatenate(shares), CALM))))
