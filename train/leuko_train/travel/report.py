"""The report of `leuko-train travel`: each laboratory judged by a network that never saw it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from leuko_edge.types import CLASSES

from .. import report
from ..data import laboratories
from ..data.cell_set import CellSet
from ..evaluation.report import (
    LAB_HEADER,
    SURE_HEADER,
    calibration,
    class_table,
    coverage_line,
    lab_row,
    limits,
    sure_row,
)
from ..metrics import answers as measures
from ..metrics import figures
from ..metrics.answers import Answers
from .pieces import TOLD, Done

TITLES = {"five": "Five classes (another answer is wrong)", "nine": "Every class that the laboratory has"}


@dataclass(frozen=True)
class Judged:
    """One folder's cells, judged by one network. `own`: it is the laboratory that was left out, not a copy of it."""

    variant: str
    left_out: str
    folder: str
    own: bool
    answers: Answers
    measured: dict[str, Any]

    @property
    def name(self) -> str:
        """Several networks judge a folder that none of them may train on."""
        return f"{self.folder}, without {self.left_out}" if self.folder in laboratories.APART else self.folder


def judged(done: Sequence[Done], cells: CellSet) -> list[Judged]:
    """All answers, parted by folder: the laboratories first, then their copies, then what is none."""
    result = []
    for one in done:
        for folder in one.piece.judged:
            rows = cells.labs[one.rows] == folder
            if rows.any():
                answers = one.answers.of(rows)
                measured = measures.measure(answers, one.trained["confidence_threshold"])
                own = folder not in (*laboratories.APART, *laboratories.COPIES)
                result.append(Judged(one.piece.variant, one.piece.left_out, folder, own, answers, measured))
    return sorted(result, key=lambda entry: (not entry.own, entry.folder in laboratories.APART))


def _mean(entries: Sequence[Judged], part: str) -> dict[str, Any] | None:
    """Of the laboratories left out: balanced accuracy with its interval, and means of what else has a target."""
    chosen = [entry for entry in entries if entry.own and part in entry.measured]
    if not chosen:
        return None
    sets = [entry.answers if part == "nine" else entry.answers.five() for entry in chosen]
    value, interval = measures.mean_balanced(sets)
    keys = (
        *("balanced_accuracy_enough", "calibration_error_untempered", "calibration_error"),
        *("accuracy_least_sure_aside", "rejected"),
    )
    return {
        "laboratories": [entry.folder for entry in chosen],
        "balanced_accuracy": value,
        "balanced_accuracy_ci95": interval,
        **{key: float(np.mean([entry.measured[part][key] for entry in chosen])) for key in keys},
        "differential_points": measures.mean_points([entry.measured for entry in chosen]),
        "rejected_leukocytes": float(np.mean([entry.measured["rejected_leukocytes"] or 0.0 for entry in chosen])),
    }


def _comparison(entries: Sequence[Judged], part: str) -> str:
    """A row for each variant; beside its mean that of the settings as told, over the same laboratories."""
    folders = list(dict.fromkeys(entry.folder for entry in entries if entry.folder not in laboratories.APART))
    told = [entry for entry in entries if entry.variant == TOLD]
    rows = []
    for variant in dict.fromkeys(entry.variant for entry in entries):
        own = {entry.folder: entry for entry in entries if entry.variant == variant}
        mean = _mean(list(own.values()), part)
        if mean is None:
            continue
        same = _mean([entry for entry in told if entry.folder in mean["laboratories"]], part)
        comparable = same is not None and same["laboratories"] == mean["laboratories"]
        by_folder = [own[f].measured.get(part, {}).get("balanced_accuracy") if f in own else None for f in folders]
        value = f"{mean['balanced_accuracy']:.4f} ({limits(mean['balanced_accuracy_ci95'])})"
        beside = same["balanced_accuracy"] if same is not None and comparable else None
        keys = ("calibration_error", "accuracy_least_sure_aside", "rejected_leukocytes", "differential_points")
        sure = [mean[key] for key in keys]
        rows.append((variant, *by_folder, len(mean["laboratories"]), value, beside, *sure))
    header = ("variant", *folders, "laboratories", "their mean", "as told, the same laboratories", "mean ECE")
    more = (f"accuracy, {1 - measures.SET_ASIDE:.0%} kept", "leukocytes unidentified", "points off in the worst class")
    return report.table((*header, *more), rows)


