"""The reports' pictures, as PNG files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")  # no display on a server
from matplotlib import pyplot as plt


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
    names = [name.replace("_", " ") for name in classes]
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
        axes.grid(alpha=0.3)
        axes.legend()
    _save(figure, path)


def reliability_picture(path: Path, bins: Mapping[str, np.ndarray], title: str = "") -> None:
    """Share correct against confidence, from `metrics.reliability`; the diagonal is perfect calibration."""
    figure, axes = plt.subplots(figsize=(4.2, 4))
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
    axes.plot(bins["confidence"], bins["correct"], marker="o", markersize=4)
    axes.set(xlabel="confidence", ylabel="share correct", xlim=(0, 1), ylim=(0, 1), title=title)
    axes.grid(alpha=0.3)
    _save(figure, path)
