"""The seed paper's experiment, whole and three ways more: `leuko-train paper`.

Its network on the Kaggle TEST pictures, for its Table 3: epochs 1 to 5 with batches of 30 and of 60. One run of five
epochs gives the rows 1 to 5 of its batch size. Each run has a folder of its own below --out; a finished one is not
repeated, and an interrupted one goes on after its last epoch.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from leuko_edge.errors import UsageError

from .. import report
from ..data import kaggle
from ..data.kaggle import CLASSES, SIZE, Pictures
from ..training import checkpoint
from ..training.settings import POLICIES
from . import recipe
from . import report as paper_report
from .facts import TABLE3
from .splits import BY_PHOTOGRAPH, SPLITS, Split, parts, split

BATCHES = (30, 60)
KINDS = {
    "each": "a training for each batch size, as the paper says",
    "plain": "a plain CNN from nothing, as the previous study's",
    "continued": "all ten settings, each going on with the network of the one before",
}
SEEDS = (1, 2, 3)
RESULT = "result.json"
PHOTOGRAPHS = "photographs.json"


@dataclass(frozen=True)
class Run:
    """One training: the rows of Table 3 for its batch size."""

    split: str
    batch: int
    seed: int
    kind: str = "each"

    @property
    def name(self) -> str:
        if self.kind == "continued":
            return f"continued-{self.split}-seed{self.seed}"
        return f"{'plain-' if self.kind == 'plain' else ''}{self.split}-batch{self.batch}-seed{self.seed}"

    @property
    def network(self) -> str:
        return "plain" if self.kind == "plain" else "vgg16"

    def batches(self, epochs: int) -> list[int]:
        """The batch size of each of its epochs: `epochs` of them, or all settings of Table 3, one after another."""
        if self.kind == "continued":
            return [setting.batch for setting in TABLE3 for _ in range(setting.epochs)]
        return [self.batch] * (recipe.PLAIN_EPOCHS if self.kind == "plain" else epochs)


class Material:
    """The pictures, read when first asked for, and their photographs, recognised when first asked for."""

    def __init__(self, data: Path, out: Path) -> None:
        self._data, self._out = data, out
        self._pictures: dict[tuple[str, ...], Pictures] = {}
        self._photographs: dict[tuple[str, ...], np.ndarray] = {}

    def pictures(self, how: str) -> Pictures:
        key = parts(how)
        if key not in self._pictures:
            self._pictures[key] = kaggle.read(self._data, key)
        return self._pictures[key]

    def photographs(self, how: str) -> np.ndarray:
        key = parts(how)
        if key not in self._photographs:
            paths = self.pictures(how).paths
            self._photographs[key] = kaggle.photographs(self._data, paths, self._out / PHOTOGRAPHS)
        return self._photographs[key]


def finished(out: Path, run: Run) -> dict[str, Any] | None:
    """The result of a run, None where it is not finished."""
    path = out / run.name / RESULT
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def describe(run: Run, pictures: Pictures, parted: Split, args: argparse.Namespace) -> dict[str, Any]:
    """What a run is, and what must be the same for its result to count."""
    return {
        "split": run.split,
        "batch": run.batch,
        "seed": run.seed,
        "epochs": len(run.batches(args.epochs)),
        "dropout": args.dropout,
        "precision": args.precision,
        "learning_rate": recipe.PLAIN_LEARNING_RATE if run.kind == "plain" else recipe.LEARNING_RATE,
        "training": int(parted.training.sum()),
        "testing": int(parted.testing.sum()),
        "left_out": parted.left_out,
        "data_sha256": pictures.sha256,
        **({} if run.kind == "each" else {"kind": run.kind}),
    }


def shared(photographs: np.ndarray, parted: Split) -> dict[str, int]:
    """How many photographs test, and how many of them have copies in training too."""
    testing = np.unique(photographs[parted.testing])
    both = np.intersect1d(testing, photographs[parted.training])
    return {"photographs_testing": int((testing != "").sum()), "photographs_on_both_sides": int((both != "").sum())}


def work(run: Run, material: Material, args: argparse.Namespace, until: float) -> bool:
    """Do a run, or what is left of it, until the clock says `until`; true when it is finished."""
    folder = args.out / run.name
    pictures = material.pictures(run.split)
    known = any(how in BY_PHOTOGRAPH for how in args.split)  # then the copies of the other splits are counted too
    photographs = material.photographs(run.split) if known else None
    parted = split(pictures, run.split, run.seed, photographs)
    described = describe(run, pictures, parted, args)
    done = finished(args.out, run)
    if done is not None:
        changed = [key for key, value in described.items() if done["settings"].get(key) != value]
        if changed:
            raise UsageError(f"The run in {folder} had another {', '.join(changed)}", "choose another --out.")
        return True
    batches = run.batches(args.epochs)
    model = recipe.compiled(len(CLASSES), SIZE, args.init, args.dropout, run.seed, args.precision, run.network)
    rows = recipe.train(
        model,
        pictures.rgb,
        pictures.labels,
        np.flatnonzero(parted.training),
        np.flatnonzero(parted.testing),
        folder,
        epochs=len(batches),
        batch=batches,
        seed=run.seed,
        more=lambda rows: time.monotonic() < until,
    )
    if len(rows) < len(batches):
        return False
    copies = shared(photographs, parted) if photographs is not None else {}
    made = report.provenance(pictures.sha256, run.seed)
    parameters = {"parameters": model.count_params()}
    content = {"settings": described, "copies": copies, "epochs": rows, "provenance": made, **parameters}
    report.write_json(folder / RESULT, content)
    (folder / checkpoint.NAME).unlink()  # some 180 MB, of no more use
    return True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    lines = "; ".join(f"{name}: {text}" for name, text in SPLITS.items())
    parser.add_argument("--data", type=Path, required=True, help="folder that holds kaggle_blood_cells (and bccd)")
    parser.add_argument("--init", required=True, help="VGG-16 weights without top: a file, or 'imagenet'")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs and the report")
    parser.add_argument("--split", nargs="+", choices=tuple(SPLITS), default=list(SPLITS), help=f"{lines} (all)")
    kinds = "; ".join(f"{name}: {text}" for name, text in KINDS.items())
    parser.add_argument("--kind", nargs="+", choices=tuple(KINDS), default=["each"], help=f"{kinds} (each)")
    parser.add_argument("--batch", nargs="+", type=int, default=list(BATCHES), help="pictures a step (30 60)")
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS), help="a run for each (1 2 3)")
    parser.add_argument("--epochs", type=int, default=recipe.EPOCHS, help="of every run (%(default)s)")
    parser.add_argument("--dropout", type=float, default=0.5, help="rate after the dense layer (%(default)s)")
    parser.add_argument(
        "--precision", choices=tuple(POLICIES), default="float32", help="of the arithmetic (%(default)s)"
    )
    parser.add_argument("--time-budget", type=float, metavar="MIN", help="stop after the epoch in which it is over")


def run(args: argparse.Namespace) -> int:
    until = float("inf") if args.time_budget is None else time.monotonic() + 60 * args.time_budget
    plan = [
        Run(how, batch, seed, kind)
        for kind in args.kind
        for seed in args.seeds
        for how in args.split
        for batch in (args.batch if kind != "continued" else [0])
    ]
    material = Material(args.data, args.out)
    material.pictures(args.split[0])  # before a folder is made: the data may not be there
    args.out.mkdir(parents=True, exist_ok=True)
    for one in plan:
        if (finished(args.out, one) is not None or time.monotonic() < until) and not work(one, material, args, until):
            break
    results = [result for one in plan if (result := finished(args.out, one)) is not None]
    left = [one.name for one in plan if finished(args.out, one) is None]
    if results:
        paper_report.write(args.out, results)
    if left:
        print(f"Left: {len(left)} of {len(plan)} runs ({', '.join(left)}). The same command goes on.")
    return 0
