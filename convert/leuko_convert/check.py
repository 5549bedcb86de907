"""The command `leuko-check`: does the quantized model still say what the float model says?

Both get the same cells, cut by the device's own code, through the device's own LiteRT.
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from leuko_edge.cli.grammar import Terse
from leuko_edge.errors import EnvironmentBroken, LeukoError, ModelError, UsageError
from leuko_edge.files import write_whole
from leuko_edge.model.card import load_verified, shipped_model
from leuko_edge.model.classify import Classifier
from leuko_edge.model.litert import default_threads

from .agreement import Comparison, compare
from .certify import Measured, certify, result
from .labelled import from_cell_set, from_folder
from .table import render

BEYOND = 1
"""Exit code where the quantized model is not good enough."""
WARM_UP, TIMED = 5, 50


def _parser() -> argparse.ArgumentParser:
    parser = Terse(prog="leuko-check", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="a subfolder of pictures for each class")
    parser.add_argument("--cells", type=Path, help="instead: a folder that `leuko-train cells` wrote")
    parser.add_argument("--split", default="test", help="of --cells (%(default)s)")
    parser.add_argument("--float", type=Path, dest="reference", help="(default: the -float16 beside the other)")
    parser.add_argument("--quantized", type=Path, help="(default: the model that leuko-edge ships)")
    parser.add_argument("--json", metavar="FILE", help="everything measured; - for standard output")
    parser.add_argument(
        "--tolerance", type=float, default=0.5, help="points that accuracy or balanced accuracy may lose (%(default)s)"
    )
    parser.add_argument(
        "--agreement", type=float, default=99.0, help="per cent of cells that both must name alike (%(default)s)"
    )
    parser.add_argument(
        "--shift", type=float, default=0.5, help="points that a class of the differential may move (%(default)s)"
    )
    parser.add_argument("--threads", type=int, help="(default: four, or as many as there are cores)")
    parser.add_argument("--um-per-px", type=float, help="of the pictures (default: measured from the red cells)")
    parser.add_argument(
        "--every-cell", action="store_true", help="all cells of a picture, not only the one nearest to its middle"
    )
    parser.add_argument("--certify", action="store_true", help="write the figures into the cards of both models")
    parser.add_argument("--finder", action="store_true", help="the finder instead, see: leuko-check --finder --help")
    parser.add_argument("--bench", action="store_true", help="speed and size instead, see: leuko-check --bench --help")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0, 1 beyond a tolerance, 2 wrong usage, 3 no cells, 4 model or environment broken."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if "--bench" in words:
            from .bench.command import run as bench

            return bench([word for word in words if word != "--bench"])
        if "--finder" in words:
            from .finder.check import run as finder

            return finder(words)
        return _run(_parser().parse_args(words), _command(words))
    except LeukoError as error:
        print(f"leuko-check: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"leuko-check: {error.filename or 'a file'}: {error.strerror or error}", file=sys.stderr)
        return EnvironmentBroken.exit_code


def _run(args: argparse.Namespace, command: str) -> int:
    if (args.folder is None) == (args.cells is None):
        raise UsageError("Name either a folder of labelled pictures or --cells.")
    if (args.threads is not None and args.threads < 1) or (args.um_per_px is not None and not args.um_per_px > 0):
        raise UsageError("--threads and --um-per-px must be above 0.")
    quantized_path = args.quantized or shipped_model()
    reference_path = args.reference or quantized_path.with_name(quantized_path.name.replace("-int8", "-float16"))
    if reference_path == quantized_path:
        raise UsageError("Name the float model with --float.")
    card, quantized_bytes = load_verified(quantized_path, certified=False)
    reference_card, reference_bytes = load_verified(reference_path, certified=False)
    for what in ("classes", "input_size", "window_um", "centres"):
        if getattr(card, what) != getattr(reference_card, what):
            raise ModelError(f"The two models do not belong together: their cards differ in {what}.")
    if args.cells is not None:
        data = from_cell_set(args.cells, args.split, card)
    else:
        data = from_folder(args.folder, card, args.um_per_px, args.every_cell)

    threads = args.threads or default_threads()
    sides = []
    for one, content in ((reference_card, reference_bytes), (card, quantized_bytes)):
        with Classifier(one, content, threads) as classifier:
            milliseconds = _milliseconds(classifier, data.crops)
            sides.append((classifier.classify(data.crops), Measured(one, len(content) / 1e6, milliseconds)))
    (before, reference), (after, quantized) = sides
    found = compare(card.classes, data.labels, before, after, data.sources)
    checked = result(found, data, reference, quantized, command, threads)
    checked["passed"] = passed = _passed(found, args)
    _show(args, checked)
    if args.certify and passed:
        pair = ((reference_path, reference_card), (quantized_path, card))
        certify({path.with_suffix(".json"): one for path, one in pair}, checked)
    elif args.certify:
        print("leuko-check: not certified, the card is as it was", file=sys.stderr)
    return 0 if passed else BEYOND


def _passed(found: Comparison, args: argparse.Namespace) -> bool:
    return (
        found.loss_points <= args.tolerance
        and 100 * found.agreement["share"] >= args.agreement
        and abs(found.largest_shift["points"]) <= args.shift
    )


def _milliseconds(classifier: Classifier, crops: np.ndarray) -> float:
    """Median of single cells after warm-up, in milliseconds."""
    taken = []
    for number in range(WARM_UP + TIMED):
        crop = crops[number % len(crops)][None]
        start = time.perf_counter()
        classifier.probabilities(crop)
        taken.append(time.perf_counter() - start)
    return 1e3 * statistics.median(taken[WARM_UP:])


def _show(args: argparse.Namespace, checked: dict[str, Any]) -> None:
    console = Console(stderr=args.json == "-")
    console.print(render(checked))
    verdict = "within" if checked["passed"] else "beyond"
    console.print(
        f"{verdict} the tolerance: {args.tolerance:g} points of accuracy, {args.agreement:g} % agreement, "
        f"{args.shift:g} points of the differential"
    )
    if args.json:
        text = json.dumps(checked, indent=2, allow_nan=False) + "\n"
        if args.json == "-":
            sys.stdout.write(text)
        else:
            write_whole(Path(args.json), text.encode())


def _command(words: Sequence[str]) -> str:
    """As it was typed, but paths by their last name only: a card travels, a machine's folders do not."""
    return shlex.join(["leuko-check", *(Path(word).name if "/" in word else word for word in words)])


if __name__ == "__main__":
    sys.exit(main())
