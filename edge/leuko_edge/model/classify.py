"""From crops to classes: the network's probabilities, calibrated by the card, with a simulated twin.

A classifier is anything with `classify(crops) -> list[Prediction]`; `Classifier` runs a model, `FixedClassifier`
says what it was told to.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from queue import SimpleQueue
from typing import Protocol

import numpy as np

from ..types import (
    ABNORMAL,
    ARTEFACT,
    CLASSES,
    ERYTHROBLAST,
    EXCLUDED,
    LEUKOCYTES,
    NOT_NORMAL,
    UNIDENTIFIED,
    Cell,
    Prediction,
)
from . import card as cards
from . import site as sites
from .card import ModelCard
from .litert import Answers, Network
from .novelty import distances
from .site import Site
from .tta import certain, combined, mean, turned

# What a faint candidate must be to count: likelier than not, and an erythroblast three times as likely, for red cells
# that lie on one another look like one. Of faint candidates in held-out pictures and drawn films, white cells had 0.8
# and more, stacks and blots named so 0.58 to 0.72.
LIKELIER, LIKELIER_RED = 0.5, 0.75
WIDE_UM = 7.0  # a red cell's width; platelets measure 2 to 4 µm, rarely as much


class CellClassifier(Protocol):
    """The boundary between the pipeline and whatever names its cells, for several threads at once."""

    card: ModelCard

    def classify(self, crops: np.ndarray) -> list[Prediction]: ...

    def close(self) -> None: ...


class Classifier:
    """A verified model, ready to run."""

    def __init__(
        self,
        card: ModelCard,
        model_bytes: bytes,
        threads: int | None = None,
        site: Site | None = None,
        at_once: int = 1,
    ) -> None:
        """`threads` None takes four, or as many as there are cores. With a `site` the card is named with it.

        Of the threads that ask, `at_once` are answered beside each other, for some 11 MB each; others wait.

        `ModelError` where the network is not what its card says, or the site was taught with another model;
        `EnvironmentBroken` without LiteRT.
        """
        if site is not None:
            site.check(card)
        self.card = card if site is None else site.judged_by(card)
        self._head = None if site is None else site.head(card.classes)
        self._free: SimpleQueue[Network] | None = SimpleQueue()
        for _ in range(at_once):
            self._free.put(Network(card, model_bytes, threads))

    @classmethod
    def from_path(
        cls,
        model_path: str | os.PathLike[str] | None = None,
        threads: int | None = None,
        site: str | None = None,
        trusted: str | None = None,
        at_once: int = 1,
    ) -> Classifier:
        """A `.tflite` file with its card beside it; None takes the model that comes with leuko-edge.

        `site` is the name or file of what a laboratory taught it (see `site.load`); none: "" or None. `trusted`: as of
        `card.load_verified`.
        """
        taught = sites.load(site) if site else None
        return cls(*cards.load_verified(model_path, trusted=trusted), threads=threads, site=taught, at_once=at_once)

    def classify(self, crops: np.ndarray) -> list[Prediction]:
        """One prediction for each of `crops`, (n, input_size, input_size, 3) uint8 RGB; n may be 0."""
        found = self.answers(crops)
        calibrated = calibrate(found.probabilities, self.card.temperature)
        if self._head is not None:
            calibrated = self._head.applied(calibrated, found.features)
        if found.features is None:
            return [judge(p, self.card) for p in calibrated]
        far = distances(found.features, np.array(self.card.centres))
        return [judge(p, self.card, float(d)) for p, d in zip(calibrated, far, strict=True)]

    def probabilities(self, crops: np.ndarray) -> np.ndarray:
        """(n, classes) float32, before the card's temperature; of each crop turned as the card says, combined."""
        return self.answers(crops).probabilities

    def answers(self, crops: np.ndarray) -> Answers:
        """The same, and the features where the card has centres: their mean over the turns.

        All are shown one way round first; only those whose answer is not `certain` are shown the others.
        """
        _check_crops(crops, self.card.input_size)
        turns = self.card.turns
        with self._network() as network:
            first = network.run(crops)
            again = np.flatnonzero(~certain(first.probabilities, self.card.early_exit))
            if turns == 1 or not len(again):
                return first
            others = network.run(turned(crops[again], turns)[len(again) :])
        probabilities = first.probabilities.copy()
        probabilities[again] = combined(np.concatenate([probabilities[again], others.probabilities]), turns)
        if first.features is None or others.features is None:
            return Answers(probabilities, None)
        features = first.features.copy()
        features[again] = mean(np.concatenate([features[again], others.features]), turns)
        return Answers(probabilities, features)

    @contextmanager
    def _network(self) -> Iterator[Network]:
        """One that no other thread has."""
        free = self._free
        if free is None:
            raise ValueError("this classifier has been closed")
        network = free.get()
        try:
            yield network
        finally:
            free.put(network)

    def close(self) -> None:
        """Release the model's memory. Closing twice is harmless."""
        self._free = None

    def __enter__(self) -> Classifier:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class FixedClassifier:
    """The simulated twin: gives `labels` in turn, over and over, whatever the crops show, all at one `distance`."""

    def __init__(
        self, *labels: str, confidence: float = 0.99, card: ModelCard | None = None, distance: float | None = None
    ) -> None:
        if not labels:
            raise ValueError("at least one label is needed")
        if strange := set(labels) - {*CLASSES, UNIDENTIFIED}:
            raise ValueError(f"not classes of leuko-edge: {', '.join(sorted(strange))}")
        self.card = card or simulated_card()
        self._labels, self._confidence, self._distance, self._seen = labels, confidence, distance, 0
        self._turn = threading.Lock()

    def classify(self, crops: np.ndarray) -> list[Prediction]:
        _check_crops(crops, self.card.input_size)
        with self._turn:
            start, self._seen = self._seen, self._seen + len(crops)
        return [self._prediction(self._labels[n % len(self._labels)]) for n in range(start, self._seen)]

    def _prediction(self, label: str) -> Prediction:
        classes = self.card.classes
        if label == UNIDENTIFIED:  # nothing stands out
            return Prediction(label, 1 / len(classes), (1 / len(classes),) * len(classes), self._distance)
        rest = (1 - self._confidence) / (len(classes) - 1)
        spread = tuple(self._confidence if name == label else rest for name in classes)
        return Prediction(label, self._confidence, spread, self._distance)

    def close(self) -> None:
        """Nothing to release."""


