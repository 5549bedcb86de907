"""What one laboratory taught a model: a small JSON file, no pictures, applied to the calibrated answers.

The answers of the shipped network are not learnt anew. Among the classes that the laboratory named cells of, the
log-probabilities pass through a matrix and a bias per class; what these classes have together, and every other class
(a blast that nobody showed), keeps the probability that the network gave it.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import EnvironmentBroken, ModelError, UsageError
from ..files import write_whole, xdg_folder
from ..types import CLASSES
from .card import ModelCard

SCHEMA = "leuko-edge-site/1"
MAX_BYTES = 1_000_000
LEAST = 1e-6
"""A probability counts as at least this much: an int8 softmax gives 0 where it means "hardly"."""
_NAME = re.compile(r"[\w][\w .-]{0,63}")


@dataclass(frozen=True)
class Site:
    """`weights` (k, k) and `bias` (k,) belong to `classes`, the k classes that were taught, in the card's order."""

    name: str
    model: str
    model_sha256: str
    made: str  # ISO 8601, UTC
    by: str
    program: str
    cells: Mapping[str, int]  # how many of each class it was taught with
    classes: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]
    proof: Mapping[str, Any] = field(default_factory=dict)  # cross-validated, before and after
    source: str = ""  # folder or sessions that the cells came from

    def __post_init__(self) -> None:
        k = len(self.classes)
        numbers = [*self.bias, *(value for row in self.weights for value in row)]
        if k < 2 or len(set(self.classes)) != k or not set(self.classes) <= set(CLASSES):
            raise ValueError("its classes are not classes of leuko-edge")
        if len(self.bias) != k or len(self.weights) != k or any(len(row) != k for row in self.weights):
            raise ValueError("its numbers do not fit its classes")
        if not all(isinstance(value, int | float) and math.isfinite(value) and abs(value) < 1e3 for value in numbers):
            raise ValueError("its numbers are out of range")
        if not _NAME.fullmatch(self.name):
            raise ValueError("its name is none")

    def applied(self, probabilities: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
        """(n, classes) calibrated probabilities as this laboratory has them; rows sum to 1."""
        at = [classes.index(name) for name in self.classes]
        return np.asarray(applied(probabilities, at, np.array(self.weights), np.array(self.bias)))

    @property
    def said(self) -> str:
        """As every report of the site names it."""
        taught, before, after = sum(self.cells.values()), self.proof.get("before"), self.proof.get("after")
        if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
            return f"site {self.name}: {taught} named cells"
        low, high = after["balanced_accuracy_95"]
        return (
            f"site {self.name}: {taught} named cells, {after['balanced_accuracy']:.0%} "
            f"({low:.0%}–{high:.0%}) cross-validated; without {before['balanced_accuracy']:.0%}"
        )

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, (json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1) + "\n").encode())

    def check(self, card: ModelCard) -> None:
        """ModelError where it was learnt with another model than the card's."""
        if self.model_sha256 != card.sha256 or not set(self.classes) <= set(card.classes):
            raise ModelError(
                f"site {self.name} was taught with the model {self.model} ({self.model_sha256[:12]}…), not with "
                f"{card.name} ({card.sha256[:12]}…)",
                f"teach it again: leuko-edge enrol {self.name} {self.source or '--labelled FOLDER'}",
            )


def applied(probabilities: np.ndarray, at: list[int], weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """(n, classes), columns `at` passed through `weights` (k, k) and `bias` (k,); their sum in each row stays."""
    found = np.asarray(probabilities, np.float64).copy()
    taught = found[:, at]
    mass = taught.sum(axis=1, keepdims=True)
    scores = np.log(np.maximum(taught, LEAST)) @ weights.T + bias
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    found[:, at] = mass * scores / scores.sum(axis=1, keepdims=True)
    return found


def folder() -> Path:
    """Where this user's sites are kept."""
    return xdg_folder("state") / "sites"


def place(name: str) -> Path:
    """The file of a site: NAME in `folder`, or the path itself where it names a file. UsageError for no name."""
    if name.endswith(".json") or os.sep in name:
        return Path(name)
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name of a site: letters, digits, space, . _ - are taken, 64 at most")
    return folder() / f"{name}.json"


def load(name: str) -> Site:
    """The site of a name or a path; UsageError where there is none, EnvironmentBroken where it cannot be used."""
    path = place(name)
    cure = "teach it again with leuko-edge enrol, or count without --site"
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("too large")
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"there is no site {name}", "leuko-edge enrol --list shows those there are") from None
    except OSError as error:
        raise EnvironmentBroken(f"the site {path} cannot be read: {error.strerror or error}", cure) from None
    except (ValueError, RecursionError):
        raise EnvironmentBroken(f"the site {path} is damaged", cure) from None
    if isinstance(raw, dict) and str(raw.get("schema", "")).startswith("leuko-edge-site/") and raw["schema"] != SCHEMA:
        raise EnvironmentBroken(f"the site {path} was written by a newer leuko-edge", "update leuko-edge")
    try:
        if not isinstance(raw, dict) or raw.pop("schema", None) != SCHEMA:
            raise ValueError("no site")
        rows = tuple(tuple(float(v) for v in row) for row in raw.pop("weights"))
        bias, classes = tuple(float(v) for v in raw.pop("bias")), tuple(str(v) for v in raw.pop("classes"))
        return Site(classes=classes, weights=rows, bias=bias, **raw)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise EnvironmentBroken(f"the site {path} is damaged", cure) from None
