"""Builds the cell set: crops cut from the laboratories' pictures by the device's own code, with class and split."""

from __future__ import annotations

import multiprocessing
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from leuko_edge.errors import PictureError, UsageError
from leuko_edge.model.finder import shipped
from leuko_edge.types import Scale
from leuko_edge.vision.crop import WHITE, cut
from leuko_edge.vision.field import Field, ScaleUnknown
from leuko_edge.vision.segment import find_cells

from . import cell_set, linked, readers, simulated, split
from .cell_set import FIELDS, STORED_SIZE, STORED_UM, CellSet, Cut, Row
from .choose import choose
from .items import Item
from .laboratories import LABORATORIES
from .outlines import outlined, packed
from .own import OwnLab, class_folders

COPIES = 6  # turned copies taken of one place: more are the same cell again
PER_CLASS = 4000  # pictures taken of one class of PBC: all of them
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
    for reader in readers.READERS:
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


def cut_item(task: tuple[Item, str, str], data: Path, pooled: Pooled, without: Sequence[str] = ()) -> list[Cut]:
    """The cells of one picture; none where nothing in it can be read or found."""
    cv2.setNumThreads(1)
    item, group, part = task
    field = opened(item, pooled)
    if field is None:
        return []
    chosen = choose(item, find_cells(field, shipped()), field)
    field = _stripped(field, without)
    crops = cut(field, [one.centre for one in chosen], STORED_UM, STORED_SIZE)
    scale = field.scale
    path, mask = item.where(data), str(item.mask.relative_to(data)) if item.mask else ""
    found = []
    for (centre, label, sub_type, cell), rgb in zip(chosen, crops, strict=True):
        about = (*centre, scale.um_per_px, scale.origin, cell is not None, sub_type, mask)
        row = Row(item.lab, label, group, part, path, *about)
        found.append(Cut(row, rgb, outlined(cell, centre, scale.um_per_px)))
    return found


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


BY_CLASS = (
    *("pbc", "deepapl", "raabin_cells", "lisc", "deepbionet/classes"),
    *("kaggle_blood_cells/TRAIN", "kaggle_blood_cells/TEST"),
)
"""Folders of `data` that hold a folder for each class."""


def build(
    data: Path,
    out: Path,
    workers: int = 2,
    without: Sequence[str] = (),
    own: Sequence[OwnLab] = (),
    without_labs: Sequence[str] = (),
) -> CellSet:
    """Cut the cell set from the folders in `data`, and from those of `own`, into `out`.

    `without`: the `NORMALISED` that are not to be; `without_labs`: laboratories that are left out. Raises UsageError
    where there is nothing to cut, a folder is named after no class, or a folder of `own` says what cannot be.
    """
    for name in BY_CLASS:  # first: what is wrong there should not be found after an hour, nor left out without a word
        if (data / name).is_dir():
            class_folders(data / name)
    given = {lab: lab.items() for lab in own}
    about = {**LABORATORIES, **{lab.name: lab.about(items) for lab, items in given.items()}}
    more = [item for items in given.values() for item in items]
    names = linked.groups(data)
    items = [item for item in [*select(data, names), *more] if item.lab not in without_labs]
    if not items:
        raise UsageError(f"{data} holds none of the laboratories' folders", "see its README for their names.")
    parts = split.assign(items, names)
    pooled = pooled_scales(items)
    tasks = [(item, group, part) for item, (group, part) in zip(items, parts, strict=True)]
    out.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    outlines: list[np.ndarray] = []
    spool = out / "crops.part"  # gigabytes: not in memory
    # OpenCV has threads by now, and a forked child would wait for theirs for ever.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool, open(spool, "wb") as file:
        results = pool.map(partial(cut_item, data=data, pooled=pooled, without=without), tasks, chunksize=16)
        cells = track(results, description="cutting cells", total=len(tasks))
        drawn = () if simulated.LAB in without_labs else simulated.rows()
        for row, rgb, outline in chain(chain.from_iterable(cells), drawn):
            rows.append(row)
            file.write(rgb.tobytes())
            outlines.append(packed([outline])[0])
    try:
        crops = np.memmap(spool, np.uint8, "r", shape=(len(rows), STORED_SIZE, STORED_SIZE, 3))
        table = [[getattr(row, name) for name in FIELDS] for row in rows]
        return cell_set.save(out, table, [crops], linked.by_path(data, names, more), [outlines], about)
    finally:
        spool.unlink()