def simulated_card() -> ModelCard:
    """The card of `FixedClassifier`: the shipped network's classes and window, no model behind it."""
    return ModelCard(
        name="fixed",
        file="",
        sha256="0" * 64,
        classes=CLASSES,
        leukocytes=LEUKOCYTES,
        input_size=64,
        window_um=24.0,
        um_per_px=0.375,
        confidence_threshold=0.5,
        temperature=1.0,
        network="simulated",
        quantization="none",
    )


def calibrate(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Temperature scaling (Guo et al. 2017) of (n, classes) probabilities: p ** (1 / T), rows summing to 1.

    The same as dividing the logits by T before the softmax. Above 1 softens, below 1 sharpens.
    """
    logs = np.log(np.maximum(probabilities.astype(np.float64), 1e-12)) / temperature
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))  # the shift keeps small temperatures from underflow
    return powers / powers.sum(axis=1, keepdims=True)


def judge(probabilities: np.ndarray, card: ModelCard, distance: float | None = None) -> Prediction:
    """The class of calibrated `probabilities` (classes,), or UNIDENTIFIED where the card says that is too unsure.

    `distance` is the cell's to the nearest of the card's centres, None where that is not known.
    """
    best = int(probabilities.argmax())
    label, confidence = card.classes[best], float(probabilities[best])
    limit = card.distance_threshold
    strange = distance is not None and limit is not None and distance > limit
    if (confidence < card.confidence_threshold or strange or _may_not_be_normal(probabilities, label, card)) and (
        label not in EXCLUDED
    ):
        label = UNIDENTIFIED  # a person should look; what is dropped anyway is not worth the look
    return Prediction(label, confidence, tuple(map(float, probabilities)), distance)


def _may_not_be_normal(probabilities: np.ndarray, label: str, card: ModelCard) -> bool:
    """Whether a cell about to be counted as a normal one is an abnormal one, or a smudge, too likely for that."""
    if card.abnormal_threshold is None or label in ABNORMAL or label not in card.leukocytes:
        return False
    return float(sum(probabilities[card.classes.index(name)] for name in _not_normal(card))) > card.abnormal_threshold


def _not_normal(card: ModelCard) -> tuple[str, ...]:
    return tuple(name for name in NOT_NORMAL if name in card.classes)


def doubted(prediction: Prediction, cell: Cell, um_per_px: float, card: ModelCard) -> Prediction:
    """What stands of a prediction, since a candidate of the finder is a white cell more often than not.

    As platelet or artefact one as wide as a leukocyte is set aside only by a network that is as sure of it as the card
    asks: what was set aside rightly in laboratories that did not train the network was. Else it is unidentified, and a
    person looks. Of three laboratories' candidates, the true leukocytes that the network had dropped measured 8.7 to
    13.8 µm with their cytoplasm, what it dropped rightly 5 to 5.7.

    Of a `faint` candidate the finder is no judge: it is set aside, as an artefact, by whatever doubt the network has.
    A `clump` of cells that nothing could part is unidentified whatever the network makes of it.
    """
    if cell.clump:
        return replace(prediction, label=UNIDENTIFIED)
    if prediction.label in EXCLUDED:
        sure = prediction.confidence >= card.excluded_threshold
        aside = sure or cell.faint or cell.diameter * um_per_px < WIDE_UM
        return prediction if aside else replace(prediction, label=UNIDENTIFIED)
    least = LIKELIER_RED if prediction.label == ERYTHROBLAST else LIKELIER
    if cell.faint and (prediction.label == UNIDENTIFIED or prediction.confidence < least):
        return replace(prediction, label=ARTEFACT)
    return prediction


def _check_crops(crops: np.ndarray, size: int) -> None:
    if crops.dtype != np.uint8 or crops.ndim != 4 or crops.shape[1:] != (size, size, 3):
        raise ValueError(f"crops must be (n, {size}, {size}, 3) uint8 RGB, got {crops.shape} {crops.dtype}")
