"""Semi-supervised: cells that have boxes and no class, named by a trained network: `leuko-train pseudo`.

They are those of DeepBioNet's fields.

Only cells that it is sure of are taken (pseudo-labels; Lee 2013), and they only ever train. A network that is to be
judged on a laboratory must not learn from names given by one that had been trained there.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.progress import track

from leuko_edge.errors import UsageError
from leuko_edge.model.classify import calibrate
from leuko_edge.model.finder import shipped
from leuko_edge.types import CLASSES, LEUKOCYTES
from leuko_edge.vision.crop import cut
from leuko_edge.vision.segment import find_cells

from ..data import build, cell_set, linked, split
from ..data.cell_set import FIELDS, STORED_SIZE, STORED_UM, CellSet, Cut, Row
from ..data.laboratories import GUESSED, LABORATORIES
from ..data.outlines import outlined, packed
from . import evaluate

CONFIDENCE = 0.9


def unnamed(data: Path) -> Iterator[Cut]:
    """Each cell found in a leukocyte's box of a field that trains; its row has no label yet."""
    names = linked.groups(data)
    every = build.select(data, names)
    own = [
        (item, group)
        for item, (group, part) in zip(every, split.assign(every, names), strict=True)
        if part == "train" and item.boxes and not item.labels and item.all_boxed
    ]
    pooled = build.pooled_scales([item for item, _ in own])
    for item, group in track(own, description="cutting cells"):
        field = build.opened(item, pooled)
        if field is None:
            continue
        boxes = [box for box in item.boxes or () if box.kind == "wbc"]
        cells = [cell for cell in find_cells(field, shipped()) if any(box.holds(*cell.centre) for box in boxes)]
        path, scale = str(item.path.relative_to(data)), field.scale
        crops = cut(field, [cell.centre for cell in cells], STORED_UM, STORED_SIZE)
        for cell, rgb in zip(cells, crops, strict=True):
            row = Row(GUESSED, "", group, "train", path, *cell.centre, scale.um_per_px, scale.origin, True)
            yield Cut(row, rgb, outlined(cell, cell.centre, scale.um_per_px))


def named(model_folder: Path, rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(class (n,), confidence (n,)) that the run in `model_folder` gives crops (n, 208, 208, 3)."""
    model, trained = evaluate.load_run(model_folder)
    nothing = np.full(len(rgb), "")
    cells = CellSet(rgb, np.zeros(len(rgb), int), nothing, nothing, nothing, nothing, np.ones(len(rgb), bool), "")
    found = evaluate.predict_as_trained(model, trained, cells, np.arange(len(rgb)))
    tempered = calibrate(found, trained["temperature"])
    return tempered.argmax(1), tempered.max(1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="folder with the laboratories' images")
    parser.add_argument("--cells", type=Path, required=True, help="cell set that they are added to")
    parser.add_argument("--model", type=Path, required=True, help="folder of the network that names them")
    parser.add_argument("--out", type=Path, required=True, help="folder for the larger cell set")
    parser.add_argument(
        "--confidence", type=float, default=CONFIDENCE, help="that a cell needs to be taken (%(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    if args.out.resolve() == args.cells.resolve():
        raise UsageError(f"{args.out} is the set that is read", "give another folder as --out.")
    cells = cell_set.load(args.cells)
    if GUESSED in cells.labs:
        raise UsageError(f"{args.cells} has {GUESSED}'s cells already", "give the set without them.")
    found = list(unnamed(args.data))
    if not found:
        raise UsageError(f"{args.data} has no fields with boxes of leukocytes that nobody named.")
    rgb = np.stack([cell.rgb for cell in found])
    label, confidence = named(args.model, rgb)
    wanted = np.isin(label, [CLASSES.index(name) for name in LEUKOCYTES])
    taken = np.flatnonzero(wanted & (confidence >= args.confidence))
    more = [[getattr(found[i].row, name) for name in FIELDS] for i in taken]
    for row, i in zip(more, taken, strict=True):
        row[FIELDS.index("label")] = CLASSES[label[i]]
    rows = [[row[name] for name in FIELDS] for row in cell_set.table_of(args.cells)]
    drawn = [] if cells.outlines is None else [cells.outlines, packed([found[i].outline for i in taken])]
    about = {**cells.laboratories, GUESSED: LABORATORIES[GUESSED]}
    larger = cell_set.save(args.out, [*rows, *more], [cells.crops, rgb[taken]], cells.groups, drawn, about)
    counts = Counter(CLASSES[label[i]] for i in taken)
    print(f"{len(taken)} of {len(found)} cells taken: " + ", ".join(f"{n} {counts[n]}" for n in CLASSES if counts[n]))
    print(f"{len(larger.labels)} cells in {args.out}, SHA-256 {larger.sha256}")
    return 0
