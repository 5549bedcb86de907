"""What finds platelets learns from the boxes of the training split: a network of one hidden layer on what small stained
bodies look like."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from leuko_edge.model.finder import shipped
from leuko_edge.types import Scale
from leuko_edge.vision.field import Field
from leuko_edge.vision.platelets import FARTHEST, scores
from leuko_edge.vision.segment import find_cells
from leuko_edge.vision.small_bodies import FEATURES, Bodies, small_bodies

from ..data import build
from ..data.items import Box, Item
from ..finder.sources import RED_CELL_PX, RED_CELL_UM
from .fields import boxed, of_kind

TEACHERS = ("bccd", "deepbionet")
"""Raabin's training fields have 21 platelets in 280."""
HIDDEN = 16
DECAY = 1e-4  # of the weights' squares
STEPS, RATE = 500, 1e-2
NEAR_UM = 0.4  # a body's middle lies so near to its box: boxes are drawn by hand
YES, NO, UNSURE = 1, 0, -1


def fit(data: Path) -> dict[str, Any]:
    """The weights, and the threshold at which as many are found as the training fields have boxes."""
    features, labels, boxes = [], [], 0
    for lab, items in boxed(data, "train").items():
        if lab not in TEACHERS:
            continue
        for item in track(items, description=lab, transient=True):
            bodies, um_per_px = _bodies(item)
            features.append(bodies.features)
            labels.append(named(bodies, of_kind(item, "platelet"), um_per_px))
            boxes += len(of_kind(item, "platelet"))
    return learnt(np.concatenate(features), np.concatenate(labels), boxes)


def learnt(features: np.ndarray, y: np.ndarray, boxes: int) -> dict[str, Any]:
    """The weights of (n, len(FEATURES)) bodies and what they are, (n,) of `YES`, `NO`, `UNSURE`."""
    x = features.astype(np.float64)
    sure = y != UNSURE
    mean, deviation = x[sure].mean(0), x[sure].std(0) + 1e-6
    inputs = np.clip((x[sure] - mean) / deviation, -FARTHEST, FARTHEST)
    hidden, out = _descend(inputs, (y[sure] == YES).astype(np.float64))
    weights: dict[str, Any] = {"features": list(FEATURES)}
    for name, values in (("mean", mean), ("deviation", deviation), ("hidden", hidden), ("out", out)):
        weights[name] = np.round(values, 4).tolist()
    return {**weights, "threshold": round(float(np.sort(scores(x, weights))[-boxes - 1]), 4)}


def named(bodies: Bodies, boxes: Sequence[Box], um_per_px: float) -> np.ndarray:
    """(n,): of the bodies in a box the one nearest to its middle is its platelet, others there are unsure."""
    said = np.full(len(bodies.areas), NO)
    pad = NEAR_UM / um_per_px
    for box in boxes:
        wide = Box(box.kind, box.left - pad, box.top - pad, box.right + pad, box.bottom + pad)
        inside = [n for n, centre in enumerate(bodies.centres) if wide.holds(*centre) and said[n] == NO]
        if inside:
            said[inside] = UNSURE
            said[min(inside, key=lambda n: float(np.hypot(*(bodies.centres[n] - box.centre))))] = YES
    return said


def _bodies(item: Item) -> tuple[Bodies, float]:
    usual = Scale(RED_CELL_UM / RED_CELL_PX[item.lab], "pooled")
    seen = Field.from_bgr(build.read(item.path), fallback=usual)
    return small_bodies(seen, find_cells(seen, shipped())), seen.scale.um_per_px


def _descend(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(inputs + 1, HIDDEN) and (HIDDEN + 1,), the last rows the biases: Adam (Kingma & Ba 2015) on the cross-entropy of
    all at once."""
    chance = np.random.default_rng(0)
    hidden = chance.uniform(-1, 1, (x.shape[1] + 1, HIDDEN)) / x.shape[1] ** 0.5
    out = chance.uniform(-1, 1, HIDDEN + 1) / HIDDEN**0.5
    values = [hidden, out]
    moments, squares = ([np.zeros_like(one) for one in values] for _ in range(2))
    for step in range(1, STEPS + 1):
        layer = np.tanh(x @ values[0][:-1] + values[0][-1])
        error = (1 / (1 + np.exp(-(layer @ values[1][:-1] + values[1][-1]))) - y) / len(y)
        behind = error[:, None] * values[1][:-1] * (1 - layer**2)
        slopes = [np.vstack([x.T @ behind, behind.sum(0)]), np.append(layer.T @ error, error.sum())]
        for n, slope in enumerate(slopes):
            slope[:-1] += 2 * DECAY * values[n][:-1]
            moments[n] = 0.9 * moments[n] + 0.1 * slope
            squares[n] = 0.999 * squares[n] + 0.001 * slope**2
            values[n] = values[n] - RATE * (moments[n] / (1 - 0.9**step)) / (
                np.sqrt(squares[n] / (1 - 0.999**step)) + 1e-8
            )
    return values[0], values[1]
