"""The seed paper's experiment: its network on the Kaggle TEST pictures, by its split and by an honest one.

Every file `_N_1234.jpeg` is an augmented copy of source picture N of its class folder. A random split puts
copies of one photograph on both sides; the split by source does not.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np

from leuko_edge.errors import UsageError

from . import checkpoint, figures, metrics, report
from .network import build_paper

CLASSES = ("EOSINOPHIL", "LYMPHOCYTE", "MONOCYTE", "NEUTROPHIL")
SIZE = 64
LEARNING_RATE = 1e-4
TEST_SHARE = 0.2
TABLE3 = ("loss", "accuracy", "val_loss", "val_accuracy")


@dataclass(frozen=True)
class Pictures:
    """`rgb` (n, 64, 64, 3) float32 in 0–1, `labels` (n,) index into CLASSES, `sources` (n,) "CLASS/N"."""

    rgb: np.ndarray
    labels: np.ndarray
    sources: np.ndarray
    sha256: str


def read(data: Path) -> Pictures:
    """DATA/kaggle_blood_cells/TEST, whole pictures at 64×64. Raises UsageError where there are none."""
    root = data / "kaggle_blood_cells" / "TEST"
    files = sorted(root.glob("*/_*.jpeg"))
    if not files:
        raise UsageError(f"No pictures in {root}; --data must name the folder that holds kaggle_blood_cells.")
    rgb = np.empty((len(files), SIZE, SIZE, 3), np.float32)
    for i, path in enumerate(files):
        bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if bgr is None:
            raise UsageError(f"{path} cannot be read as a picture; repair or remove it.")
        rgb[i] = cv2.resize(bgr, (SIZE, SIZE), interpolation=cv2.INTER_AREA)[..., ::-1] / np.float32(255)
    labels = np.array([CLASSES.index(path.parent.name) for path in files])
    sources = np.array([f"{path.parent.name}/{path.name.split('_')[1]}" for path in files])
    return Pictures(rgb, labels, sources, report.hash_files(files, root))


def split(pictures: Pictures, how: str, seed: int) -> np.ndarray:
    """(n,) bool, true = testing: a fifth of the pictures ("random") or of each class's sources ("source")."""
    rng = np.random.default_rng(seed)
    test = np.zeros(len(pictures.labels), bool)
    if how == "random":
        test[rng.permutation(len(test))[: round(TEST_SHARE * len(test))]] = True
        return test
    for label in range(len(CLASSES)):
        names = np.unique(pictures.sources[pictures.labels == label])
        chosen = rng.permutation(names)[: max(1, round(TEST_SHARE * len(names)))]
        test |= np.isin(pictures.sources, chosen)
    return test


def train(
    model: keras.Model, pictures: Pictures, test: np.ndarray, out: Path, epochs: int, batch: int, seed: int
) -> list[dict[str, float]]:
    """Train, with a checkpoint in `out` after each epoch to go on from; the rows of the paper's Table 3."""
    rgb, labels = pictures.rgb, pictures.labels
    state = checkpoint.load(out, model) or {"rows": []}
    rows: list[dict[str, float]] = state["rows"]
    for epoch in range(len(rows), epochs):
        order = np.random.default_rng((seed, epoch)).permutation(np.flatnonzero(~test))
        began = time.monotonic()
        history = model.fit(
            rgb[order],
            labels[order],
            batch_size=batch,
            shuffle=False,  # `order` is shuffled, and the same after a resume
            validation_data=(rgb[test], labels[test]),
            initial_epoch=epoch,
            epochs=epoch + 1,
            verbose=2,
        ).history
        rows.append({key: history[key][-1] for key in TABLE3} | {"seconds": time.monotonic() - began})
        checkpoint.save(out, model, {"rows": rows})
    return rows


def write_report(out: Path, settings: dict[str, Any], rows: list[dict[str, float]], matrix: np.ndarray) -> None:
    """report.json, report.md, confusion.png and curves.png; the Markdown goes to the terminal too."""
    scores = metrics.per_class(matrix)
    overall = {"accuracy": metrics.accuracy(matrix), "balanced_accuracy": metrics.balanced_accuracy(matrix)}
    content = {"settings": settings, "overall": overall, "epochs": rows, "classes": CLASSES}
    report.write_json(out / "report.json", content | {"per_class": scores, "confusion": matrix})
    figures.confusion_picture(out / "confusion.png", matrix, CLASSES, f"split: {settings['split']}")
    lines = {key: [row[key] for row in rows] for key in TABLE3}
    panels = {
        quantity: {"training": lines[quantity], "testing": lines["val_" + quantity]}
        for quantity in ("loss", "accuracy")
    }
    figures.curves_picture(out / "curves.png", panels)
    header = ("epoch", "training loss", "training accuracy", "testing loss", "testing accuracy")
    table3 = report.table(header, [(i, *(row[k] for k in TABLE3)) for i, row in enumerate(rows, 1)])
    per_class = report.table(
        ("class", *scores), [(name, *(scores[key][i] for key in scores)) for i, name in enumerate(CLASSES)]
    )
    text = (
        f"# The paper's experiment, split: {settings['split']}\n\n{table3}\n\n{per_class}\n\n"
        f"Accuracy {overall['accuracy']:.4f}, balanced {overall['balanced_accuracy']:.4f}, "
        f"on {matrix.sum()} pictures; sources on both sides: {settings['shared_sources']}.\n\n"
        f"{report.provenance_lines(settings['provenance'])}\n"
    )
    (out / "report.md").write_text(text, encoding="utf-8")
    print(text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="folder that holds kaggle_blood_cells")
    parser.add_argument("--init", required=True, help="VGG-16 weights without top: a file, or 'imagenet'")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint and report")
    parser.add_argument("--split", choices=("random", "source"), default="random")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=60)
    parser.add_argument("--dropout", type=float, default=0.5, help="rate after the dense layer")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out, if any")


def run(args: argparse.Namespace) -> int:
    if (args.out / checkpoint.NAME).exists() and not args.resume:
        raise UsageError(f"{args.out} already holds a run; give --resume to go on, or another --out.")
    keras.utils.set_random_seed(args.seed)
    pictures = read(args.data)
    test = split(pictures, args.split, args.seed)
    shared = len(np.intersect1d(pictures.sources[test], pictures.sources[~test]))
    print(f"{(~test).sum()} training and {test.sum()} testing pictures, {shared} sources on both sides")
    model = build_paper(len(CLASSES), SIZE, args.init, args.dropout)
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    args.out.mkdir(parents=True, exist_ok=True)
    rows = train(model, pictures, test, args.out, args.epochs, args.batch, args.seed)
    predicted = model.predict(pictures.rgb[test], batch_size=args.batch, verbose=0).argmax(1)
    settings = {
        "split": args.split,
        "epochs": args.epochs,
        "batch": args.batch,
        "dropout": args.dropout,
        "learning_rate": LEARNING_RATE,
        "parameters": model.count_params(),
        "training": int((~test).sum()),
        "testing": int(test.sum()),
        "shared_sources": shared,
        "provenance": report.provenance(pictures.sha256, args.seed),
    }
    write_report(args.out, settings, rows, metrics.confusion(pictures.labels[test], predicted, len(CLASSES)))
    return 0
