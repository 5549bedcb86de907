"""`leuko-convert --finder`: the finder's weights to float16 and int8 `.tflite` files, each with its card."""

from __future__ import annotations

import hashlib
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from leuko_edge.cli.grammar import Terse
from leuko_edge.errors import EnvironmentBroken, UsageError
from leuko_edge.files import write_whole
from leuko_edge.model.finder_card import FinderCard
from leuko_edge.vision.finder_input import FINDER_UM, stacked

from .. import licences
from ..quantize import FLOAT16
from ..quiet import quiet

INT8 = "int8 weights (per output channel) and activations (per tensor), uint8 input; float32 logits"
NAME = "leuko-finder"
REPRESENTATIVE = 400  # training pictures that give the int8 ranges


def run(words: Sequence[str]) -> int:
    """Exit code 0; errors are raised."""
    parser = Terse(prog="leuko-convert", description=__doc__)
    parser.add_argument("--finder", type=Path, required=True, metavar="RUN", help="folder of leuko-train finder --out")
    parser.add_argument("--out", type=Path, default=Path("models"), help="folder for the files (%(default)s)")
    args = parser.parse_args(words)

    from leuko_train.data.laboratories import LABORATORIES
    from leuko_train.finder import command, gather
    from leuko_train.finder.weights import WEIGHTS

    try:
        record = json.loads((args.finder / command.RECORD).read_text())
        threshold = float(record["threshold"])
    except (OSError, ValueError, KeyError):
        raise UsageError(f"There is no finished run of leuko-train finder in {args.finder}.") from None
    pictures = [p for p in gather.kept(args.finder / command.PICTURES) if p.part == "train"]
    chosen = random.Random(0).sample(pictures, min(REPRESENTATIVE, len(pictures)))
    try:
        with quiet():
            from .quantize import convert

            made = convert(args.finder / WEIGHTS, [stacked(p.rgb, p.red) for p in chosen])
    except ImportError as error:
        raise EnvironmentBroken(f"TensorFlow is needed to convert ({error})", "install leuko-edge[train].") from None
    args.out.mkdir(parents=True, exist_ok=True)
    for kind, content, quantization in (("float16", made.float16, FLOAT16), ("int8", made.int8, INT8)):
        path = args.out / f"{NAME}-{kind}.tflite"
        card = FinderCard(
            name=path.stem,
            file=path.name,
            sha256=hashlib.sha256(content).hexdigest(),
            network=NAME,
            quantization=quantization,
            um_per_px=FINDER_UM,
            threshold=threshold,
            training=record | {"representative_pictures": len(chosen)},
            licences=licences.of(map(_laboratory, record["pictures"]), LABORATORIES, imagenet=False),
        )
        write_whole(path, content)
        card.save(path.with_suffix(".json"))
        print(f"{path}  {len(content) / 1e6:.2f} MB  SHA-256 {card.sha256[:16]}…")
    # Which pictures it learnt from, so that `leuko-train detect` leaves them out.
    learnt = sorted(_within(Path(p.path).parts, p.lab) for p in pictures if p.lab != "simulated")
    write_whole(args.out / f"{NAME}-pictures.txt", ("\n".join(learnt) + "\n").encode())
    print("leuko-edge takes them once certified: leuko-check --finder --run RUN --certify", file=sys.stderr)
    return 0


def _within(parts: tuple[str, ...], folder: str) -> str:
    """A picture's path in the data: from its laboratory's folder on."""
    return "/".join(parts[parts.index(folder) :])


def _laboratory(folder: str) -> str:
    """Raabin's single cells lie in a folder of their own."""
    return folder.removesuffix("_cells")