def _trained(done: Sequence[Done]) -> str:
    rows = []
    for one in done:
        epochs, minutes = one.trained["epochs"], one.trained["seconds"] / 60
        best, temperature = one.trained["best_epoch"], one.trained["temperature"]
        excluded = ", ".join(one.piece.excluded)
        rows.append((one.piece.variant, excluded, len(epochs), best, f"{minutes:.1f}", temperature))
    return report.table(("variant", "trained without", "epochs", "chosen", "minutes", "temperature"), rows)


def _of_told(out: Path, told: Sequence[Judged]) -> list[str]:
    """The tables and pictures of the settings as told."""
    text = ["## Each laboratory by a network that never saw it"]
    for part, title in TITLES.items():
        chosen = [entry for entry in told if part in entry.measured]
        if not chosen:
            continue
        text += [f"{title}:", report.table(LAB_HEADER, [lab_row(e.name, e.measured, part) for e in chosen])]
        if mean := _mean(told, part):
            interval, names = limits(mean["balanced_accuracy_ci95"]), ", ".join(mean["laboratories"])
            enough = f"over classes of {measures.ENOUGH} cells or more {mean['balanced_accuracy_enough']:.4f}"
            text.append(f"Mean over {names}: {mean['balanced_accuracy']:.4f} ({interval}); {enough}.")
        text.append("How sure it is (temperature and threshold of validation cells of the other laboratories):")
        text.append(report.table(SURE_HEADER, [sure_row(e.name, e.measured, part) for e in chosen]))
    for entry in told:
        text += [f"{entry.name}, each class:", class_table(entry.measured["nine"])]
        place = out / f"confusion-{entry.name.replace(', ', '-').replace(' ', '-')}.png"
        figures.confusion_picture(place, entry.measured["nine"]["confusion"], CLASSES, f"{entry.name}, left out")
    figures.reliability_picture(out / "reliability.png", {e.name: calibration(e.answers) for e in told})
    lines = {entry.name: coverage_line(entry.answers) for entry in told}
    figures.coverage_picture(out / "coverage.png", lines, measures.SET_ASIDE)
    return text


def write(out: Path, done: Sequence[Done], cells: CellSet) -> str:
    """report.json, report.md and the pictures in `out`, of the pieces that are done; gives the Markdown."""
    entries = judged(done, cells)
    told = [entry for entry in entries if entry.variant == TOLD]
    text = ["# Laboratories that did not train it"]
    if told:
        text += _of_told(out, told)
    if {entry.variant for entry in entries} != {TOLD}:
        for part, title in TITLES.items():
            text += [f"## Baselines and variants. {title}", _comparison(entries, part)]
    made = report.provenance(cells.sha256, done[0].piece.settings.seed)
    text += ["## The trainings", _trained(done), report.provenance_lines(made) + "\n"]
    content = {
        "provenance": made,
        "trained": {one.piece.name: one.trained["provenance"] | {"settings": one.trained["settings"]} for one in done},
        "classes": CLASSES,
        "judged": [
            {"variant": e.variant, "left_out": e.left_out, "folder": e.folder, **e.measured} for e in entries
        ],
        "mean": {
            variant: {part: _mean([e for e in entries if e.variant == variant], part) for part in TITLES}
            for variant in dict.fromkeys(entry.variant for entry in entries)
        },
    }  # fmt: skip
    report.write_json(out / "report.json", content)
    joined = "\n\n".join(text)
    (out / "report.md").write_text(joined, encoding="utf-8")
    return joined
