"""What a check found, for machines (JSON) and for the model's card (its certificate)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from leuko_edge.model.card import ModelCard
from leuko_edge.model.certificate import SCHEMA as CERTIFICATE
from leuko_edge.model.certificate import SIDES, decisive
from leuko_train.metrics import classification
from leuko_train.report import provenance

from .agreement import Comparison, Side
from .intervals import METHOD
from .labelled import Labelled

SCHEMA = "leuko-check/1"


@dataclass(frozen=True)
class Measured:
    """One model: its card, its size, and the median time of a single cell after warm-up."""

    card: ModelCard
    megabytes: float
    ms_per_cell: float


def result(
    found: Comparison, data: Labelled, reference: Measured, quantized: Measured, command: str, threads: int
) -> dict[str, Any]:
    """Everything that the check measured, in JSON's types."""
    made = provenance(data.sha256, None)
    return {
        "schema": SCHEMA,
        "float": _model(reference, found.reference, found.classes),
        "quantized": _model(quantized, found.quantized, found.classes),
        "threads": threads,
        "loss_points": found.loss_points,
        "agreement": found.agreement,
        "agreement_as_shown": found.shown_agreement,
        "by_class": found.by_class,
        "largest_shift": found.largest_shift,
        "normal_differential": found.normal_differential,
        "intervals": METHOD,
        "data": {
            "name": data.described,
            "cells": found.cells,
            "sources": found.photographs.count,
            "sha256": data.sha256,
            "missed": list(data.missed),
        },
        "disagreements": found.worst(data.names),
        "command": command,
        "commit": made["commit"],
        "dirty": made["dirty"],
        "versions": made["versions"],
    }


def _model(measured: Measured, side: Side, classes: tuple[str, ...]) -> dict[str, Any]:
    rows = classification.per_class(side.matrix)
    return {
        "name": measured.card.name,
        "sha256": measured.card.sha256,
        "megabytes": measured.megabytes,
        "ms_per_cell": measured.ms_per_cell,
        "accuracy": side.accuracy,
        "balanced_accuracy": side.balanced,
        "unidentified": side.unidentified,
        "per_class": {
            label: {
                "cells": int(rows["support"][i]),
                **{key: _number(rows[key][i]) for key in ("precision", "recall", "f1")},
            }
            for i, label in enumerate(classes)
        },
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)  # JSON has no NaN


def certify(cards: Mapping[Path, ModelCard], checked: dict[str, Any]) -> None:
    """Write what counts of `checked` into the cards at these paths; files and disagreements stay out of it."""
    certificate = {
        "schema": CERTIFICATE,
        **{side: {key: checked[side][key] for key in ("name", "sha256")} for side in SIDES},
        "accuracy": {side: checked[side]["accuracy"] for side in SIDES},
        "balanced_accuracy": {side: checked[side]["balanced_accuracy"] for side in SIDES},
        "data": {key: checked["data"][key] for key in ("name", "cells", "sources", "sha256")},
        **{key: checked[key] for key in ("agreement", "by_class", "largest_shift", "loss_points", "intervals")},
        **{key: checked[key] for key in ("command", "commit", "dirty")},
    }
    for path, card in cards.items():
        certificate["card"] = decisive(vars(card))
        replace(card, certificate=certificate).save(path)
