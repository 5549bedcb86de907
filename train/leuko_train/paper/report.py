"""The report of `leuko-train paper`: Table 3 beside the paper's, Fig. 6 and 7 as pictures, and what a split does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from leuko_edge.binomial import clopper_pearson

from .. import report
from ..data.kaggle import CLASSES
from ..metrics import classification, figures
from .facts import DISCREPANCIES, FIG6, FIG7, PREVIOUS, PRINTED_AVERAGE, TABLE3, TEXT_COUNTS, Setting
from .splits import SPLITS

QUANTITIES = ("loss", "accuracy", "val_loss", "val_accuracy")
NAMES = ("training loss", "training accuracy", "testing loss", "testing accuracy")
PAPERS_NAMES = tuple(f"the paper's {name}" for name in NAMES)
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
    """A row for each batch size and epoch: mean and range over the seeds, and the paper's own four figures."""
    rows = []
    papers = {(setting.batch, setting.epochs): setting for setting in TABLE3}
    for batch in sorted({result["settings"]["batch"] for result in results}):
        own = [result for result in results if result["settings"]["batch"] == batch]
        for epoch in range(len(own[0]["epochs"])):
            cells: list[Any] = [spread(result["epochs"][epoch][key] for result in own) for key in QUANTITIES]
            if beside:
                cells += _papers(papers.get((batch, epoch + 1)))
            rows.append((batch, epoch + 1, *cells))
    if beside:
        rows.append(("average", "printed", *[None] * len(QUANTITIES), *_papers(PRINTED_AVERAGE)))
    return report.table(("batch", "epochs", *NAMES, *(PAPERS_NAMES if beside else ())), rows)


def _papers(setting: Setting | None) -> list[float | None]:
    return [None if setting is None else getattr(setting, key) for key in QUANTITIES]


def continued_table(results: Sequence[Result]) -> str:
    """Table 3 as one training: each setting goes on where the one before ended, beside the paper's row."""
    rows, done = [], 0
    for setting in TABLE3:
        done += setting.epochs
        cells = [spread(result["epochs"][done - 1][key] for result in results) for key in QUANTITIES]
        rows.append((setting.batch, setting.epochs, done, *cells, *_papers(setting)))
    return report.table(("batch", "epochs", "epochs so far", *NAMES, *PAPERS_NAMES), rows)


def comparison_table(results: Sequence[Result]) -> str:
    """The previous study, the paper, and the plain network here, with the exact interval that its pictures allow."""
    name, accuracy, count = PREVIOUS
    rows: list[tuple[Any, ...]] = [(name, "its own", count, *_within(round(accuracy * count), count))]
    rows.append(("the paper, VGG-16 (Table 3)", "random", FIG7[1], *_within(FIG7[1], FIG7[1])))
    rows.append(("the paper, VGG-16 (Fig. 7)", "random", FIG7[1], *_within(*FIG7)))
    for result in results:
        settings, matrix = result["settings"], np.array(result["epochs"][-1]["confusion"])
        who = f"plain CNN here, batch {settings['batch']}, {settings['epochs']} epochs, seed {settings['seed']}"
        right, total = int(np.trace(matrix)), int(matrix.sum())
        rows.append((who, settings["split"], total, *_within(right, total)))
    return report.table(("network", "split", "testing pictures", "accuracy", "95 % interval", "on 125 pictures"), rows)


def _within(right: int, total: int) -> tuple[float, str, str]:
    """Accuracy, its exact limits, and those of the same accuracy on as few pictures as the previous study had."""
    few = PREVIOUS[2]
    intervals = (clopper_pearson(right, total), clopper_pearson(round(right / total * few), few))
    whole, part = (f"{low:.3f}–{high:.3f}" for low, high in intervals)
    return right / total, whole, part


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


def _kind(results: Sequence[Result], kind: str) -> list[Result]:
    return [result for result in results if result["settings"].get("kind", "each") == kind]


def write(out: Path, results: Sequence[Result]) -> None:
    """report.json, report.md and three pictures a split in `out`, from the finished runs; the Markdown is printed."""
    each, plain, continued = (_kind(results, kind) for kind in ("each", "plain", "continued"))
    splits = {how: own for how in SPLITS if (own := [result for result in each if result["settings"]["split"] == how])}
    text = ["# The seed paper's experiment"]
    matrices = {}
    if splits:
        text += [
            "Mean (range) over the seeds. One run of five epochs gives the rows of epochs 1 to 5 of its batch size: "
            "the paper's ten settings are not independent here.",
            report.table(SUMMARY_HEADER, [_summary(how, own) for how, own in splits.items()]),
            "The best setting was chosen on the pictures that it is measured with: it is no result.",
        ]
    for how, own in splits.items():
        matrices[how] = _pictures(out, how, own)
        scores = classification.per_class(matrices[how])
        rows = [(name.lower(), *(scores[key][i] for key in scores)) for i, name in enumerate(CLASSES)]
        text += [f"## {how}: {SPLITS[how]}", _table3(own, how == "random")]
        text += [f"Each class against the rest, as in {how}-per-class.png and {how}-confusion.png:"]
        text += [report.table(("class", *scores), rows)]
        if how == "random":
            averages = ", ".join(f"{name} {value:.1%}" for name, value in FIG6.items())
            text += [f"The paper's Fig. 6, averages: {averages}; its Fig. 7: {FIG7[0]} of {FIG7[1]} right."]
    for how in SPLITS:
        if own := [result for result in continued if result["settings"]["split"] == how]:
            text += [f"## {how}: the ten settings as one training", continued_table(own)]
    if plain:
        text += ["## The previous study, and a plain CNN", comparison_table(plain)]
    text += ["## What does not add up in the paper", "\n".join(f"- {line}" for line in DISCREPANCIES)]
    text += [f"Its text counts {TEXT_COUNTS[0]} pictures that train and {TEXT_COUNTS[1]} that test."]
    seeds = ", ".join(str(seed) for seed in sorted({result["settings"]["seed"] for result in results}))
    text.append(report.provenance_lines({**results[-1]["provenance"], "seed": seeds}) + "\n")
    content = {
        "classes": CLASSES,
        "splits": {how: [result["settings"] | result["copies"] for result in own] for how, own in splits.items()},
        "testing_accuracy": {how: _accuracies(own) for how, own in splits.items()},
        "confusion": matrices,
        "plain": [result["settings"] | {"epochs": result["epochs"]} for result in plain],
        "continued": [result["settings"] | {"epochs": result["epochs"]} for result in continued],
        "provenance": [result["provenance"] for result in results],
    }
    report.write_json(out / "report.json", content)
    joined = "\n\n".join(text)
    (out / "report.md").write_text(joined, encoding="utf-8")
    print(joined)
