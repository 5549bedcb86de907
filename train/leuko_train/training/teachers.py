"""Networks that another one learns from: what they say together about each view (distillation).

Hinton et al. 2015 (arXiv 1503.02531): the answer of several networks holds more than the name, which of the wrong
classes is near and where they disagree. Teacher and pupil see the very same view (Beyer et al. 2022, arXiv 2106.05237);
one that knows a smaller window sees its middle.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from leuko_edge.errors import UsageError
from leuko_edge.types import CLASSES

from ..data.augment import Window
from ..evaluation import evaluate
from ..network.vgg16 import CONFIGS

LEAST = 1e-4
"""No class counts as less likely to a teacher: a certain no of one would outvote all others."""
BATCH = 64


@dataclass(frozen=True)
class Teacher:
    """A network that `fit` trained; `size` pixels of `um_per_px` are what it sees, `white` its input for 255."""

    model: keras.Model
    size: int
    white: float


@dataclass(frozen=True)
class Teachers:
    """`names`: for the report, the folder and the beginning of the SHA-256 of its network."""

    members: tuple[Teacher, ...]
    names: tuple[str, ...]

    def answers(self, rgb: np.ndarray) -> np.ndarray:
        """(n, classes) float32, rows summing to 1: geometric mean of what all say of views (n, s, s, 3) uint8."""
        logs = np.mean([np.log(np.maximum(self._of(member, rgb), LEAST)) for member in self.members], axis=0)
        found = np.exp(logs)
        return np.asarray(found / found.sum(1, keepdims=True), np.float32)

    @staticmethod
    def _of(member: Teacher, rgb: np.ndarray) -> np.ndarray:
        edge = (rgb.shape[1] - member.size) // 2
        seen = rgb[:, edge : edge + member.size, edge : edge + member.size]
        given = seen.astype(np.float32) * np.float32(member.white / 255)
        return np.asarray(member.model.predict(given, batch_size=BATCH, verbose=0))


def read(folders: Sequence[Path], window: Window, excluded: Sequence[str] = ()) -> Teachers | None:
    """The teachers in folders that `fit` wrote, None where there are none.

    Raises UsageError for one of another scale, a larger window or other classes, and for one that was trained by a
    laboratory in `excluded`: what it knows of it would reach the pupil.
    """
    members = []
    for folder in folders:
        model, trained = evaluate.load_run(folder)
        size, um = trained["settings"]["input_size"], trained["settings"]["window_um"]
        if size > window.size or not np.isclose(um / size, window.um / window.size):
            cure = "a teacher sees as many µm per pixel as its pupil, and no wider window."
            raise UsageError(f"{folder} sees {um:g} µm on {size} pixels", cure)
        if tuple(trained["classes"]) != CLASSES:
            raise UsageError(f"{folder} knows other classes", "train it again, or take another teacher.")
        if knows := sorted(set(excluded) - set(trained["settings"]["exclude_labs"])):
            raise UsageError(f"{folder} was trained by {', '.join(knows)}", "take a teacher that left it out too.")
        members.append(Teacher(model, size, CONFIGS[trained["settings"]["network"]].white))
    return Teachers(tuple(members), tuple(map(_named, folders))) if members else None


def _named(folder: Path) -> str:
    return f"{folder.name} {hashlib.sha256((folder / 'model.keras').read_bytes()).hexdigest()[:16]}"
