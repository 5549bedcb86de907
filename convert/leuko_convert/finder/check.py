"""`leuko-check --finder`: does the int8 finder still find the cells that the float one finds?

Both look at the same held-out pictures, as the device shows them, through the device's own LiteRT.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from leuko_edge.cli.grammar import Terse
from leuko_edge.model import finder_card
from leuko_edge.model.finder import Finder
from leuko_edge.vision.finder_input import stacked
from leuko_edge.vision.map_cells import Blob, cells_in

BEYOND = 1
"""Exit code where the quantized finder is not good enough."""
ALIKE_IOU = 0.5


def run(words: Sequence[str]) -> int:
    """Exit code 0, 1 beyond a tolerance; errors are raised."""
    parser = Terse(prog="leuko-check", description=__doc__)
    parser.add_argument("--finder", action="store_true", required=True)
    parser.add_argument("--run", type=Path, required=True, help="folder of leuko-train finder --out: its test pictures")
    parser.add_argument("--quantized", type=Path, help="(default: the finder that leuko-edge ships)")
    parser.add_argument("--agreement", type=float, default=99.0, help="per cent of cells found by both (%(default)s)")
    parser.add_argument("--loss", type=float, default=0.5, help="points of F1 that may be lost (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="everything measured")
    parser.add_argument("--certify", action="store_true", help="write the figures into the cards of both")
    args = parser.parse_args(words)

    quantized_path = args.quantized or finder_card.shipped_finder()
    float_path = quantized_path.with_name(quantized_path.name.replace("-int8", "-float16"))
    measured = _measure(float_path, quantized_path, args.run)
    measured["command"] = shlex.join(["leuko-check", *(Path(w).name if "/" in w else w for w in words)])
    share, loss = 100 * measured["agreed"] / max(1, measured["cells"]), measured["loss_points"]
    passed = share >= args.agreement and loss <= args.loss
    for side in ("float", "quantized"):
        one = measured[side]
        print(
            f"{one['name']}: recall {one['recall']:.4f}, precision {one['precision']:.4f}, F1 {one['f1']:.4f}, "
            f"{one['megabytes']:.2f} MB, {one['ms_per_picture']:.1f} ms a picture"
        )
    print(f"{measured['agreed']} of {measured['cells']} cells found by both ({share:.2f} %), F1 {-loss:+.2f} points")
    print("within the tolerance" if passed else "beyond the tolerance")
    if args.json:
        args.json.write_text(json.dumps(measured, indent=1) + "\n")
    if args.certify and passed:
        for path in (float_path, quantized_path):
            card, _ = finder_card.load_verified(path, certified=False)
            replace(card, certificate=measured).save(path.with_suffix(".json"))
    elif args.certify:
        print("not certified, the cards are as they were")
    return 0 if passed else BEYOND


def _measure(float_path: Path, quantized_path: Path, run: Path) -> dict[str, Any]:
    from leuko_train.finder import command, gather, judge
    from leuko_train.report import provenance

    pictures = [picture for picture in gather.kept(run / command.PICTURES) if picture.part == "test"]
    digest = hashlib.sha256()
    for picture in pictures:
        digest.update(picture.rgb.tobytes())
    sides: dict[str, dict[str, Any]] = {}
    found = []
    for side, path in (("float", float_path), ("quantized", quantized_path)):
        card, content = finder_card.load_verified(path, certified=False)
        finder = Finder(card, content)
        score, blobs, taken = judge.Score(side), [], []
        for picture in pictures:
            shown = stacked(picture.rgb, picture.red)
            began = time.perf_counter()
            maps = finder.maps(shown)
            taken.append(1e3 * (time.perf_counter() - began))
            blobs.append(cells_in(maps, card.threshold))
            judge.add(score, picture, blobs[-1])
        found.append(blobs)
        sides[side] = {
            "name": card.name,
            "sha256": card.sha256,
            "recall": score.recall,
            "precision": score.precision,
            "f1": score.f1,
            "megabytes": len(content) / 1e6,
            "ms_per_picture": statistics.median(taken),
        }
    agreed = sum(_both(a, b) for a, b in zip(*found, strict=True))
    every = sum(len(a) + len(b) for a, b in zip(*found, strict=True)) - agreed
    made = provenance(digest.hexdigest(), None)
    return {
        "schema": finder_card.CERTIFICATE,
        **sides,
        "cells": every,
        "agreed": agreed,
        "loss_points": 100 * (sides["float"]["f1"] - sides["quantized"]["f1"]),
        "data": {"pictures": len(pictures), "sha256": digest.hexdigest()},
        "commit": made["commit"],
        "dirty": made["dirty"],
    }


def _both(a: Sequence[Blob], b: Sequence[Blob]) -> int:
    """How many cells of `a` are in `b`: their outlines' masks overlap by half."""
    free = list(b)
    count = 0
    for one in a:
        best = max(free, key=lambda other: _overlap(one, other), default=None)
        if best is not None and _overlap(one, best) >= ALIKE_IOU:
            free = [other for other in free if other is not best]
            count += 1
    return count


def _overlap(a: Blob, b: Blob) -> float:
    corner = np.minimum(a.outline.min(axis=0), b.outline.min(axis=0))
    width, height = np.maximum(a.outline.max(axis=0), b.outline.max(axis=0)) - corner + 1
    masks = []
    for blob in (a, b):
        mask = np.zeros((height, width), np.uint8)
        cv2.fillPoly(mask, [blob.outline - corner], 1)
        masks.append(mask)
    return float((masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum())
