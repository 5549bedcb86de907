"""The ways in which the Kaggle pictures are parted to train and test, from the seed paper's to an honest one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.kaggle import CLASSES, Pictures

TEST_SHARE = 0.2
SPLITS = {
    "random": "a fifth of the TEST pictures at random, as the paper does: copies of one photograph on both sides",
    "number": "a fifth of the numbers in the TEST pictures' names, which look like the photograph and are not",
    "source": "a fifth of the photographs of which the TEST pictures are copies",
    "train-test": "trained on the TRAIN pictures of other photographs, tested on the TEST pictures",
}
BY_PHOTOGRAPH = ("source", "train-test")
"""Splits that need to know which photograph a picture shows."""


@dataclass(frozen=True)
class Split:
    """Masks (n,) of the pictures. `left_out`: pictures on neither side for their photograph's sake."""

    training: np.ndarray
    testing: np.ndarray
    left_out: int


def parts(how: str) -> tuple[str, ...]:
    """The folders that a split takes its pictures from."""
    return ("TRAIN", "TEST") if how == "train-test" else ("TEST",)


def split(pictures: Pictures, how: str, seed: int, photographs: np.ndarray | None = None) -> Split:
    """Part the pictures. `photographs` (n,): the name of what each shows, "" unknown; for BY_PHOTOGRAPH only.

    A picture whose photograph is unknown is on neither side: nobody knows of what it is a copy.
    """
    rng = np.random.default_rng(seed)
    count = len(pictures.labels)
    if how == "random":
        testing = np.zeros(count, bool)
        testing[rng.permutation(count)[: round(TEST_SHARE * count)]] = True
        return Split(~testing, testing, 0)
    if how == "number":
        testing = _fifth(pictures.numbers, pictures.labels, rng)
        return Split(~testing, testing, 0)
    if photographs is None:
        raise ValueError(f"a split by {how} needs the photographs")
    known = photographs != ""
    if how == "source":
        testing = _fifth(photographs, pictures.labels, rng) & known
        training = known & ~testing
    else:
        testing = (pictures.parts == "TEST") & known
        training = (pictures.parts == "TRAIN") & known & ~np.isin(photographs, photographs[testing])
    return Split(training, testing, int((~training & ~testing).sum()))


def _fifth(names: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n,) bool: the members of a fifth of each class's `names`, one at least; "" is no name.

    A name belongs to the class that most of its members have (a field may show two cells).
    """
    unique, index = np.unique(names, return_inverse=True)
    votes = np.zeros((len(unique), len(CLASSES)), int)
    np.add.at(votes, (index, labels), 1)
    owner = np.where(unique == "", -1, votes.argmax(1))
    chosen: list[str] = []
    for label in range(len(CLASSES)):
        own = unique[owner == label]
        if len(own):
            chosen += rng.permutation(own)[: max(1, round(TEST_SHARE * len(own)))].tolist()
    return np.isin(names, chosen)
