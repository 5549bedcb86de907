"""Several trainings of `travel`, each alone and their answers averaged: `leuko-train committee`.

The geometric mean of what two or more differently made networks say about the same cells of the same laboratory, which
none of them saw: is it better than the best of them?
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from leuko_edge.errors import UsageError

from ..data import cell_set
from ..data.cell_set import CellSet
from ..metrics import answers as measures
from ..metrics.answers import Answers
from ..training.derived import same_cells
from .pieces import ANSWERS, TOLD

FLOOR = 1e-9
"""Added to no probability, but none counts as less: the logarithm of 0 would outvote everybody."""
HEADER = """| left out | judged | network | cells | five classes | 95 % | every class | a differential off by | in |
|---|---|---|---|---|---|---|---|---|"""


@dataclass(frozen=True)
class Member:
    """What one training's network said: `raw` (n, classes) about the cells `rows` of the cell set."""

    name: str
    rows: np.ndarray
    raw: np.ndarray
    temperature: float
    threshold: float


def read(out: Path, left_out: str, cells: CellSet) -> Member:
    """One training of the folder that `travel` wrote.

    Raises UsageError where it holds none without `left_out`, and where it was asked about other cells.
    """
    folder = out / TOLD.replace(" ", "-") / left_out
    if not (folder / ANSWERS).is_file():
        raise UsageError(f"{out} holds no finished training without {left_out}", "run leuko-train travel with it.")
    trained: Mapping[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    same_cells(folder, trained["settings"], cells)
    with np.load(folder / ANSWERS) as stored:
        rows, raw = stored["rows"], stored["raw"]
    return Member(out.name, rows, raw, trained["temperature"], trained["confidence_threshold"])


def shared(members: Sequence[Member]) -> list[Member]:
    """The same members on the cells that all were asked about, in the same order."""
    common = members[0].rows
    for member in members[1:]:
        common = np.intersect1d(common, member.rows)
    if not len(common):
        raise UsageError("The trainings were asked about no cell in common", "give travel the same --cap.")
    result = []
    for m in members:
        order = np.argsort(m.rows)
        places = order[np.searchsorted(m.rows, common, sorter=order)]
        result.append(Member(m.name, common, m.raw[places], m.temperature, m.threshold))
    return result


def averaged(members: Sequence[Member]) -> Member:
    """Their geometric mean, (n, classes) with rows summing to 1; temperature and threshold are the members' means."""
    logs = np.mean([np.log(np.maximum(m.raw, FLOOR)) for m in members], axis=0)
    raw = np.exp(logs)
    temperature, threshold = (
        float(np.mean([getattr(m, key) for m in members])) for key in ("temperature", "threshold")
    )
    return Member("all averaged", members[0].rows, raw / raw.sum(1, keepdims=True), temperature, threshold)


def rows_of(member: Member, cells: CellSet, left_out: str) -> list[str]:
    """Lines of the table, one for each laboratory whose cells were asked about."""
    lines = []
    for lab in np.unique(cells.labs[member.rows]):
        own = cells.labs[member.rows] == lab
        rows = member.rows[own]
        answers = Answers(member.raw[own], cells.labels[rows], cells.sources[rows], member.temperature)
        found = measures.measure(answers, member.threshold)
        five, off = found["five"], found["differential"]
        low, high = five["balanced_accuracy_enough_ci95"]
        figures = f"{100 * five['balanced_accuracy_enough']:.1f} | {100 * low:.1f}–{100 * high:.1f}"
        every = f"{100 * found['nine']['balanced_accuracy_enough']:.1f}"
        bias = f"{off['points']:+.1f} | {off['class']}" if off else "– | –"
        lines.append(f"| {left_out} | {lab} | {member.name} | {len(rows)} | {figures} | {every} | {bias} |")
    return lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cells", type=Path, required=True, help="folder that `leuko-train cells` wrote")
    parser.add_argument("--left-out", nargs="+", required=True, metavar="NAME", help="as `travel` was told")
    parser.add_argument("--out", nargs="+", required=True, type=Path, help="two or more folders that `travel` wrote")


def run(args: argparse.Namespace) -> int:
    if len(args.out) < 2:
        raise UsageError("A committee has two members or more", "name more folders that leuko-train travel wrote.")
    cells = cell_set.load(args.cells)
    print(HEADER)
    for left_out in args.left_out:
        members = shared([read(out, left_out, cells) for out in args.out])
        for member in (*members, averaged(members)):
            print("\n".join(rows_of(member, cells, left_out)))
    return 0
