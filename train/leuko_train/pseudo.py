"""Semi-supervised: Raabin's cells, which have boxes and no class, named by a trained network: `leuko-train pseudo`.

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

from leuko_edge.crop import cut
from leuko_edge.errors import UsageError
from leuko_edge.segment import find_cells
from leuko_edge.types import CLASSES, LEUKOCYTES

from . import dataset, evaluate, labs, metrics, stored
from .laboratories import GUESSED
from .stored import FIELDS, STORED_SIZE, STORED_UM, CellSet, Row

CONFIDENCE = 0.9


def unnamed(data: Path) -> Iterator[tuple[Row, np.ndarray]]:
    """(row without a label, (144, 144, 3) uint8 RGB crop) of each cell found in a leukocyte's box of Raabin."""
    items = list(labs.raabin(data))
    pooled = dataset.pooled_scales(items)
    for item in track(items, description="cutting cells"):
        field = dataset.opened(item, pooled)
        if field is None:
            continue
        boxes = [box for box in item.boxes or () if box.kind == "wbc"]
        centres = [c.centre for c in find_cells(field) if any(box.holds(*c.centre) for box in boxes)]
        source, path, scale = f"{item.lab}/{item.source}", str(item.path.relative_to(data)), field.scale
        for (x, y), rgb in zip(centres, cut(field, centres, STORED_UM, STORED_SIZE), strict=True):
            yield Row(GUESSED, "", source, "train", path, x, y, scale.um_per_px, scale.origin, True), rgb


def named(model_folder: Path, rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(class (n,), confidence (n,)) that the run in `model_folder` gives crops (n, 144, 144, 3)."""
    model, trained = evaluate.load_run(model_folder)
    nothing = np.full(len(rgb), "")
    cells = CellSet(rgb, np.zeros(len(rgb), int), nothing, nothing, nothing, nothing, np.ones(len(rgb), bool), "")
    found = evaluate.predict_as_trained(model, trained, cells, np.arange(len(rgb)))
    tempered = metrics.tempered(found, trained["temperature"])
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
        raise UsageError(f"{args.out} is the set that is read; give another folder as --out.")
    cells = stored.load(args.cells)
    if GUESSED in cells.labs:
        raise UsageError(f"{args.cells} has {GUESSED}'s cells already; give the set without them.")
    found = list(unnamed(args.data))
    if not found:
        raise UsageError(f"{args.data} has no raabin folder with boxes of leukocytes.")
    rgb = np.stack([crop for _, crop in found])
    label, confidence = named(args.model, rgb)
    wanted = np.isin(label, [CLASSES.index(name) for name in LEUKOCYTES])
    taken = np.flatnonzero(wanted & (confidence >= args.confidence))
    more = [[getattr(found[i][0], name) for name in FIELDS] for i in taken]
    for row, i in zip(more, taken, strict=True):
        row[FIELDS.index("label")] = CLASSES[label[i]]
    rows = [[row[name] for name in FIELDS] for row in stored.table_of(args.cells)]
    larger = stored.save(args.out, [*rows, *more], [cells.crops, rgb[taken]], cells.groups)
    counts = Counter(CLASSES[label[i]] for i in taken)
    print(f"{len(taken)} of {len(found)} cells taken: " + ", ".join(f"{n} {counts[n]}" for n in CLASSES if counts[n]))
    print(f"{len(larger.labels)} cells in {args.out}, SHA-256 {larger.sha256}")
    return 0
