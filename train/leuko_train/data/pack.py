"""A cell set that travels to another machine, a GPU's say, with little to carry: `leuko-train pack` and `unpack`.

The crops become WebP pictures, a twentieth of their size, in parts of a size that can be chosen. What `unpack` makes is
a set of its own with its own SHA-256, the same on every machine: networks trained on it are reported and judged by it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from leuko_edge.errors import EnvironmentBroken, UsageError

from . import cell_set
from .views import cores

QUALITY = 88
"""Of WebP: 2.7 kB a crop. The crops come from JPEG pictures at twice their resolution or more."""
PART_MIB = 32.0
PART = "crops-{:02d}.npz"
OUTLINES = "outlines.npz"


def _coded(rgb: np.ndarray, quality: int) -> np.ndarray:
    return cv2.imencode(".webp", rgb[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, quality])[1].ravel()


def pack(cells: Path, out: Path, quality: int = QUALITY, part_mib: float = PART_MIB) -> list[Path]:
    """Write cells.csv, JSON files, outlines.npz and crops-01.npz, … of about `part_mib` to `out`; gives all of them."""
    whole = cell_set.load(cells)
    crops = whole.crops
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for name in (cell_set.TABLE, cell_set.GROUPS, cell_set.LABS):
        if (cells / name).is_file():
            written.append(out / name)
            written[-1].write_bytes((cells / name).read_bytes())
    if whole.outlines is not None:
        written.append(out / OUTLINES)
        np.savez_compressed(written[-1], outlines=whole.outlines)
    with ThreadPoolExecutor(cores()) as pool:
        coded = list(pool.map(lambda i: _coded(crops[i], quality), range(len(crops))))
    ends = np.cumsum([len(code) for code in coded])
    number = (ends - 1) // int(part_mib * 2**20)  # of the part that each belongs to
    for part in np.unique(number):
        own = [coded[i] for i in np.flatnonzero(number == part)]
        written.append(out / PART.format(part + 1))
        np.savez(written[-1], lengths=[len(code) for code in own], codes=np.concatenate(own))
    return written


def _parts(folder: Path) -> Iterator[np.ndarray]:
    for path in sorted(folder.glob(PART.replace("{:02d}", "*")), key=lambda path: int(path.stem.rpartition("-")[2])):
        with np.load(path) as part:
            codes = np.split(part["codes"], np.cumsum(part["lengths"])[:-1])
        with ThreadPoolExecutor(cores()) as pool:
            yield np.stack(list(pool.map(_rgb, codes)))


def _rgb(code: np.ndarray) -> np.ndarray:
    bgr = cv2.imdecode(code, cv2.IMREAD_COLOR)
    if bgr is None:
        raise EnvironmentBroken("a picture of the pack is damaged", "copy the pack again")
    return bgr[..., ::-1]


def unpack(packed: Path, out: Path) -> cell_set.CellSet:
    """The set in `packed` as a set to train on. Raises UsageError for no pack, EnvironmentBroken where parts lack."""
    if not (packed / cell_set.TABLE).is_file():
        raise UsageError(
            f"{packed} holds no packed cell set", f"leuko-train pack --cells CELLS --out {packed} makes one"
        )
    rows = [[row[name] for name in cell_set.FIELDS] for row in cell_set.table_of(packed)]
    parts = list(_parts(packed))
    if sum(map(len, parts)) != len(rows):
        raise EnvironmentBroken(f"{packed} has {sum(map(len, parts))} of {len(rows)} crops", "copy all its parts.")
    outlines = []
    if (packed / OUTLINES).is_file():
        with np.load(packed / OUTLINES) as file:
            outlines = [file["outlines"]]
    about = cell_set.laboratories_of(packed)
    return cell_set.save(out, rows, parts, cell_set.groups_of(packed), outlines, about)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cells", type=Path, required=True, help="folder that `leuko-train cells` or `pseudo` wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder for the packed set")
    parser.add_argument("--quality", type=int, default=QUALITY, help="of WebP, 1 to 100 (%(default)s)")
    parser.add_argument("--part-mib", type=float, default=PART_MIB, help="size of a part at most (%(default)s)")


def run(args: argparse.Namespace) -> int:
    written = pack(args.cells, args.out, args.quality, args.part_mib)
    for path in written:
        print(f"{path}  {path.stat().st_size / 2**20:.1f} MiB")
    return 0
