"""Builds the cell set: crops cut from the laboratories' pictures by the device's own code, with class and split."""

from __future__ import annotations

import multiprocessing
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from leuko_edge.crop import WHITE, cut
from leuko_edge.errors import PictureError, UsageError
from leuko_edge.optics import Field, ScaleUnknown
from leuko_edge.segment import find_cells
from leuko_edge.types import Cell, Scale

from . import labs, linked, simulated, split, stored
from .labs import Item
from .stored import FIELDS, STORED_SIZE, STORED_UM, CellSet, Row

COPIES = 6  # turned copies taken of one place: more are the same cell again
PER_CLASS = 4000  # pictures taken of one class of PBC: all of them
CENTRED_UM = 7.0  # the labelled cell of a centred crop lies this near to the middle
RED_CELLS = 2  # taken of each boxed field as artefacts
NORMALISED = ("white", "scale")
UNSCALED = 0.17
"""µm per pixel that stands for every picture's where the scale is not to be measured: in the middle of the
laboratories' medians (0.08 to 0.24), so that some of their cells are shown too large and some too small."""

Pooled = Mapping[tuple[str, tuple[int, int]], float]
"""µm per pixel by laboratory and (height, width)."""


def select(data: Path, names: Mapping[tuple[str, str], str]) -> list[Item]:
    """The pictures that the set is made of: every folder, copies and the largest classes cut back, in fixed order.

    `names` are those of `linked.groups`: copies are counted by what they show.
    """
    chosen: list[Item] = []
    for reader in labs.READERS:
        taken: Counter[str] = Counter()
        items = list(reader(data))
        random.Random(0).shuffle(items)
        for item in sorted(items, key=lambda item: not item.original):  # untouched photographs first
            key = item.label or "" if item.lab == "pbc" else names.get((item.lab, item.source), item.source)
            cap = PER_CLASS if item.lab == "pbc" else COPIES
            if taken[key] < cap or (item.original and item.lab != "pbc"):
                taken[key] += 1
                chosen.append(item)
    return chosen


def read(path: Path) -> np.ndarray:
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise PictureError(f"{path.name} cannot be read")
    return bgr


def measured_scale(path: Path) -> tuple[tuple[int, int], Scale | None]:
    """((height, width), the scale measured or guessed, None where neither is possible) of one picture."""
    bgr = read(path)
    try:
        return bgr.shape[:2], Field.from_bgr(bgr, guess=True).scale
    except PictureError:
        return bgr.shape[:2], None


def _choose(item: Item, cells: list[Cell], field: Field) -> list[tuple[tuple[float, float], str, bool]]:
    """(centre, class, found) of what one picture teaches: its labelled cell or cells, its artefacts."""
    if item.boxes is not None:
        return _from_boxes(item, cells)
    label = item.label
    if label is None:
        return []
    height, width = field.bgr.shape[:2]
    if item.centred:
        middle = (width / 2, height / 2)
        reach = CENTRED_UM / field.scale.um_per_px
        near = [c for c in cells if np.hypot(c.centre[0] - middle[0], c.centre[1] - middle[1]) < reach]
        if near:
            best = min(near, key=lambda c: np.hypot(c.centre[0] - middle[0], c.centre[1] - middle[1]))
            return [(best.centre, label, True)]
        return [(middle, label, False)]
    # The label is the field's: with one clear leukocyte it is that cell's, with two of a size nobody can tell.
    large = sorted((cv2.contourArea(c.contour), i) for i, c in enumerate(cells))[::-1]
    if not large or (len(large) > 1 and large[1][0] > 0.5 * large[0][0]):
        return []
    return [(cells[large[0][1]].centre, label, True)]


def _from_boxes(item: Item, cells: list[Cell]) -> list[tuple[tuple[float, float], str, bool]]:
    chosen = []
    boxes = item.boxes or ()
    for cell in cells:
        kinds = {box.kind for box in boxes if box.holds(*cell.centre)}
        if "wbc" in kinds:
            if item.label:
                chosen.append((cell.centre, item.label, True))
        else:
            chosen.append((cell.centre, "platelet" if "platelet" in kinds else "artefact", True))
    dice = random.Random(str(item.source))
    leukocytes = [box for box in boxes if box.kind == "wbc"]
    away = [(box, ((box.left + box.right) / 2, (box.top + box.bottom) / 2)) for box in boxes if box.kind != "wbc"]
    away = [(box, xy) for box, xy in away if not any(w.holds(*xy) for w in leukocytes)]
    red = [xy for box, xy in away if box.kind == "rbc"]
    chosen += [(xy, "artefact", False) for xy in dice.sample(red, min(RED_CELLS, len(red)))]
    clear = [xy for box, xy in away if box.kind == "platelet" and not any(box.holds(*c.centre) for c in cells)]
    chosen += [(xy, "platelet", False) for xy in clear[:3]]
    return chosen


