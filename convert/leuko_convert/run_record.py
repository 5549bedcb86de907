"""What a training run says of itself, as the card repeats it: report.json and calibration.json beside the network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leuko_edge.errors import UsageError
from leuko_edge.model.card import EXCLUDED_THRESHOLD, WARN_SHARE
from leuko_edge.types import CLASSES

REPORT, CALIBRATION = "report.json", "calibration.json"
THRESHOLD = 0.5
"""Where no calibration gives one: a best class that is less likely than all others together is not a finding."""

_REPEATED = ("provenance", "settings", "best_epoch", "seconds", "training_cells", "validation_cells", "validation")


@dataclass(frozen=True)
class RunFacts:
    """`training` goes into the card as it is."""

    classes: tuple[str, ...] = CLASSES
    window_um: float = 24.0
    temperature: float = 1.0
    confidence_threshold: float = THRESHOLD
    turns: int = 1
    early_exit: float | None = None
    distance_threshold: float | None = None
    excluded_threshold: float = EXCLUDED_THRESHOLD
    abnormal_threshold: float | None = None
    warn_share: float = WARN_SHARE
    training: dict[str, Any] = field(default_factory=dict)


def read(run: Path) -> RunFacts:
    """The facts in folder `run`; the defaults where it has no report. UsageError for a file that is no JSON object."""
    report, calibration = _json(run / REPORT), _json(run / CALIBRATION)
    measured = {**report, **calibration}
    return RunFacts(
        classes=tuple(report.get("classes", CLASSES)),
        window_um=float(report.get("window_um", RunFacts.window_um)),
        temperature=float(measured.get("temperature", RunFacts.temperature)),
        confidence_threshold=float(measured.get("confidence_threshold", THRESHOLD)),
        turns=int(measured.get("turns", RunFacts.turns)),
        early_exit=calibration.get("early_exit"),
        distance_threshold=calibration.get("distance_threshold"),
        excluded_threshold=float(calibration.get("excluded_threshold") or EXCLUDED_THRESHOLD),
        abnormal_threshold=calibration.get("abnormal_threshold"),
        warn_share=float(calibration.get("warn_share", WARN_SHARE)),
        training={key: report[key] for key in _REPEATED if key in report}
        | ({"calibration": calibration} if calibration else {}),
    )


def _json(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as JSON ({error}).") from None
    if not isinstance(content, dict):
        raise UsageError(f"{path} should hold a JSON object.")
    return content
