"""Platelets of a field: which of its small stained bodies are some, by what the body looks like.

A network of one hidden layer, `platelets.json`, written by `leuko-train estimates --fit`: it learnt from the boxes of
two laboratories, as the file says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ..types import Cell
from .field import Field
from .small_bodies import FEATURES, small_bodies

CLUMP_UM2 = 14.0  # a single platelet of 4 µm covers 12.6
FARTHEST = 4.0  # standard deviations: what is farther from what was learnt is taken as that far
WEIGHTS = Path(__file__).with_name("platelets.json")


@dataclass(frozen=True)
class Platelets:
    """`centres` (n, 2) x, y in pixels of the file; `clumps` (n,) bool: too large for one, and counted as one."""

    centres: np.ndarray = field(repr=False)
    clumps: np.ndarray = field(repr=False)


def platelets(seen: Field, white_cells: Sequence[Cell]) -> Platelets:
    """Of a field with these white cells, in whose outlines none is looked for."""
    bodies, weights = small_bodies(seen, white_cells), _weights()
    some = scores(bodies.features, weights) > weights["threshold"]
    return Platelets(bodies.centres[some], bodies.areas[some] > CLUMP_UM2)


def scores(features: np.ndarray, weights: Mapping[str, Any]) -> np.ndarray:
    """(n,) 0 to 1 of (n, len(FEATURES))."""
    mean, deviation, hidden, out = (np.asarray(weights[name]) for name in ("mean", "deviation", "hidden", "out"))
    inputs = np.clip((features - mean) / deviation, -FARTHEST, FARTHEST)
    layer = np.tanh(inputs @ hidden[:-1] + hidden[-1])
    return np.asarray(1 / (1 + np.exp(-(layer @ out[:-1] + out[-1]))))


@cache
def _weights() -> Mapping[str, Any]:
    weights: dict[str, Any] = json.loads(WEIGHTS.read_text())
    if tuple(weights["features"]) != FEATURES:
        raise ValueError("platelets.json is of other features")
    return weights
