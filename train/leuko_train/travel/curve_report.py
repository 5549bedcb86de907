"""The report of `leuko-train learning-curve`: accuracy by the number of laboratories that taught."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from .. import report
from ..data.laboratories import EVALUATION_ONLY
from ..metrics import classification, figures
from .curve import Judged, Way

ROUNDS = 10_000
MEAN = "mean"


def by_number(entries: Sequence[Judged], key: str = "accuracy") -> list[float]:
    """Per cent for one laboratory, one first, by how many others taught: the mean over their subsets."""
    most = max(len(one.laboratories) for one in entries)
    rows = [[getattr(e, key) for e in entries if len(e.laboratories) == n] for n in range(1, most + 1)]
    return [100 * float(np.nanmean(row)) for row in rows]


def trend(curves: np.ndarray) -> dict[str, Any]:
    """Of curves (laboratories, numbers) in per cent: what twice as many laboratories bring, in points.

    `doublings` as measured, `per_doubling` by the straight line through all numbers' logarithms, `off_the_line` the
    mean curve's largest distance from that line. The 95 % limits come of drawing the laboratories left out.
    """
    numbers = np.arange(1, curves.shape[1] + 1)
    drawn = np.random.default_rng(0).integers(len(curves), size=(ROUNDS, len(curves)))

    def told(gains: np.ndarray) -> dict[str, Any]:
        return {"points": float(gains.mean()), "ci95": classification.interval(gains[drawn].mean(1))}

    pairs = [(n, 2 * n) for n in numbers if 2 * n <= numbers[-1]]
    slopes, starts = np.polyfit(np.log2(numbers), curves.T, 1)
    line = slopes.mean() * np.log2(numbers) + starts.mean()
    return {
        "doublings": {f"{n} to {twice}": told(curves[:, twice - 1] - curves[:, n - 1]) for n, twice in pairs},
        "per_doubling": told(slopes),
        "off_the_line": float(np.abs(curves.mean(0) - line).max()),
    }


def _points(told: Mapping[str, Any]) -> str:
    low, high = told["ci95"]
    return f"{told['points']:+.1f} ({low:+.1f} to {high:+.1f})"


def _one_way(entries: Mapping[str, Sequence[Judged]]) -> dict[str, Any]:
    """The curves of one way, of each laboratory and the mean over those that may teach, and what they say."""
    curves = {lab: by_number(of_lab) for lab, of_lab in entries.items()}
    own = [lab for lab in entries if lab != EVALUATION_ONLY]
    stacked = np.array([curves[lab] for lab in own])
    extra = {key: [by_number(entries[lab], key) for lab in own] for key in ("among_known", "missing")}
    return {
        "curves": curves,
        MEAN: stacked.mean(0),
        "sd": stacked.std(0, ddof=1) if len(own) > 1 else np.zeros(stacked.shape[1]),
        **{key: np.mean(rows, axis=0) for key, rows in extra.items()},
        "cells": [
            float(np.mean([e.cells for lab in own for e in entries[lab] if len(e.laboratories) == n + 1]))
            for n in range(stacked.shape[1])
        ],
        "trend": trend(stacked),
    }


def _told(values: Sequence[float], place: int) -> str:
    return f"{values[place]:.1f}" if place < len(values) else "–"


def _numbers_table(way: Mapping[str, Any], entries: Mapping[str, Sequence[Judged]]) -> str:
    labs = sorted(way["curves"], key=lambda lab: (lab == EVALUATION_ONLY, lab))
    header = ["laboratories", "subsets", "cells", "mean", "sd", *labs, "of classes known", "classes not known, %"]
    rows = []
    for place in range(max(len(curve) for curve in way["curves"].values())):
        count = sum(len(e.laboratories) == place + 1 for lab in labs if lab != EVALUATION_ONLY for e in entries[lab])
        cells, mean, sd = (_told(way[key], place) for key in ("cells", MEAN, "sd"))
        middle = [_told(way["curves"][lab], place) for lab in labs]
        end = [_told(way["among_known"], place), _told(way["missing"], place)]
        rows.append([place + 1, count or "–", cells.split(".")[0], mean, sd, *middle, *end])
    return report.table(header, rows)


def _ways_table(found: Mapping[str, Mapping[str, Any]]) -> str:
    most = max(len(way[MEAN]) for way in found.values())
    header = ["", *map(str, range(1, most + 1)), "each doubling (95 %)", "off the line", EVALUATION_ONLY]
    rows = []
    for name, way in found.items():
        values = [_told(way[MEAN], place) for place in range(most)]
        last = way["curves"].get(EVALUATION_ONLY)
        told = way["trend"]
        away = f"{told['off_the_line']:.1f}"
        rows.append([name, *values, _points(told["per_doubling"]), away, f"{last[-1]:.1f}" if last else "–"])
    return report.table(header, rows)


def write(out: Path, made: Mapping[str, Any], ways: Mapping[Way, Mapping[str, Sequence[Judged]]]) -> str:
    """report.json, report.md and curve.png in `out`; gives the Markdown. The first way is the one it is about.

    `made`: provenance and settings; of each way and laboratory left out, an entry for each subset.
    """
    found = {way.name: _one_way(entries) for way, entries in ways.items()}
    first = next(iter(ways))
    told = found[first.name]["trend"]
    doublings = "; ".join(f"from {step} laboratories {_points(gain)}" for step, gain in told["doublings"].items())
    text = [
        "# Accuracy by the number of laboratories that taught",
        f"{first.name[0].upper()}{first.name[1:]}; per cent, five classes, another answer is wrong:",
        _numbers_table(found[first.name], ways[first]),
        f"Points gained {doublings}. By a straight line each doubling brings {_points(told['per_doubling'])};"
        f" the mean is {told['off_the_line']:.1f} points off it at most.",
        "Every way, the mean over the laboratories left out by the number that taught; the evaluation's by all:",
        _ways_table(found),
        report.provenance_lines(made["provenance"]) + "\n",
    ]
    panels = {
        first.name: {**found[first.name]["curves"], MEAN: found[first.name][MEAN]},
        "every way, mean": {name: way[MEAN] for name, way in found.items()},
    }
    figures.laboratories_picture(out / "curve.png", panels, (MEAN, first.name))
    content = {
        **made,
        "ways": {way.name: {**asdict(way), **found[way.name]} for way in ways},
        "subsets": [asdict(one) for entries in ways[first].values() for one in entries],
    }
    report.write_json(out / "report.json", content)
    joined = "\n\n".join(text)
    (out / "report.md").write_text(joined, encoding="utf-8")
    return joined
