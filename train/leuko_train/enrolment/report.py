"""The report of `leuko-train enrolment`: report.json, report.md and enrolment.png."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import report
from ..metrics.figures import few_cells_picture
from . import unlabelled
from .measure import FIGURES

HEADER = (
    "laboratory",
    "cells a class",
    "named",
    "taught in",
    "balanced accuracy (of 95 % of draws)",
    "ECE",
    "a normal differential is off by, points",
    "set aside",
    "called abnormal",
    "abnormal called abnormal",
    "blasts told",
)
UNNAMED = (
    "patient",
    "what is done",
    "balanced accuracy",
    "its differential is off by, points",
    "set aside",
    "blasts told",
)
MEAN = "mean of those left out"


def mean_of(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """For each number of cells, `FIGURES` averaged over the laboratories left out; empty where there is none."""
    own = [entry["taught"] for entry in entries if entry["left_out"]]
    result = []
    for same in zip(*own, strict=True):
        means = {key: [one[key] for one in same if not np.isnan(one[key])] for key in (*FIGURES, "cells", "learnt")}
        values = {key: float(np.mean(value)) if value else float("nan") for key, value in means.items()}
        result.append({"number": same[0]["number"], **values})
    return result


def _row(name: str, one: Mapping[str, Any]) -> tuple[Any, ...]:
    balanced = f"{100 * one['balanced_accuracy']:.1f}"
    if "between" in one:
        low, high = 100 * np.asarray(one["between"]["balanced_accuracy"])
        balanced += f" ({low:.1f}–{high:.1f})"
    shares = ["–" if np.isnan(one[key]) else f"{100 * one[key]:.1f} %" for key in FIGURES[3:]]
    learnt, points = f"{100 * one['learnt']:.0f} %", f"{one['normal_bias']:.1f}"
    return name, one["number"], f"{one['cells']:.0f}", learnt, balanced, f"{100 * one['ece']:.1f} %", points, *shares


def write(
    out: Path, entries: Sequence[Mapping[str, Any]], data_sha256: str, seed: int, asked: Mapping[str, Any]
) -> str:
    """Write all three to the folder `out`; the Markdown is returned.

    `entries`: laboratory, left_out, taught, and without_labels where that was asked. `asked`: the command's options.
    """
    made = report.provenance(data_sha256, seed)
    mean = mean_of(entries)
    rows = [_row(entry["laboratory"], one) for entry in entries for one in entry["taught"]]
    rows += [_row(MEAN, one) for one in mean]
    lies = f" {asked['wrong']:.0%} of the names are wrong on purpose." if asked["wrong"] else ""
    allowed = "Any other answer than a cell's own is wrong."
    if asked["only_five"]:
        allowed = "No class but the five may be answered."
    if asked["all_classes"]:
        allowed += " Cells of every class that the laboratory has are named."
    text = [
        "# A few named cells of a laboratory that trained nothing",
        report.provenance_lines(made),
        f"{asked['draws']} draws: half of the smears, patients or photographs name cells, the other half is tested. "
        f"{allowed}{lies} "
        "Means over the draws; taught in: the share of draws in which enrolling gained anything, else as shipped.",
        report.table(HEADER, rows),
    ]
    unnamed = [entry["without_labels"] for entry in entries if entry["left_out"] and "without_labels" in entry]
    unnamed_mean = unlabelled.mean_of(unnamed)
    if unnamed:
        text += [
            f"## Without names, {asked['without_labels']} cells of one patient, mean of the laboratories left out",
            report.table(UNNAMED, _unnamed_rows(unnamed_mean)),
        ]
    content = {
        "provenance": made,
        **asked,
        "laboratories": entries,
        "mean": mean,
        "without_labels_mean": unnamed_mean,
    }
    report.write_json(out / "report.json", content)
    lines = {entry["laboratory"]: entry["taught"] for entry in entries}
    few_cells_picture(out / "enrolment.png", lines | ({MEAN: mean} if mean else {}))
    markdown = "\n\n".join(text) + "\n"
    (out / "report.md").write_text(markdown, encoding="utf-8")
    return markdown


def _unnamed_rows(mean: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[tuple[str, ...]]:
    return [
        (
            *(patient, method, f"{100 * one['balanced_accuracy']:.1f}", f"{one['patient_bias']:.1f}"),
            *(f"{100 * one[key]:.1f} %" for key in ("unidentified", "blasts_told")),
        )
        for patient, methods in mean.items()
        for method, one in methods.items()
    ]
