"""What a session begins with, the same at the command line and in the service."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from .. import __version__
from ..model.card import ModelCard
from ..store import SessionInfo
from .goal import Goal

TARGET = 100  # cells, where no other goal is given


class Described(Protocol):
    """What is counted: a camera, a film, photographs."""

    name: str

    def describe(self) -> Mapping[str, Any]: ...


def information(
    source: Described,
    card: ModelCard,
    goal: Goal,
    references: Mapping[str, tuple[float, float]],
    *,
    sample: str = "",
    operator: str = "",
    notes: str = "",
    simulated: bool = False,
    kind: str = "live",
    second_signature: bool = False,
    decisions: Sequence[str] = (),
) -> SessionInfo:
    """The record's head; `source` is open, for only then it knows its size."""
    return SessionInfo(
        sample=sample,
        operator=operator,
        notes=notes,
        source=source.name,
        source_details=source.describe(),
        model_name=card.name,
        model_sha256=card.sha256,
        target=goal.target,
        precision=goal.precision,
        simulated=simulated,
        leukocytes=card.leukocytes,
        program=f"leuko-edge {__version__}",
        thresholds=_thresholds(card),
        ranges=dict(references),
        window_um=card.window_um,
        kind=kind,
        classes=card.classes,
        second_signature=second_signature,
        decisions=tuple(decisions),
    )


def _thresholds(card: ModelCard) -> dict[str, float]:
    found = {"confidence": card.confidence_threshold, "temperature": card.temperature, "warn_share": card.warn_share}
    return found if card.distance_threshold is None else found | {"distance": card.distance_threshold}


def misfit(before: SessionInfo, now: SessionInfo) -> str:
    """Why the cells of the session `before` and those of `now` are not to be counted together; "" where they may.

    A camera may come back under another name or at another port; another size of its pictures is another scale, and
    then neither the map nor the cells of before mean anything.
    """
    old, new = before.source_details, now.source_details
    if before.simulated != now.simulated:
        return "simulated and real cells are not counted together"
    if before.model_sha256 != now.model_sha256 or before.leukocytes != now.leukocytes:
        return "it was counted with another model"
    if before.model_name != now.model_name or before.thresholds != now.thresholds:
        return f"it was counted with another site's model or other limits ({before.model_name})"
    if old.get("kind") != new.get("kind"):
        return "it was counted with a source of another kind"
    if any(old.get(side, new.get(side)) != new.get(side) for side in ("width", "height", "size")):
        return "the camera's pictures had another size"
    if new.get("kind") in ("video", "folder") and not _same_film(before, now):
        return f"it was of another film ({before.source})"
    if new.get("kind") == "simulated" and any(old.get(name) != new.get(name) for name in ("seed", "slide")):
        return "it was of another simulated slide"
    if any(old.get(name, new.get(name)) != new.get(name) for name in ("card", "model")):
        return f"it was counted with another camera ({before.source})"
    return ""


def _same_film(before: SessionInfo, now: SessionInfo) -> bool:
    """By its name and all that was noted of it, wherever it lies now."""
    names = [os.path.basename(os.path.realpath(info.source)) for info in (before, now)]
    old, new = before.source_details, now.source_details
    return names[0] == names[1] and all(old[key] == new[key] for key in set(old) & set(new) - {"name"})
