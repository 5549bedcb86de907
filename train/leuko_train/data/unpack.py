"""The other half of `leuko-train pack`: `leuko-train unpack`."""

from __future__ import annotations

import argparse
from pathlib import Path

from .pack import unpack


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--packed", type=Path, required=True, help="folder that `leuko-train pack` wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder for the cell set")


def run(args: argparse.Namespace) -> int:
    cells = unpack(args.packed, args.out)
    print(f"{len(cells.labels)} cells in {args.out}, SHA-256 {cells.sha256}")
    return 0
