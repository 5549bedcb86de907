"""What a network that has seen no blood at all makes of the cells: VGG-16 of ImageNet, nothing trained further.

Every network of ours has learnt from some of the laboratories, so none can be asked what fewer of them would teach.
One pass over a sample of cells is kept in a file; what is learnt from it costs no more than linear algebra.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import keras
import numpy as np
from keras import layers

from leuko_edge.files import whole

from ..data import laboratories
from ..data.augment import STRENGTHS, Window
from ..data.cell_set import CellSet
from ..data.views import identity_view, seeded_views, seeds_for
from ..network.vgg16 import MiddleAndMean, preprocessing, vgg16
from ..training import sampling

READ = ("block3_conv3", "block4_conv3", "block5_conv3")
"""The last convolutions of the blocks that see more than edges."""
STRENGTH = "mixed"
PART = 256  # cells at a time: bounds memory, and a line is printed after each


@dataclass(frozen=True)
class Features:
    """n cells of the set, rows of it: `labs` are laboratories with their copies under one name.

    `plain` (n, d) of the view that the device cuts, `changed` (n, d) of one as another laboratory might have
    photographed it; float32, square roots of the network's own values, whose few large ones would rule otherwise.
    """

    rows: np.ndarray
    labels: np.ndarray
    labs: np.ndarray
    sources: np.ndarray
    plain: np.ndarray
    changed: np.ndarray


@dataclass(frozen=True)
class Sample:
    """`cap` cells at most of each class of each laboratory, seen through `window`."""

    window: Window
    cap: int
    seed: int


def network(init: str | Path | None, size: int) -> keras.Model:
    """RGB in 0–255 (n, size, size, 3) -> (n, 2560): of each of `READ` the maximum in the middle, and the mean."""
    inputs = keras.Input((size, size, 3), name="rgb")
    x, read = preprocessing()(inputs), []
    for layer in vgg16(init, size).layers[1:]:
        x = layer(x)
        if layer.name in READ:
            read.append(MiddleAndMean()(x))
    return keras.Model(inputs, layers.Concatenate()(read), name="frozen")


def names(cells: CellSet) -> np.ndarray:
    """(n,) the laboratory of each cell, copies under their original's name; "" for drawn and guessed cells."""
    kept = {laboratories.EVALUATION_ONLY: laboratories.EVALUATION_ONLY}
    for lab, folders in laboratories.groups(cells.labs.tolist()).items():
        kept |= dict.fromkeys(folders, lab)
    return np.array([kept.get(str(lab), "") for lab in cells.labs])


def features(cells: CellSet, init: str, sample: Sample, folder: Path) -> Features:
    """Of a sample of all laboratories' cells, whatever their split; read from `folder` where it was made before."""
    labs = names(cells)
    rows = sampling.capped(replace(cells, labs=labs), np.flatnonzero(labs != ""), sample.cap, sample.seed)
    path = folder / f"features-{_key(cells, init, sample)}.npz"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        plain, changed = _seen(cells, rows, init, sample)
        with whole(path) as file:
            np.savez(file, plain=plain, changed=changed)
    with np.load(path) as stored:
        plain, changed = (stored[name].astype(np.float32) for name in ("plain", "changed"))
    return Features(rows, cells.labels[rows], labs[rows], cells.sources[rows], plain, changed)


def _key(cells: CellSet, init: str, sample: Sample) -> str:
    weights = hashlib.sha256(Path(init).read_bytes()).hexdigest() if Path(init).is_file() else init
    told = {"data": cells.sha256, "weights": weights, "read": READ, "strength": STRENGTH, **asdict(sample)}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _seen(cells: CellSet, rows: np.ndarray, init: str, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    model = network(init, sample.window.size)
    seeds = seeds_for(np.random.default_rng(sample.seed), len(rows))
    found: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for start in range(0, len(rows), PART):
        part = slice(start, start + PART)
        views = (
            identity_view(cells.crops, sample.window, rows[part]),
            seeded_views(cells.crops, rows[part], seeds[part], STRENGTHS[STRENGTH], sample.window),
        )
        for kept, rgb in zip(found, views, strict=True):
            seen = model.predict(rgb.astype(np.float32), batch_size=64, verbose=0)
            kept.append(np.sqrt(seen).astype(np.float16))
        print(f"{min(start + PART, len(rows))} of {len(rows)} cells seen", flush=True)
    return np.concatenate(found[0]), np.concatenate(found[1])
