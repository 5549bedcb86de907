"""Can bands be told from segmented neutrophils? `leuko-train bands`.

The network's features (what its last layer reads) of cells that a laboratory names so, and a logistic regression on
them: once taught by every laboratory's training cells and asked about its test cells, once with the laboratory left
out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from leuko_edge.errors import UsageError

from ..calibration import features
from ..data import cell_set
from ..data.cell_set import CellSet
from ..metrics import classification
from .evaluate import load_run

NAMES = ("segmented_neutrophil", "band_neutrophil")
ENOUGH = 0.85
"""Balanced accuracy from which the two would be told apart on request."""
RIDGES = (1e-3, 1e-2, 1e-1, 1.0)
"""Weights of the squared coefficients, of which the validation cells choose."""
SAMPLES = 1000


def taught(values: np.ndarray, bands: np.ndarray, ridge: float) -> np.ndarray:
    """(d + 1,) coefficients, the intercept last, of a ridge logistic regression of (n, d); each kind weighs half."""
    signs = np.where(bands, 1.0, -1.0)
    weights = np.where(bands, 0.5 / bands.sum(), 0.5 / (~bands).sum())
    joined = np.column_stack([values, np.ones(len(values))])

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        margins = signs * (joined @ theta)
        slope = -weights * signs / (1 + np.exp(np.clip(margins, -50, 50)))
        pull = ridge * np.append(theta[:-1], 0)
        value = weights @ np.logaddexp(0, -margins) + 0.5 * float(pull @ theta)
        return float(value), slope @ joined + pull

    return np.asarray(minimize(loss, np.zeros(joined.shape[1]), jac=True, method="L-BFGS-B").x)


def told(theta: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(n,) bool: a band."""
    return values @ theta[:-1] + theta[-1] > 0


def judged(
    values: np.ndarray, bands: np.ndarray, teaching: np.ndarray, choosing: np.ndarray, asked: np.ndarray
) -> np.ndarray:
    """(2, 2) confusion of the cells `asked`; the three are (n,) bool. Standardised by the teaching cells."""
    mean, sd = values[teaching].mean(0), values[teaching].std(0) + 1e-6
    scaled = (values - mean) / sd
    fits = [taught(scaled[teaching], bands[teaching], ridge) for ridge in RIDGES]

    def balanced(theta: np.ndarray) -> float:
        found = classification.confusion(bands[choosing].astype(int), told(theta, scaled[choosing]).astype(int), 2)
        return classification.balanced_accuracy(found)

    best = max(fits, key=balanced)
    return classification.confusion(bands[asked].astype(int), told(best, scaled[asked]).astype(int), 2)


def measure(values: np.ndarray, cells: CellSet, chosen: np.ndarray) -> list[tuple[str, str, np.ndarray]]:
    """(laboratory, "its own test cells" or "left out", (2, 2) confusion) for each laboratory that names both."""
    assert cells.sub_types is not None
    bands, labs, splits = cells.sub_types[chosen] == NAMES[1], cells.labs[chosen], cells.splits[chosen]
    rows = []
    for lab in np.unique(labs):
        own, test = labs == lab, splits == "test"
        teach, choose = splits == "train", splits == "validation"
        rows.append((str(lab), "its own test cells", judged(values, bands, teach, choose, own & test)))
        rows.append((str(lab), "left out", judged(values, bands, ~own & teach, ~own & choose, own)))
    return rows


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cells", type=Path, required=True, help="folder that `leuko-train cells` wrote")
    parser.add_argument("--model", type=Path, required=True, help="folder that `leuko-train fit` wrote")


def run(args: argparse.Namespace) -> int:
    cells = cell_set.load(args.cells)
    if cells.sub_types is None or not np.isin(NAMES, cells.sub_types).all():
        raise UsageError(
            f"No laboratory of {args.cells} names both {' and '.join(NAMES)}, so there is nothing to measure."
        )
    named = np.isin(cells.sub_types, NAMES)
    both = [lab for lab in np.unique(cells.labs[named]) if np.isin(NAMES, cells.sub_types[cells.labs == lab]).all()]
    chosen = np.flatnonzero(named)
    model, trained = load_run(args.model)
    values = features.seen(model, trained, cells, chosen).features
    print("| laboratory | cells asked | segmented found | bands found | balanced | 95 % |\n|---|---|---|---|---|---|")
    worst = 1.0
    for lab, kind, matrix in measure(values, cells, chosen):
        if not matrix.sum(1).all():
            continue
        recalls, (low, high) = classification.recalls(matrix), balanced_interval(matrix)
        worst = min(worst, float(recalls.mean()))
        counts = " + ".join(str(int(n)) for n in matrix.sum(1))
        figures = " | ".join(f"{value:.3f}" for value in (*recalls, recalls.mean()))
        print(f"| {lab}, {kind} | {counts} | {figures} | {low:.3f}–{high:.3f} |")
    verdict = "enough" if worst >= ENOUGH else "not enough"
    print(f"\nLowest {worst:.3f}, wanted {ENOUGH}: {verdict} to tell them apart ({len(both)} laboratories name both).")
    return 0


def balanced_interval(matrix: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """95 % interval of the balanced accuracy, each row of (2, 2) drawn anew."""
    rng = np.random.default_rng(seed)
    drawn = [rng.binomial(int(row.sum()), row[i] / row.sum(), SAMPLES) / row.sum() for i, row in enumerate(matrix)]
    low, high = np.percentile(np.mean(drawn, 0), [2.5, 97.5])
    return float(low), float(high)
