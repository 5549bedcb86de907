"""The command `leuko-check --bench`: how fast and how large, beside the full network and other runtimes.

Candidates run in turns, each in its own process, so that load hits all alike. The full network is given by --full or
made here from random weights, which does not change its speed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from leuko_edge.cli.grammar import Terse
from leuko_edge.errors import EnvironmentBroken, UsageError
from leuko_edge.files import write_whole
from leuko_edge.model.card import load_verified, shipped_model
from leuko_train.report import provenance

from . import files, machine, rounds
from .macs import macs
from .table import render

SCHEMA = "leuko-bench/1"
CROPS = 100
"""For the int8 ranges of a full network made here, as few as TFLite's guide allows."""


def _parser() -> argparse.ArgumentParser:
    parser = Terse(prog="leuko-check --bench", description=__doc__)
    parser.add_argument("--quantized", type=Path, help="the shipped network, float beside it (default: leuko-edge's)")
    parser.add_argument("--full", type=Path, metavar="FILE", help="the full network, its twin beside it")
    parser.add_argument("--init", type=Path, metavar="FILE", help="weights of the full network made here, without top")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where the files made here stay (default: nowhere)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="(default: 1 2)")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8], help="cells at once (default: 1 8)")
    parser.add_argument(
        "--runtimes", nargs="+", choices=files.RUNTIMES, default=list(files.RUNTIMES), help="(default: all)"
    )
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="RUNTIME=FILE",
        help="the Python that has a runtime, where this one has not: tflite-runtime=old/bin/python",
    )
    parser.add_argument("--rounds", type=int, default=15, help="turns of each candidate (%(default)s)")
    parser.add_argument("--seconds", type=float, default=0.3, help="of a turn (%(default)s)")
    parser.add_argument("--json", metavar="FILE", help="everything measured; - for standard output")
    return parser


def run(argv: Sequence[str]) -> int:
    """Exit code 0; errors as `leuko-check` says them."""
    args = _parser().parse_args(argv)
    if min(*args.threads, *args.batches, args.rounds) < 1 or not args.seconds > 0:
        raise UsageError("--threads, --batches, --rounds and --seconds must be above 0.")
    pythons = dict(part.partition("=")[::2] for part in args.python)
    if unknown := set(pythons) - set(files.RUNTIMES):
        raise UsageError(f"--python {unknown.pop()}: a runtime is one of {', '.join(files.RUNTIMES)}.")
    console = Console(stderr=args.json == "-")
    path = args.quantized or shipped_model()
    card, _ = load_verified(path, certified=False)
    shipped, full = files.pair_of(path), args.full and files.pair_of(args.full)
    crops = files.drawn_crops(max(CROPS, *args.batches), card.input_size)
    with tempfile.TemporaryDirectory() as made:
        folder = args.keep or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        pairs = _pairs(args, shipped, full, folder, crops)
        checked = {
            "schema": SCHEMA,
            "machine": machine.describe(),
            "networks": {name: {"name": pair.name, "macs": macs(pair.int8)} for name, pair in pairs.items()},
            "rounds": args.rounds,
        } | _measured(args, pairs, folder, crops, pythons)
    made_by = provenance("", None)
    checked |= {key: made_by[key] for key in ("commit", "dirty", "versions")}
    console.print(render(checked))
    if args.json == "-":
        sys.stdout.write(_text(checked))
    elif args.json:
        write_whole(Path(args.json), _text(checked).encode())
    return 0


def _text(checked: dict[str, Any]) -> str:
    return json.dumps(checked, indent=2, allow_nan=False) + "\n"


def _pairs(
    args: argparse.Namespace, shipped: files.Pair, full: files.Pair | None, folder: Path, crops: np.ndarray
) -> dict[str, files.Pair]:
    if full:
        return {"full": full, "shipped": shipped}
    if shipped.name == files.FULL:
        return {"full": shipped}
    print("Making the full network; that takes a minute or two …", file=sys.stderr)
    try:
        return {"full": files.make_full(folder, crops, args.init), "shipped": shipped}
    except ImportError as error:
        raise EnvironmentBroken(
            f"TensorFlow is needed to make the full network ({error})", "name one with --full or install it."
        ) from None


def _measured(
    args: argparse.Namespace, pairs: dict[str, files.Pair], folder: Path, crops: np.ndarray, pythons: dict[str, str]
) -> dict[str, Any]:
    candidates, missing = [], []
    for runtime in dict.fromkeys(args.runtimes):
        for network, pair in pairs.items():
            found, failed = files.Exports(network, pair, folder, crops).of(runtime)
            candidates += found
            missing += [_missing(network, precision, runtime, why) for precision, why in failed]
    rows = []
    counts = {name: macs(pair.int8) for name, pair in pairs.items()}
    with tempfile.TemporaryDirectory() as scratch:
        for threads in args.threads:
            for batch in args.batches:
                print(f"threads {threads}, batch {batch}: {len(candidates)} candidates …", file=sys.stderr)
                np.save(Path(scratch) / "crops.npy", crops[:batch])
                timed, failures = rounds.run(
                    candidates, Path(scratch) / "crops.npy", threads, args.rounds, args.seconds, pythons
                )
                rows += [
                    {"threads": threads, "batch": batch} | _row(one, timed, counts[one.network])
                    for one in candidates
                    if one in timed
                ]
                missing += [
                    _missing(one.network, one.precision, one.runtime, why) | {"threads": threads, "batch": batch}
                    for one, why in failures.items()
                ]
    return {"rows": rows, "not_measured": missing}


def _missing(network: str, precision: str, runtime: str, why: str) -> dict[str, Any]:
    return {"network": network, "precision": precision, "runtime": runtime, "reason": why}


def _row(one: rounds.Candidate, timed: dict[rounds.Candidate, rounds.Timed], operations: int) -> dict[str, Any]:
    mine = timed[one]
    full = next(
        (t for c, t in timed.items() if (c.network, c.precision, c.runtime) == ("full", "float", "LiteRT")), None
    )
    return {
        "network": one.network,
        "precision": one.precision,
        "runtime": one.runtime,
        "version": mine.version,
        "ms_a_cell": _spread(mine.ms),
        "cpu_ms_a_cell": _spread(mine.cpu_ms),
        "gmac_s": operations / float(np.median(mine.ms)) / 1e6,
        "megabytes": os.path.getsize(one.path) / 1e6,
        "peak_rss_mb": mine.peak_rss_mb,
        "times_full_float": None if full is None else _spread(np.array(full.ms) / np.array(mine.ms)),
    }


def _spread(values: Sequence[float] | np.ndarray) -> dict[str, float]:
    """Median and quartiles over the rounds."""
    low, middle, high = np.percentile(values, (25, 50, 75))
    return {"median": float(middle), "p25": float(low), "p75": float(high)}
