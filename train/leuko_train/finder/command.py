"""Training of the finder: pictures -> views -> weights -> figures on held-out pictures."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
from rich.console import Console
from rich.table import Table

from leuko_edge.errors import UsageError

if TYPE_CHECKING:
    from .judge import Score
    from .pictures import Picture

PICTURES, RECORD = "pictures.pickle", "run.json"
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7)
STEPS, STEPS_WITHOUT = 4500, 1200
ELONGATED, LARGE_UM = 1.5, 20.0  # of the outline of a picture's one cell: beyond it holds two, which teach joining


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="folder with the laboratories' images")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; the same command goes on in it")
    parser.add_argument("--steps", type=int, help=f"of training ({STEPS}; {STEPS_WITHOUT} with --left-out)")
    parser.add_argument("--batch", type=int, default=32, help="views a step (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--left-out", nargs="*", metavar="LAB", help="train without each of these laboratories in turn, judge it there"
    )
    parser.add_argument("--threads", type=int, default=1, help="of the processor (%(default)s)")


def run(args: argparse.Namespace) -> int:
    if not args.data.is_dir():
        raise UsageError(f"{args.data} is not a folder", "give the one with the laboratories' images.")
    import torch

    from . import gather
    from .weights import WEIGHTS

    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)
    pictures = [picture for picture in gather.gather(args.data, args.out / PICTURES) if teaches(picture)]
    labs = sorted({picture.lab for picture in pictures})
    if unknown := set(args.left_out or ()) - set(labs):
        raise UsageError(f"There is no laboratory {', '.join(sorted(unknown))}", f"there are {', '.join(labs)}.")
    if not args.left_out:
        train = [picture for picture in pictures if picture.part == "train"]
        _fit(train, args.out, args.steps or STEPS, args)
        scores = judged(args.out / WEIGHTS, pictures, args.out)
        show("White cells found in held-out pictures, before any classifier", scores)
        return 0
    rows = []
    for lab in args.left_out:
        folder = args.out / f"without-{lab}"
        kin = {"raabin", "raabin_cells"} if lab.startswith("raabin") else {lab}  # one laboratory in two folders
        train = [picture for picture in pictures if picture.part == "train" and picture.lab not in kin]
        _fit(train, folder, args.steps or STEPS_WITHOUT, args)
        own = [picture for picture in pictures if picture.lab == lab]
        threshold = _threshold(folder / WEIGHTS, [p for p in pictures if p.part == "validation" and p.lab not in kin])
        rows.append(_scores(folder / WEIGHTS, {lab: own}, threshold)[lab])
    show("White cells found by finders that never saw the laboratory, before any classifier", rows)
    return 0


def teaches(picture: Picture) -> bool:
    """Whether its cell's outline is that of one cell; where several are boxed, always."""
    if picture.lab not in ("pbc", "deepapl", "raabin_cells") or not picture.places:
        return True
    from leuko_edge.vision.finder_input import FINDER_UM

    radii = picture.places[0].radii
    return max(radii) < ELONGATED * min(radii) and 2 * max(radii) * FINDER_UM < LARGE_UM


def _fit(pictures: Sequence[Picture], folder: Path, steps: int, args: argparse.Namespace) -> None:
    from . import fit

    console = Console(stderr=True)
    console.print(f"{len(pictures)} pictures, {steps} steps of {args.batch} views -> {folder}")
    fit.fit(
        pictures,
        folder,
        steps,
        seed=args.seed,
        batch=args.batch,
        say=lambda step, loss: console.print(f"step {step}: loss {loss:.4f}"),
    )
    record = {"steps": steps, "batch": args.batch, "seed": args.seed, "pictures": Counter(p.lab for p in pictures)}
    (folder / RECORD).write_text(json.dumps(record | _made(pictures), indent=1) + "\n")


def _made(pictures: Sequence[Picture]) -> dict[str, Any]:
    import hashlib

    from ..report import provenance

    digest = hashlib.sha256()
    for picture in pictures:
        digest.update(picture.rgb.tobytes())
    return dict(provenance(digest.hexdigest(), None))


def judged(weights: Path, pictures: Sequence[Picture], folder: Path) -> list[Score]:
    """The scores of each laboratory's test part and of mosaics of their cells, at the threshold that the validation
    part asks for; both are kept."""
    from . import mosaics
    from .maps import Trained

    threshold = _threshold(weights, [picture for picture in pictures if picture.part == "validation"])
    labs = sorted({picture.lab for picture in pictures if picture.part == "test"})
    parts = {lab: [p for p in pictures if p.lab == lab and p.part == "test"] for lab in labs}
    scores = list(_scores(weights, parts, threshold).values())
    scores.append(mosaics.score([p for part in parts.values() for p in part], Trained(weights), threshold))
    record = json.loads((folder / RECORD).read_text())
    record |= {"threshold": threshold, "test": [asdict(score) for score in scores]}
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n")
    return scores


def _threshold(weights: Path, pictures: Sequence[Picture]) -> float:
    """Where F1 over all pictures is best; of equal ones the middle."""
    from leuko_edge.vision.finder_input import stacked
    from leuko_edge.vision.map_cells import cells_in

    from .judge import Score, add
    from .maps import Trained

    trained = Trained(weights)
    scores = {threshold: Score("validation") for threshold in THRESHOLDS}
    for picture in pictures:
        maps = trained.maps(stacked(picture.rgb, picture.red))
        for threshold, score in scores.items():
            add(score, picture, cells_in(maps, threshold))
    best = max(score.f1 for score in scores.values())
    alike = [threshold for threshold, score in scores.items() if score.f1 > best - 0.001]
    return alike[len(alike) // 2]


def _scores(weights: Path, parts: Mapping[str, Sequence[Picture]], threshold: float) -> dict[str, Score]:
    from . import judge
    from .maps import Trained

    trained = Trained(weights)
    return {lab: judge.score(lab, pictures, trained, threshold) for lab, pictures in parts.items()}


def show(title: str, scores: Sequence[Score]) -> None:
    """A table of scores on standard output."""
    table = Table(title=title)
    offered, sure = ("recall", "precision", "F1"), ("recall, sure", "precision, sure", "F1, sure")
    for name in ("laboratory", "pictures", "cells", *offered, *sure, "outline IoU ≥ 0.5"):
        table.add_column(name, justify="left" if name == "laboratory" else "right")
    for s in scores:
        figures = (*(figure for one in (s, s.sure) for figure in (one.recall, one.precision, one.f1)),)
        figures = (*figures, s.boxed / max(1, s.hits))
        table.add_row(s.lab, str(s.pictures), str(s.true), *(f"{figure:.3f}" for figure in figures))
    console = Console()
    console.width = max(console.width, 140)
    console.print(table)
