"""A laboratory's own last layer: what its named cells add to the shipped network's scores, linear in its features.

    scores = log-probabilities of the network + features @ weights.T + bias        (columns of the classes named)

A multinomial regression whose weights and biases are drawn towards nothing, so that few cells move the network little.
The features are those that the card's centres lie in, whitened by the spread within the classes: one penalty suits all.
A card without centres has no features, and a bias for each class is all that can be learnt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEAST = 1e-6
"""A probability counts as at least this much: an int8 softmax gives 0 where it means "hardly"."""
SLIPS = 0.1
"""Share of names that are taken to be slips: a cell whose name nothing else speaks for teaches little."""
STEPS, CLOSE = 300, 1e-4  # of the descent, at most; a slope per cell that is no slope any more


@dataclass(frozen=True)
class Head:
    """Of k classes, columns `at` of the answers: weights (k, d) on the card's features, bias (k,).

    `temperature` divides the scores. `kept`: columns whose probability nothing learnt may change.
    """

    at: tuple[int, ...]
    weights: np.ndarray
    bias: np.ndarray
    temperature: float = 1.0
    kept: tuple[int, ...] = ()

    def applied(self, probabilities: np.ndarray, features: np.ndarray | None) -> np.ndarray:
        """(n, classes) as this laboratory has them, rows summing to 1; features (n, d), None for a head of biases.

        What the network itself calls a `kept` class stays as it was, whatever else was learnt.
        """
        before = np.asarray(probabilities, np.float64)
        scores = np.log(np.maximum(before, LEAST))
        scores[:, list(self.at)] += self.bias
        if features is not None and self.weights.shape[1]:
            scores[:, list(self.at)] += np.asarray(features, np.float64) @ self.weights.T
        return as_before(np.exp(log_softmax(scores / self.temperature)), before, self.kept)


def as_before(found: np.ndarray, before: np.ndarray, kept: tuple[int, ...]) -> np.ndarray:
    """(n, classes) `found`, but for the probability of the `kept` columns, which is together that of `before`.

    A row whose likeliest class was a kept one is that of `before`.
    """
    if not kept:
        return found
    columns = np.isin(np.arange(before.shape[1]), kept)
    mass, result = before[:, columns].sum(axis=1, keepdims=True), found.copy()
    for part, whole in ((columns, mass), (~columns, 1 - mass)):
        result[:, part] *= whole / np.maximum(result[:, part].sum(axis=1, keepdims=True), 1e-300)
    stays = columns[before.argmax(axis=1)]
    result[stays] = before[stays]
    return result


def with_slips(likely: np.ndarray, classes: int) -> np.ndarray:
    """The probability of a name where SLIPS of all names are drawn blindly from so many `classes`."""
    result: np.ndarray = (1 - SLIPS) * likely + SLIPS / classes
    return result


def believed(likely: np.ndarray, classes: int) -> np.ndarray:
    """The probability that a name is no slip; `likely`: of the name, by the network."""
    result: np.ndarray = (1 - SLIPS) * likely / with_slips(likely, classes)
    return result


def scale(centres: np.ndarray) -> float:
    """What makes a card's features vary by about 1 within a class in each direction.

    A card's unit is the distance of an ordinary cell from its class's centre, over all d directions together.
    """
    return float(np.sqrt(centres.shape[1])) if centres.size else 1.0


def fitted(
    probabilities: np.ndarray,
    features: np.ndarray | None,
    labels: np.ndarray,
    at: tuple[int, ...],
    penalty: tuple[float, float],
    unit: float = 1.0,
) -> Head:
    """The head that loses least on (n,) labels, all of them among `at`; each class weighs the same.

    `penalty`: on the squared weights of features multiplied by `unit`, and on the squared biases; where the first is
    infinite, a bias for each class and no more. Each name may be a slip, see SLIPS.
    Steps are bounded by the curvature that no multinomial exceeds (Böhning 1992), with Nesterov's momentum.
    """
    count, k = len(labels), len(at)
    width = 0 if features is None else features.shape[1]
    logs = np.log(np.maximum(np.asarray(probabilities, np.float64), LEAST))
    truth = (labels[:, None] == np.asarray(at)).astype(np.float64)
    weigh = (count / k / truth.sum(axis=0))[truth.argmax(axis=1), None]
    inputs, back = np.zeros((count, 0)), np.zeros((0, width))
    if features is not None and np.isfinite(penalty[0]):
        inputs, back = _spanned(np.asarray(features, np.float64) * unit)
    inputs = np.hstack([inputs, np.ones((count, 1))])
    ridge = np.append(np.full(inputs.shape[1] - 1, penalty[0]), penalty[1])
    step = np.linalg.inv((inputs * weigh).T @ inputs / 2 + np.diag(ridge))
    columns = list(at)
    found = ahead = np.zeros((k, inputs.shape[1]))
    pace = 1.0
    for _ in range(STEPS):
        scores = logs.copy()
        scores[:, columns] += inputs @ ahead.T
        likely = np.exp(log_softmax(scores)[:, columns])
        trust = believed((likely * truth).sum(axis=1), k)[:, None]
        slope = ((likely - truth) * weigh * trust).T @ inputs + ridge * ahead
        if np.abs(slope).max() < CLOSE * count:
            break
        after = ahead - slope @ step
        if ((ahead - after) * (after - found)).sum() > 0:  # the momentum leads uphill: begin it anew
            pace = 1.0
        faster = (1 + np.sqrt(1 + 4 * pace**2)) / 2
        found, ahead, pace = after, after + (pace - 1) / faster * (after - found), faster
    return Head(at, ahead[:, :-1] @ back * unit, ahead[:, -1])


def _spanned(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same features (n, d) in as few numbers as they span, and (r, d) orthonormal rows that lead back."""
    if len(features) >= features.shape[1]:
        return features, np.eye(features.shape[1])
    _, sizes, rows = np.linalg.svd(features, full_matrices=False)
    rows = rows[sizes > 1e-9 * max(sizes[0], 1e-300)]
    return features @ rows.T, rows


def log_softmax(scores: np.ndarray) -> np.ndarray:
    """Of (…, classes) scores, over the last axis."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    result: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result
