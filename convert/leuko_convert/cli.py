"""The command `leuko-convert`: a trained network to float16 and int8 `.tflite` files, each with its card."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leuko_edge.cli.grammar import Terse
from leuko_edge.errors import EnvironmentBroken, LeukoError, UsageError
from leuko_edge.files import write_whole
from leuko_edge.model.card import ModelCard
from leuko_edge.types import LEUKOCYTES

from . import licences, representative, run_record
from .quiet import quiet

if TYPE_CHECKING:
    import keras


def _parser() -> argparse.ArgumentParser:
    parser = Terse(
        prog="leuko-convert",
        description=__doc__,
        epilog="Other uses: leuko-convert --finder RUN, and leuko-convert --sign KEY MODEL… (each has its own --help)",
    )
    parser.add_argument(
        "--model", type=Path, required=True, help="model.keras of a run, or a weights file (.weights.h5) of --network"
    )
    parser.add_argument(
        "--cells", type=Path, required=True, help="folder that `leuko-train cells` wrote; its training split is used"
    )
    parser.add_argument("--out", type=Path, default=Path("models"), help="folder for the files (%(default)s)")
    parser.add_argument("--name", help="NAME-float16 and NAME-int8 (default: the network's)")
    parser.add_argument("--network", default="leuko-vgg16", help="configuration of a weights file (%(default)s)")
    parser.add_argument("--temperature", type=float, help="instead of the run's own")
    parser.add_argument("--confidence-threshold", type=float, help="instead of the run's own")
    parser.add_argument(
        "--representative", type=int, default=representative.COUNT, help="crops for the int8 ranges (%(default)s)"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0, 2 for wrong usage, 4 where TensorFlow or the disk fails."""
    words = list(sys.argv[1:] if argv is None else argv)
    finder, signing = (any(word.startswith(option) for word in words) for option in ("--finder", "--sign"))
    try:
        if signing:
            from . import sign

            return sign.run(words)
        if finder:
            from .finder.command import run

            return run(words)
        args = _parser().parse_args(words)
        for path, card in _convert(args):
            print(f"{path}  {path.stat().st_size / 1e6:.1f} MB  SHA-256 {card.sha256[:16]}…")
        print(
            f"leuko-edge takes them once certified: leuko-check --cells {args.cells} --quantized {path} --certify",
            file=sys.stderr,
        )
    except LeukoError as error:
        print(f"leuko-convert: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"leuko-convert: {error.filename or 'output'}: {error.strerror or error}", file=sys.stderr)
        return EnvironmentBroken.exit_code
    return 0


def _convert(args: argparse.Namespace) -> list[tuple[Path, ModelCard]]:
    from leuko_train.calibration import novelty
    from leuko_train.data import cell_set

    if not args.model.is_file():
        raise UsageError(f"There is no trained network at {args.model}.")
    run = run_record.read(args.model.parent)
    known = novelty.load(args.model.parent)
    if known is None and run.distance_threshold is not None:
        raise UsageError(
            f"{args.model.parent} has a distance threshold but no {novelty.FILE}", "run leuko-train calibrate."
        )
    cells = cell_set.load(args.cells)
    print("Converting; VGG-16 takes a minute or two …", file=sys.stderr)
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever trained it: only TensorFlow converts
    try:
        with quiet():
            from . import quantize

            model, white = load_network(args.model, args.network, len(run.classes))
            if model.output_shape[-1] != len(run.classes):
                raise UsageError(
                    f"The network gives {model.output_shape[-1]} classes, its run names {len(run.classes)}."
                )
            size = int(model.input_shape[1])
            crops = representative.crops(cells, size, run.window_um, args.representative)
            made = quantize.convert(model, crops, white, known)
    except ImportError as error:
        raise EnvironmentBroken(f"TensorFlow is needed to convert ({error})", "install leuko-edge[train].") from None
    args.out.mkdir(parents=True, exist_ok=True)
    common = {
        "classes": run.classes,
        "leukocytes": tuple(name for name in run.classes if name in LEUKOCYTES),
        "input_size": size,
        "window_um": run.window_um,
        "um_per_px": run.window_um / size,
        "confidence_threshold": _first(args.confidence_threshold, run.confidence_threshold),
        "temperature": _first(args.temperature, run.temperature),
        "turns": run.turns,
        "early_exit": run.early_exit,
        "centres": () if known is None else tuple(tuple(map(float, row)) for row in known.centres.round(5)),
        "distance_threshold": run.distance_threshold,
        "excluded_threshold": run.excluded_threshold,
        "abnormal_threshold": run.abnormal_threshold,
        "warn_share": run.warn_share,
        "network": model.name,
        "training": run.training | {"converted_from_cells": cells.sha256, "representative_crops": len(crops)},
        "licences": licences.of(run.training.get("training_cells") or map(str, cells.labs), cells.laboratories),
    }
    return [
        _write(args.out, f"{args.name or model.name}-float16", made.float16, quantize.FLOAT16, common),
        _write(args.out, f"{args.name or model.name}-int8", made.int8, quantize.INT8, common),
    ]


def load_network(path: Path, network: str, classes: int) -> tuple[keras.Model, float]:
    """(model, its input value for white) of a `.keras` file, or of a weights file of the named configuration."""
    import keras

    from leuko_train.network.vgg16 import CONFIGS

    if network not in CONFIGS:
        raise UsageError(f"There is no network {network}", f"there are {', '.join(CONFIGS)}.")
    try:
        if path.name.endswith(".weights.h5"):
            model = CONFIGS[network].build(classes)
            model.load_weights(path)
        else:
            model = keras.models.load_model(path, compile=False)
    except (OSError, ValueError, KeyError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UsageError(f"{path} cannot be read as a trained network ({reason}).") from None
    known = CONFIGS.get(model.name, CONFIGS[network])
    return model, known.white


def _write(out: Path, name: str, content: bytes, quantization: str, common: dict[str, Any]) -> tuple[Path, ModelCard]:
    path = out / f"{name}.tflite"
    card = ModelCard(
        name=name, file=path.name, sha256=hashlib.sha256(content).hexdigest(), quantization=quantization, **common
    )
    write_whole(path, content)  # an old card beside it is refused by its hash until the next line
    card.save(path.with_suffix(".json"))
    return path, card


def _first(given: float | None, otherwise: float) -> float:
    return otherwise if given is None else given


if __name__ == "__main__":
    sys.exit(main())
