"""What a session begins with, the same at the command line and in the service."""

from __future__ import annotations

from collections.abc import Mapping
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
    )


def _thresholds(card: ModelCard) -> dict[str, float]:
    found = {"confidence": card.confidence_threshold, "temperature": card.temperature, "warn_share": card.warn_share}
    return found if card.distance_threshold is None else found | {"distance": card.distance_threshold}