def opened(item: Item, pooled: Pooled) -> Field | None:
    """The picture with its light and scale; None where it cannot be read or is none of a smear."""
    try:
        bgr = read(item.path)
        usual = pooled.get((item.lab, bgr.shape[:2]))
        fallback = Scale(usual, "pooled") if usual else None
        try:
            return Field.from_bgr(bgr, fallback=fallback)
        except ScaleUnknown:
            return Field.from_bgr(bgr, guess=True)
    except PictureError:
        return None


def _stripped(field: Field, without: Sequence[str]) -> Field:
    """The field for cutting, less the steps of normalisation that `without` names."""
    if "white" in without:
        field = replace(field, white=np.full_like(field.white, WHITE))
    if "scale" in without:
        field = replace(field, scale=Scale(UNSCALED, "assumed"))
    return field


def cut_item(
    task: tuple[Item, str, str], data: Path, pooled: Pooled, without: Sequence[str] = ()
) -> list[tuple[Row, np.ndarray]]:
    """Rows and crops of one picture; none where nothing in it can be read or found."""
    cv2.setNumThreads(1)
    item, group, part = task
    field = opened(item, pooled)
    if field is None:
        return []
    chosen = _choose(item, find_cells(field), field)
    field = _stripped(field, without)
    crops = cut(field, [centre for centre, _, _ in chosen], STORED_UM, STORED_SIZE)
    scale = field.scale
    path = str(item.path.relative_to(data))
    return [
        (Row(item.lab, label, group, part, path, *centre, scale.um_per_px, scale.origin, found), rgb)
        for (centre, label, found), rgb in zip(chosen, crops, strict=True)
    ]


def pooled_scales(items: list[Item], sample: int = 60) -> Pooled:
    """Median µm per px of each laboratory's pictures of one size, as a run over its folder would find it.

    From red cells where they show; else the median of the guesses, which at least leaves the cells' relative sizes.
    """
    by_lab: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_lab[item.lab].append(item)
    found: dict[tuple[str, tuple[int, int]], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for lab, members in by_lab.items():
        for item in random.Random(1).sample(members, min(sample, len(members))):
            size, scale = measured_scale(item.path)
            if scale:
                found[lab, size][scale.origin].append(scale.um_per_px)
    pooled = {}
    for key, by_origin in found.items():
        measured, guessed = by_origin["red cells"], by_origin["assumed"]
        values = measured if len(measured) >= 5 else guessed
        if len(values) >= 5:
            pooled[key] = float(np.median(values))
    return pooled


def build(data: Path, out: Path, workers: int = 2, without: Sequence[str] = ()) -> CellSet:
    """Cut the cell set from the folders in `data` into `out`; `without`: the `NORMALISED` that are not to be.

    Raises UsageError where `data` holds none of them.
    """
    names = linked.groups(data)
    items = select(data, names)
    if not items:
        raise UsageError(f"{data} holds none of the laboratories' folders; see its README for their names.")
    parts = split.assign(items, names)
    pooled = pooled_scales(items)
    tasks = [(item, group, part) for item, (group, part) in zip(items, parts, strict=True)]
    rows: list[Row] = []
    crops: list[np.ndarray] = []
    # OpenCV has threads by now, and a forked child would wait for theirs for ever.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        results = pool.map(partial(cut_item, data=data, pooled=pooled, without=without), tasks, chunksize=16)
        for result in track(results, description="cutting cells", total=len(tasks)):
            for row, rgb in result:
                rows.append(row)
                crops.append(rgb)
    for row, rgb in simulated.rows():
        rows.append(row)
        crops.append(rgb)
    return stored.save(
        out, [[getattr(row, name) for name in FIELDS] for row in rows], [crops], linked.by_path(data, names)
    )
