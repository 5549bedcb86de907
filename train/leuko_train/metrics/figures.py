"""The reports' pictures, as PNG files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("Agg")  # no display on a server
from matplotlib import pyplot as plt

from leuko_edge.results.wording import class_name

FEW = 5
"""Cells of which a share says nothing: 0 or 1 by chance."""


def _save(figure: plt.Figure, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def confusion_picture(path: Path, matrix: np.ndarray, classes: Sequence[str], title: str = "") -> None:
    """Counts in each field, shaded by the share of the true class (row)."""
    share = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    side = 2.5 + 0.62 * len(classes)
    figure, axes = plt.subplots(figsize=(side, side))
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            colour = "white" if share[row, column] > 0.5 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=8)
    names = [class_name(name) for name in classes]
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="predicted", ylabel="true", title=title)
    _save(figure, path)


def curves_picture(path: Path, panels: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
    """One panel a quantity ("loss": {"training": […], "testing": […]}), epochs from 1 along x."""
    figure, all_axes = plt.subplots(1, len(panels), figsize=(4.5 * len(panels), 3.5), squeeze=False)
    for axes, (quantity, lines) in zip(all_axes[0], panels.items(), strict=True):
        for name, values in lines.items():
            axes.plot(range(1, len(values) + 1), values, marker="o", markersize=3, label=name)
        axes.set(xlabel="epoch", ylabel=quantity)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small" if len(lines) > 4 else None)
    _save(figure, path)


def _grid(count: int, side: float = 3.4) -> tuple[plt.Figure, list[plt.Axes]]:
    """`count` square panels, four in a row at most."""
    columns = min(count, 4)
    rows = -(-count // columns)
    figure, all_axes = plt.subplots(rows, columns, figsize=(side * columns, side * rows + 0.3), squeeze=False)
    for axes in all_axes.flat[count:]:
        axes.set_visible(False)
    return figure, list(all_axes.flat[:count])


def reliability_picture(path: Path, panels: Mapping[str, Mapping[str, Mapping[str, np.ndarray]]]) -> None:
    """A panel for each set of cells, a line for each of its states ("untempered": what `metrics.reliability` gave).

    Share correct against confidence, where a bin has `FEW` cells or more; the diagonal is perfect calibration. The
    bars below are the last state's cells: the share of all in each bin, to the same scale.
    """
    figure, all_axes = _grid(len(panels))
    for axes, (name, states) in zip(all_axes, panels.items(), strict=True):
        axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
        for i, (state, bins) in enumerate(states.items()):
            some = bins["count"] >= FEW
            last = i == len(states) - 1
            look: dict[str, Any] = (
                {"color": "C0", "marker": "o"} if last else {"color": "C1", "marker": ".", "linestyle": "--"}
            )
            axes.plot(bins["confidence"][some], bins["correct"][some], markersize=4, label=state, **look)
        share = bins["count"] / max(1, bins["count"].sum())
        middles = (np.arange(len(share)) + 0.5) / len(share)
        axes.bar(middles, share, width=0.9 / len(share), color="C0", alpha=0.2)
        axes.set(xlabel="confidence", ylabel="share correct", xlim=(0, 1), ylim=(0, 1.02), title=name)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7, loc="upper left")
    _save(figure, path)


def coverage_picture(path: Path, lines: Mapping[str, tuple[np.ndarray, np.ndarray]], mark: float) -> None:
    """Accuracy of the cells that are kept against the share set aside, the least sure first, for each set of cells.

    A line is (coverage, risk) as `metrics.risk_coverage` gives them; `mark` is the share set aside that is marked.
    """
    figure, axes = plt.subplots(figsize=(5.6, 4))
    for name, (coverage, risk) in lines.items():
        kept = coverage >= 0.5
        axes.plot(100 * (1 - coverage[kept]), 100 * (1 - risk[kept]), label=name, linewidth=1.5)
    axes.axvline(100 * mark, color="grey", linewidth=1, linestyle=":")
    axes.set(xlabel="set aside, % (the least sure first)", ylabel="accuracy of the others, %", xlim=(0, 50))
    axes.set_ylim(top=100.5)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="best")
    _save(figure, path)


def per_class_picture(path: Path, scores: Mapping[str, np.ndarray], classes: Sequence[str], title: str = "") -> None:
    """Precision, recall and F1 of each class as bars, in per cent, from `metrics.per_class` (the paper's Fig. 6)."""
    figure, axes = plt.subplots(figsize=(1.5 + 1.3 * len(classes), 3.8))
    places = np.arange(len(classes))
    for i, key in enumerate(("precision", "recall", "f1")):
        bars = axes.bar(places + (i - 1) * 0.27, 100 * np.nan_to_num(scores[key]), width=0.25, label=key)
        axes.bar_label(bars, fmt="%.1f", fontsize=7, padding=1)
    axes.set_xticks(places, [class_name(name) for name in classes])
    axes.set(ylabel="%", ylim=(0, 112), title=title)
    axes.set_yticks(range(0, 101, 20))
    axes.grid(axis="y", alpha=0.3)
    axes.legend(ncols=3, fontsize=8, loc="upper right")
    _save(figure, path)


def few_cells_picture(path: Path, lines: Mapping[str, Sequence[Mapping[str, float]]]) -> None:
    """Balanced accuracy, ECE and a normal differential's bias by the cells named of each class, a line each."""
    parts = {"balanced_accuracy": (100, "balanced accuracy, %"), "ece": (100, "ECE, %")}
    parts["normal_bias"] = (1, "a normal differential is off by, points")
    figure, axes = plt.subplots(1, len(parts), figsize=(13, 4))
    for axis, (key, (factor, title)) in zip(axes, parts.items(), strict=True):
        for name, entries in lines.items():
            values = [factor * one[key] for one in entries]
            axis.plot([one["number"] for one in entries], values, marker="o", label=name)
        axis.set(xlabel="cells named of each class", title=title)
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=7)
    _save(figure, path)


def laboratories_picture(path: Path, panels: Mapping[str, Mapping[str, Sequence[float]]], bold: Sequence[str]) -> None:
    """Lines, per cent by the number of laboratories that taught (1 first, logarithmic); a panel for each title.

    `bold`: the lines that the panel is about; the others are drawn thin.
    """
    figure, all_axes = plt.subplots(1, len(panels), figsize=(6.2 * len(panels), 6), squeeze=False, sharey=True)
    for axes, (title, lines) in zip(all_axes[0], panels.items(), strict=True):
        most = max(len(values) for values in lines.values())
        for i, (name, values) in enumerate(lines.items()):
            width, style = (2.8 if name in bold else 1.0), ("-" if i < 10 else "--")  # there are ten colours
            numbers = range(1, len(values) + 1)
            axes.plot(numbers, values, style, marker="o", markersize=2 * width, linewidth=width, label=name)
        axes.set_xscale("log", base=2)
        axes.set_xticks(range(1, most + 1), [str(number) for number in range(1, most + 1)])
        axes.minorticks_off()
        axes.set(xlabel="laboratories that taught", ylabel="balanced accuracy, five classes, %", title=title)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.12))  # on no line
    _save(figure, path)
