"""What `leuko-train calibrate` prints: the ways round that were tried, and what the limits of doubt cost and catch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..report import table
from . import thresholds
from .thresholds import Judged, Limits

_COLUMNS = {
    "cells": "cells",
    "leukocytes_aside": "leukocytes set aside",
    "aside_unchosen": "the same, limits chosen without it",
    "abnormal_as_normal": "abnormal cells counted as normal",
    "blasts_told": "blasts called abnormal or unidentified",
    "normal_as_blast": "lymphocytes and monocytes called blast",
    "smudges_counted": "smudges counted as leukocytes",
    "untaught_aside": "cells of classes not taught set aside",
    "accuracy": "accuracy",
    "accuracy_kept": "accuracy of the rest",
    "wrong_aside": "wrong answers set aside",
    "ece": "ECE",
    "ece_unchosen": "ECE, temperature chosen without it",
    "auroc_distance": "AUROC distance",
    "auroc_confidence": "AUROC confidence",
    "auroc_both": "AUROC both",
    "warned": "sessions warned of",
}


def ways(tried: Mapping[int, Mapping[str, Any]]) -> str:
    """A row for each number of turns."""
    header = ("turns", "balanced accuracy, mean of laboratories", "negative log-likelihood", "temperature")
    keys = ("negative_log_likelihood", "temperature")
    rows = [(turns, one["validation"]["score"], *(one[key] for key in keys)) for turns, one in sorted(tried.items())]
    return table(header, rows)


def doubt(
    away: Mapping[str, Judged], known: Mapping[str, Judged], apart: Mapping[str, Judged], limits: Limits, warn: float
) -> dict[str, dict[str, dict[str, Any]]]:
    """Rows by laboratory: left out ("left out"), those of the network's own validation cells ("known"), and others."""
    groups = {"left out": away, "known": known, "never trained on": apart}
    found = {
        group: {lab: thresholds.row(cells, limits) | _warned(cells, limits, warn) for lab, cells in labs.items()}
        for group, labs in groups.items()
    }
    for lab in away if len(away) > 1 else ():
        other = thresholds.choose([cells for name, cells in away.items() if name != lab])
        found["left out"][lab]["aside_unchosen"] = thresholds.row(away[lab], other)["leukocytes_aside"]
    return found


def _warned(cells: Judged, limits: Limits, warn: float) -> dict[str, float | None]:
    shares = thresholds.session_shares(cells, limits)
    return {"warned": float(np.mean(shares > warn)) if len(shares) else None}


def text(found: Mapping[str, Mapping[str, Mapping[str, Any]]], limits: Limits, warn: float) -> str:
    """The table and what the limits are."""
    rows = []
    for group, labs in found.items():
        rows += [(group, lab, *(one.get(key) for key in _COLUMNS)) for lab, one in labs.items()]
        if group == "left out" and labs:
            means = (None if key == "cells" else _mean([one.get(key) for one in labs.values()]) for key in _COLUMNS)
            rows.append((group, "mean", *means))
    return (
        f"{table(('', 'laboratory', *_COLUMNS.values()), rows)}\n\n"
        f"Unidentified: below a confidence of {limits.confidence:.4f}, or farther than {limits.distance:.3f} "
        "(1: the median validation cell)"
        + (
            ""
            if limits.abnormal is None
            else f", or abnormal or a smudge with more than {limits.abnormal:.4f} but normal at first sight"
        )
        + ".\n"
        f"A session warns above {warn:.1%} unidentified, as {1 - thresholds.CALM:.0%} at most of those of "
        f"{thresholds.SESSION} white cells of known laboratories would."
    )


def _mean(column: list[Any]) -> float | None:
    known = [float(value) for value in column if value is not None and not np.isnan(value)]
    return float(np.mean(known)) if known else None
