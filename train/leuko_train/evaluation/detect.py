"""How many white cells are found in whole fields: `leuko-train detect`.

Recall and precision against the laboratories' boxes. A hit is a candidate whose centre lies inside a true box, each
box and each candidate once; what the classifier calls platelet or artefact does not count as found. The same once more
without the boxes that hold no white cell, as far as they were looked at (`looked_at`), and how well the outlines fit.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from leuko_edge.errors import NothingCountable, UsageError
from leuko_edge.model.classify import CellClassifier, Classifier
from leuko_edge.pipeline import Pipeline
from leuko_edge.sources.pictures import Pictures
from leuko_edge.types import EXCLUDED, CountedCell

from ..data.items import Box, Item
from ..metrics.classification import wilson
from ..metrics.detection import Detection
from . import looked_at, masks, scales
from .held_out import drawn, fields, with_a_white_cell
from .looked_at import Remark

__all__ = ["add_arguments", "run"]


@dataclass
class Found(Detection):
    """Counts over a laboratory's fields; `raw` is before the classifier sets artefacts aside.

    `looked` takes account of the boxes that were looked at. `outlined` boxes have a candidate with IoU >= 0.5.
    """

    fields: int = 0
    raw_hits: int = 0
    raw_false: int = 0
    outlined: int = 0
    looked: Detection = field(default_factory=lambda: Detection(""))


def match(boxes: Sequence[Box], cells: Sequence[CountedCell]) -> tuple[int, int]:
    """(hits, false): each true box takes the nearest free candidate whose centre lies in it."""
    free = list(cells)
    hits = 0
    for box in boxes:
        inside = [c for c in free if box.holds(*c.cell.centre)]
        if inside:
            x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
            free.remove(min(inside, key=lambda c: (c.cell.centre[0] - x) ** 2 + (c.cell.centre[1] - y) ** 2))
            hits += 1
    return hits, len(free)


def overlap(box: Box, cell: CountedCell) -> float:
    """Intersection over union of a box with a cell's."""
    left, top, width, height = cell.cell.box
    across = min(box.right, left + width) - max(box.left, left)
    down = min(box.bottom, top + height) - max(box.top, top)
    both = max(0.0, across) * max(0.0, down)
    return both / (width * height + (box.right - box.left) * (box.bottom - box.top) - both)


def measure(
    lab: str, items: Sequence[Item], classifier: CellClassifier, remarks: Mapping[str, Sequence[Remark]] | None = None
) -> Found:
    """Count hits over `items`, all pictures of one run as on the device; `remarks` by the items' paths."""
    found = Found(lab, looked=Detection(lab))
    boxes = {str(item.path): [b for b in item.boxes or () if b.kind == "wbc"] for item in items}
    source = Pictures(list(boxes))
    for outcome in track(Pipeline(classifier).run(source), description=lab, total=len(source), transient=True):
        true = boxes[outcome.result.path]
        cells = outcome.result.cells  # none where the picture was refused: its cells are missed
        kept = [c for c in cells if c.prediction.label not in EXCLUDED]
        hits, false = match(true, kept)
        raw_hits, raw_false = match(true, cells)
        found.fields += 1
        found.true += len(true)
        found.hits += hits
        found.false += false
        found.raw_hits += raw_hits
        found.raw_false += raw_false
        found.outlined += sum(any(overlap(box, cell) >= 0.5 for cell in kept) for box in true)
        _look(found.looked, true, kept, (remarks or {}).get(outcome.result.path, ()))
    return found


def _look(found: Detection, boxes: Sequence[Box], cells: Sequence[CountedCell], remarks: Sequence[Remark]) -> None:
    """Add what holds once the boxes that were looked at are taken for what they are."""
    true, aside = looked_at.true_boxes(boxes, remarks), looked_at.unboxed(remarks)
    hits, _ = match(true, cells)
    _, false = match([*true, *aside], cells)
    found.true += len(true)
    found.hits += hits
    found.false += false


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="folder with the laboratories' images")
    parser.add_argument("--model", type=Path, help="a .tflite with its card (the shipped one)")
    parser.add_argument(
        "--run",
        dest="trained_by",
        type=Path,
        metavar="RUN",
        help="what trained the model: leave out fields that it saw a copy of",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")


def run(args: argparse.Namespace) -> int:
    if not args.data.is_dir():
        raise UsageError(f"{args.data} is not a folder", "give the one with the laboratories' images.")
    classifier = Classifier.from_path(args.model)
    started = time.monotonic()
    boxed = fields(args.data, args.trained_by)
    listed = looked_at.read()
    remarks = {str(i.path): listed.get(i.where(args.data), []) for items in boxed.values() for i in items}
    results = [measure(lab, items, classifier, remarks) for lab, items in boxed.items() if items]
    if not results:
        raise NothingCountable(f"{args.data} holds no field with boxes that nothing was learnt from", "see its README")
    table = Table(title="White cells found in held-out fields")
    columns = (
        "fields",
        "cells",
        "recall",
        "95 %",
        "precision",
        "95 %",
        "before the classifier",
        "looked at",
        "IoU ≥ 0.5",
    )
    table.add_column("laboratory")
    for name in columns:
        table.add_column(name, justify="right")
    for r in results:
        raw = f"{r.raw_hits / max(1, r.true):.3f} / {r.raw_hits / max(1, r.raw_hits + r.raw_false):.3f}"
        table.add_row(
            r.lab,
            str(r.fields),
            str(r.true),
            f"{r.recall:.3f}",
            _interval(r.hits, r.true),
            f"{r.precision:.3f}",
            _interval(r.hits, r.hits + r.false),
            raw,
            f"{r.looked.recall:.3f} / {r.looked.precision:.3f}",
            f"{r.outlined / max(1, r.true):.3f}",
        )
    console = Console()
    console.width = max(console.width, 130)  # a log keeps every column
    console.print(table)
    taken = time.monotonic() - started
    outlines = [masks.measure(lab, items, classifier) for lab, items in drawn(args.data, args.trained_by).items()]
    console.print(masks.table(outlines))
    tries = scales.measure(with_a_white_cell(args.data, args.trained_by))
    console.print(scales.table(tries))
    per_field = taken / max(1, sum(r.fields for r in results))
    print(f"model {classifier.card.name} {classifier.card.sha256[:16]}; {1000 * per_field:.0f} ms a field, all stages")
    print("looked at: without the boxes that hold no white cell, and white cells without a box aside:")
    for items in boxed.values():
        for item in items:
            for remark in remarks[str(item.path)]:
                print(f"  {item.where(args.data)}  {remark.at}  {remark.kind.value}: {remark.what}")
    if args.json:
        rows = [asdict(r) | {"recall": r.recall, "precision": r.precision} for r in results]
        report = {
            "model": classifier.card.sha256,
            "mean_recall": statistics.fmean(r.recall for r in results),
            "laboratories": rows,
            "outlines": [{"lab": o.lab, "cells": len(o.overlaps), "median_iou": o.median} for o in outlines],
            "scales": [asdict(one) for one in tries],
        }
        args.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0


def _interval(hits: int, total: int) -> str:
    low, high = wilson(hits, total)
    return f"{low:.3f}–{high:.3f}"
