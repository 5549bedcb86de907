"""What one laboratory taught a model: a small JSON file, no pictures, applied to the calibrated answers.

The shipped network is not learnt anew. To the scores of the classes that the laboratory named cells of, a head on the
network's features is added (`local_head`), and the limits of doubt become the laboratory's own. Blasts and variant
lymphocytes that nobody named keep the probability that the network gave them; any other class may lose cells to those
named.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import EnvironmentBroken, ModelError, UsageError
from ..files import write_whole, xdg_folder
from ..types import ABNORMAL, CLASSES
from .card import ModelCard
from .local_head import Head

SCHEMA = "leuko-edge-site/2"
OLDER = ("leuko-edge-site/1",)
"""A map of the answers, before there was a head on the features: what it was taught with is to be taught again."""
MAX_BYTES = 1_000_000
_NAME = re.compile(r"[\w][\w .-]{0,63}")


@dataclass(frozen=True)
class Site:
    """`weights` (k, d) on the card's features (d 0 without any) and `bias` (k,) belong to the k `classes` taught.

    `temperature` and the limits are in place of the card's; a limit is None where the card has none.
    """

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
    temperature: float
    confidence_threshold: float
    distance_threshold: float | None
    abnormal_threshold: float | None
    proof: Mapping[str, Any] = field(default_factory=dict)  # cross-validated, before and after
    source: str = ""  # folder or sessions that the cells came from
    sessions: tuple[int, ...] = ()  # the numbers of those sessions, where no folder was among it

    def __post_init__(self) -> None:
        k = len(self.classes)
        numbers = [*self.bias, *(value for row in self.weights for value in row), self.temperature]
        limits = (self.confidence_threshold, self.distance_threshold, self.abnormal_threshold)
        numbers += [value for value in limits if value is not None]
        if k < 2 or len(set(self.classes)) != k or not set(self.classes) <= set(CLASSES):
            raise ValueError("its classes are not classes of leuko-edge")
        if len(self.bias) != k or len(self.weights) != k or len({len(row) for row in self.weights}) != 1:
            raise ValueError("its numbers do not fit its classes")
        if not all(isinstance(value, int | float) and math.isfinite(value) and abs(value) < 1e3 for value in numbers):
            raise ValueError("its numbers are out of range")
        if not 0.01 < self.temperature < 100 or not 0 <= self.confidence_threshold < 1:
            raise ValueError("its temperature or its limits are out of range")
        if not _NAME.fullmatch(self.name):
            raise ValueError("its name is none")

    def judged_by(self, card: ModelCard) -> ModelCard:
        """The card under the site's name and with its limits of doubt."""
        return replace(
            card,
            name=f"{card.name}, {self.said}",
            confidence_threshold=self.confidence_threshold,
            distance_threshold=self.distance_threshold,
            abnormal_threshold=self.abnormal_threshold,
        )

    def head(self, classes: tuple[str, ...]) -> Head:
        """Ready for answers whose columns are `classes`."""
        kept = tuple(classes.index(name) for name in ABNORMAL if name in classes and name not in self.classes)
        at = tuple(classes.index(name) for name in self.classes)
        return Head(at, np.array(self.weights, float), np.array(self.bias, float), self.temperature, kept)

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
        """EnvironmentBroken where it cannot be written; a file of before then stays as it was."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, (json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1) + "\n").encode())
        except OSError as error:
            why = error.strerror or error
            raise EnvironmentBroken(
                f"the site {path} cannot be written ({why})", "make room there, then again"
            ) from None

    def check(self, card: ModelCard) -> None:
        """ModelError where it was learnt with another model than the card's."""
        width = len(card.centres[0]) if card.centres else 0
        fits = set(self.classes) <= set(card.classes) and len(self.weights[0]) in (0, width)
        if self.model_sha256 != card.sha256 or not fits:
            raise ModelError(
                f"site {self.name} was taught with the model {self.model} ({self.model_sha256[:12]}…), not with "
                f"{card.name} ({card.sha256[:12]}…)",
                f"teach it again: leuko-edge enrol {self.name} {self.source or '--labelled FOLDER'}",
            )


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
    if isinstance(raw, dict) and raw.get("schema") in OLDER:
        again = f"teach it again: leuko-edge enrol {name} {raw.get('source') or '--labelled FOLDER'}"
        raise EnvironmentBroken(f"the site {path} was written by an older leuko-edge, which learnt otherwise", again)
    if isinstance(raw, dict) and str(raw.get("schema", "")).startswith("leuko-edge-site/") and raw["schema"] != SCHEMA:
        raise EnvironmentBroken(f"the site {path} was written by a newer leuko-edge", "update leuko-edge")
    try:
        if not isinstance(raw, dict) or raw.pop("schema", None) != SCHEMA:
            raise ValueError("no site")
        rows = tuple(tuple(float(v) for v in row) for row in raw.pop("weights"))
        bias, classes = tuple(float(v) for v in raw.pop("bias")), tuple(str(v) for v in raw.pop("classes"))
        sessions = tuple(int(v) for v in raw.pop("sessions", ()))
        return Site(classes=classes, weights=rows, bias=bias, sessions=sessions, **raw)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise EnvironmentBroken(f"the site {path} is damaged", cure) from None
