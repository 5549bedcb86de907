"""The report of `leuko-train evaluate`: tables by laboratory, calibration and risk against coverage as pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from leuko_edge.types import CLASSES

from .. import report
from ..data import laboratories
from ..metrics import answers as measures
from ..metrics import classification, figures
from ..metrics.answers import Answers

LAB_HEADER = ("laboratory", "cells", "photographs", "balanced accuracy", "95 %", "classes of 5 cells or more", "95 %")
SURE_HEADER = (
    "laboratory",
    "ECE untempered",
    "ECE",
    *(f"accuracy, {share:.0%} kept" for share in measures.COVERAGES),
    "below the threshold",
    "leukocytes below it",
    "a normal differential is off by, points",
    "in",
    "95 %",
)


def limits(low_high: Any) -> str:
    """ "0.712–0.766", or a dash where there is no interval."""
    low, high = (float("nan") if value is None else float(value) for value in low_high)
    return "–" if np.isnan(low) else f"{low:.3f}–{high:.3f}"


def lab_row(name: str, measured: Mapping[str, Any], part: str) -> tuple[Any, ...]:
    """A row under LAB_HEADER. `measured`: what `measures.measure` gave, its `part` there."""
    found = measured[part]
    whole, enough = (
        (found[key], limits(found[key + "_ci95"])) for key in ("balanced_accuracy", "balanced_accuracy_enough")
    )
    return (name, found["cells"], found["sources"], *whole, *enough)


def sure_row(name: str, measured: Mapping[str, Any], part: str) -> tuple[Any, ...]:
    """A row under SURE_HEADER."""
    found = measured[part]
    kept = [at["accuracy"] for at in found["coverage"]]
    errors = (found["calibration_error_untempered"], found["calibration_error"])
    return (name, *errors, *kept, found["rejected"], measured["rejected_leukocytes"], *_bias(measured["differential"]))


def _bias(found: Mapping[str, Any] | None) -> tuple[str, str, str]:
    if found is None:
        return "–", "–", "–"
    low, high = found["largest_ci95"]
    return f"{found['points']:+.1f}", found["class"], f"{low:.1f}–{high:.1f}"


def class_table(found: Mapping[str, Any]) -> str:
    """Each class of the set against the rest, with intervals. `found`: a part of a measure."""
    scores = found["per_class"]
    rows = []
    for i in np.flatnonzero(scores["support"]):
        recall, precision = limits(scores["recall_ci95"][i]), limits(scores["precision_ci95"][i])
        measured = (scores["recall"][i], recall, scores["precision"][i], precision, scores["f1"][i])
        rows.append((CLASSES[i], scores["support"][i], *measured))
    table = report.table(("class", "cells", "recall", "95 %", "precision", "95 %", "F1"), rows)
    answered = found["confusion"].sum(0) * (scores["support"] == 0)
    if not answered.any():
        return table
    strange = ", ".join(f"{CLASSES[i]} {answered[i]}" for i in np.flatnonzero(answered))
    return f"{table}\n\nAnswered too, though none is there: {strange}."


def calibration(answers: Answers) -> dict[str, dict[str, np.ndarray]]:
    """A panel of `figures.reliability_picture`."""
    right = answers.raw.argmax(1) == answers.truth
    return {
        "untempered": classification.reliability(answers.raw.max(1), right),
        "tempered": classification.reliability(answers.found.max(1), right),
    }


def coverage_line(answers: Answers) -> tuple[np.ndarray, np.ndarray]:
    """A line of `figures.coverage_picture`."""
    coverage, risk, _ = classification.risk_coverage(answers.found.max(1), answers.raw.argmax(1) == answers.truth)
    return coverage, risk


def _means(by_lab: Mapping[str, Answers], part: str) -> dict[str, Any] | None:
    """The mean over the laboratories by which a network is judged: copies and unchecked labels have no say."""
    chosen = [lab for lab in laboratories.groups(by_lab) if lab in by_lab]
    sets = [by_lab[lab] if part == "nine" else by_lab[lab].five() for lab in chosen]
    if len(sets) < 2 or not all(len(answers.truth) for answers in sets):
        return None
    value, interval = measures.mean_balanced(sets)
    return {"laboratories": chosen, "balanced_accuracy": value, "balanced_accuracy_ci95": interval}


def _markdown(content: Mapping[str, Any]) -> str:
    labs = content["labs"]
    text = [f"# {content['model']} on the {content['split']} cells"]
    for part, title in (("five", "Five classes (another answer is wrong)"), ("nine", "Every class that it has")):
        rows = [lab_row(lab, measured, part) for lab, measured in labs.items() if part in measured]
        if not rows:
            continue
        text += [f"{title}:", report.table(LAB_HEADER, rows)]
        if mean := content["mean"][part]:
            interval = limits(mean["balanced_accuracy_ci95"])
            names = ", ".join(mean["laboratories"])
            text.append(f"Mean over {names}: {mean['balanced_accuracy']:.4f} ({interval}).")
    text += [
        f"How sure it is, every cell (temperature {content['temperature']:.3f} and threshold "
        f"{content['threshold']:.2f}, both from other cells than these; kept are the most confident):",
        report.table(SURE_HEADER, [sure_row(lab, measured, "nine") for lab, measured in labs.items()]),
        "All laboratories together, each class against the rest:",
        class_table(content["all"]["nine"]),
    ]
    for lab, measured in labs.items():
        text += [f"{lab}:", class_table(measured["nine"])]
    return "\n\n".join([*text, report.provenance_lines(content["provenance"]) + "\n"])


def write(
    out: Path,
    named: Mapping[str, str],
    answers: Answers,
    labs: np.ndarray,
    trained: Mapping[str, Any],
    threshold: float,
    data_sha256: str,
) -> None:
    """report.json, report.md, confusion.png, reliability.png and coverage.png in `out`; the Markdown is printed too.

    `named`: "model" and "split". `labs` (n,): of the answers. `trained`: the run's own report.
    """
    out.mkdir(parents=True, exist_ok=True)
    by_lab = {str(lab): answers.of(labs == lab) for lab in np.unique(labs)}
    content = {
        "provenance": report.provenance(data_sha256, trained["settings"]["seed"]),
        "trained": trained["provenance"] | {"exclude_labs": trained["settings"]["exclude_labs"]},
        **named,
        "classes": CLASSES,
        "temperature": answers.temperature,
        "threshold": threshold,
        "labs": {lab: measures.measure(own, threshold) for lab, own in by_lab.items()},
        "mean": {part: _means(by_lab, part) for part in ("five", "nine")},
        "all": measures.measure(answers, threshold),
    }
    report.write_json(out / "report.json", content)
    figures.confusion_picture(out / "confusion.png", content["all"]["nine"]["confusion"], CLASSES, named["split"])
    sets = by_lab | ({"all": answers} if len(by_lab) > 1 else {})
    panels = {f"{name}, {len(own.truth)} cells": calibration(own) for name, own in sets.items()}
    figures.reliability_picture(out / "reliability.png", panels)
    lines = {name: coverage_line(own) for name, own in sets.items()}
    figures.coverage_picture(out / "coverage.png", lines, measures.SET_ASIDE)
    text = _markdown(content)
    (out / "report.md").write_text(text, encoding="utf-8")
    print(text)
