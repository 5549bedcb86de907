"""The report of `leuko-train paper`: Table 3 beside the paper's, Fig. 6 and 7 as pictures, and what a split does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import report
from ..data.kaggle import CLASSES
from ..metrics import classification, figures
from .splits import SPLITS

PAPERS_ACCURACY = {(60, 5): 1.0}
"""(batch, epochs) -> testing accuracy, from the paper's abstract. Its other nine are not at hand here."""
PAPERS_MEAN = 0.9615
"""Of its ten settings, from the project's notes on it."""
QUANTITIES = ("loss", "accuracy", "val_loss", "val_accuracy")
Result = Mapping[str, Any]


def spread(values: Iterable[float]) -> str:
    """ "0.9741 (0.9320–0.9880)": mean and range; the one value where there is one."""
    numbers = np.array(list(values), float)
    if len(numbers) == 1:
        return f"{numbers[0]:.4f}"
    return f"{numbers.mean():.4f} ({numbers.min():.4f}–{numbers.max():.4f})"


def _accuracies(results: Sequence[Result]) -> np.ndarray:
    """(runs, epochs) testing accuracies."""
    return np.array([[row["val_accuracy"] for row in result["epochs"]] for result in results])


def _table3(results: Sequence[Result], beside: bool) -> str:
    """A row for each batch size and epoch: mean and range over the seeds, and the paper's own where it is known."""
    rows = []
    for batch in sorted({result["settings"]["batch"] for result in results}):
        own = [result for result in results if result["settings"]["batch"] == batch]
        for epoch in range(len(own[0]["epochs"])):
            cells = [spread(result["epochs"][epoch][key] for result in own) for key in QUANTITIES]
            rows.append((batch, epoch + 1, *cells, *([PAPERS_ACCURACY.get((batch, epoch + 1))] if beside else [])))
    header = ("batch", "epochs", "training loss", "training accuracy", "testing loss", "testing accuracy")
    return report.table((*header, "the paper's") if beside else header, rows)


def _summary(name: str, results: Sequence[Result]) -> tuple[Any, ...]:
    """What a reader of one split's figures should know: also what choosing on the test pictures would have given."""
    accuracies = _accuracies(results)
    steps = np.diff(accuracies, axis=1)
    best = {s: max(a.max() for a, r in zip(accuracies, results, strict=True) if r["settings"]["seed"] == s) for s in
            {result["settings"]["seed"] for result in results}}  # fmt: skip
    copies = results[0]["copies"]
    both = f"{copies['photographs_on_both_sides']} of {copies['photographs_testing']}" if copies else None
    settings = results[0]["settings"]
    sizes = f"{settings['training']} → {settings['testing']}"
    fall = f"{100 * -steps.min():.1f}" if steps.size and steps.min() < 0 else "0"
    last = spread(accuracies[:, -1])
    return (name, len(results), sizes, settings["left_out"], both, last, accuracies.mean(), spread(best.values()), fall)


SUMMARY_HEADER = (
    "split",
    "runs",
    "pictures, training → testing",
    "left out",
    "testing photographs with copies in training",
    "testing accuracy after the last epoch",
    "mean over all settings",
    "best setting of each seed",
    "largest fall between two epochs, points",
)


def _pictures(out: Path, how: str, results: Sequence[Result]) -> np.ndarray:
    """The paper's Fig. 6 and 7 of the largest batch size's last epoch, all seeds together, and every run's course."""
    batch = max(result["settings"]["batch"] for result in results)
    own = [result for result in results if result["settings"]["batch"] == batch]
    matrix = np.sum([result["epochs"][-1]["confusion"] for result in own], axis=0)
    title = f"split: {how}; batch {batch}, {len(own[0]['epochs'])} epochs, {len(own)} seed{'s' * (len(own) > 1)}"
    names = [name.lower() for name in CLASSES]
    figures.confusion_picture(out / f"{how}-confusion.png", matrix, names, title)
    figures.per_class_picture(out / f"{how}-per-class.png", classification.per_class(matrix), names, title)
    lines = {f"batch {r['settings']['batch']}, seed {r['settings']['seed']}": r["epochs"] for r in results}
    panels = {
        text: {name: [row[key] for row in rows] for name, rows in lines.items()}
        for text, key in ((f"{how}: testing loss", "val_loss"), (f"{how}: testing accuracy", "val_accuracy"))
    }
    figures.curves_picture(out / f"{how}-course.png", panels)
    return matrix


def write(out: Path, results: Sequence[Result]) -> None:
    """report.json, report.md and three pictures a split in `out`, from the finished runs; the Markdown is printed."""
    splits = {
        how: own for how in SPLITS if (own := [result for result in results if result["settings"]["split"] == how])
    }
    text = [
        "# The seed paper's experiment",
        "Mean (range) over the seeds. One run of five epochs gives the rows of epochs 1 to 5 of its batch size: the "
        "paper's ten settings are not independent here. The paper: 100 % with batch 60 after 5 epochs, from its "
        f"abstract; {PAPERS_MEAN:.2%} as the mean of its ten settings; its other figures are not known here.",
        report.table(SUMMARY_HEADER, [_summary(how, own) for how, own in splits.items()]),
        "The best setting was chosen on the pictures that it is measured with: it is no result.",
    ]
    matrices = {}
    for how, own in splits.items():
        matrices[how] = _pictures(out, how, own)
        scores = classification.per_class(matrices[how])
        rows = [(name.lower(), *(scores[key][i] for key in scores)) for i, name in enumerate(CLASSES)]
        text += [f"## {how}: {SPLITS[how]}", _table3(own, how == "random")]
        text += [f"Each class against the rest, as in {how}-per-class.png and {how}-confusion.png:"]
        text += [report.table(("class", *scores), rows)]
    seeds = ", ".join(str(seed) for seed in sorted({result["settings"]["seed"] for result in results}))
    text.append(report.provenance_lines({**results[-1]["provenance"], "seed": seeds}) + "\n")
    content = {
        "classes": CLASSES,
        "splits": {how: [result["settings"] | result["copies"] for result in own] for how, own in splits.items()},
        "testing_accuracy": {how: _accuracies(own) for how, own in splits.items()},
        "confusion": matrices,
        "provenance": [result["provenance"] for result in results],
    }
    report.write_json(out / "report.json", content)
    joined = "\n\n".join(text)
    (out / "report.md").write_text(joined, encoding="utf-8")
    print(joined)
