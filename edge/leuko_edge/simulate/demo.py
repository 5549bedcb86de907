"""What the demo's slide holds, and photographs of a simulated smear whose differential is known exactly.

    for drawn in fields(seed=1, leukocytes=100):
        ...                                   # drawn.bgr is a picture, drawn.truth what was drawn into it

`python -m leuko_edge.simulate.demo FOLDER` writes such photographs, to try `leuko-edge --image` on. Everything is
drawn by `leuko_edge.simulate`. It shows how the program works; it says nothing about how well it counts real blood,
and must not appear in an accuracy figure.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path

import cv2
import numpy as np

from . import Camera, Drawn, Hand, Pose, draw_field, driven, serpentine, there_and_back
from .film import SlideFilm
from .smear import Smear

PER_100_LEUKOCYTES = {
    "neutrophil": 57,
    "lymphocyte": 30,
    "monocyte": 6,
    "eosinophil": 4,
    "basophil": 1,
    "immature_granulocyte": 2,
}
"""The leukocytes of the demo's slide: close to normal, with a mild left shift so that every class appears."""

BESIDE_PER_100 = {"erythroblast": 2, "artefact": 4}
"""What lies between them and is in no denominator."""


def true_counts(leukocytes: int) -> dict[str, int]:
    """How many of each class are drawn: the leukocytes add up to `leukocytes`, BESIDE_PER_100 comes on top.

    Largest remainders round the shares. ValueError below 1.
    """
    if leukocytes < 1:
        raise ValueError(f"a demo needs at least 1 leukocyte, got {leukocytes}")
    shares = {label: per * leukocytes / 100 for label, per in PER_100_LEUKOCYTES.items()}
    counts = {label: int(share) for label, share in shares.items()}
    by_remainder = sorted(shares, key=lambda label: counts[label] - shares[label])
    for label in by_remainder[: leukocytes - sum(counts.values())]:
        counts[label] += 1
    return counts | {label: round(per * leukocytes / 100) for label, per in BESIDE_PER_100.items()}


def fields(
    seed: int = 1, leukocytes: int = 100, *, width: int = 1280, height: int = 960, um_per_px: float = 0.1
) -> Iterator[Drawn]:
    """The slide's fields one by one, drawn as they are asked for, until `leukocytes` have been shown.

    Cells are whole and apart; three to five a field. The truth of all fields together adds up to `true_counts`; the
    same seed gives the same slide. ValueError where `leukocytes` is below 1 or the field too small for five cells.
    """
    rng = np.random.default_rng(seed)
    waiting = [label for label, count in true_counts(leukocytes).items() for _ in range(count)]
    rng.shuffle(waiting)
    camera = Camera()
    while waiting:
        take = int(rng.integers(3, 6))
        shown, waiting = waiting[:take], waiting[take:]
        focus = camera.blur_um * (1 + 0.25 * abs(rng.normal()))  # the hand on the knob is never perfect
        yield draw_field(
            np.random.default_rng(rng.integers(2**63)),
            width=width,
            height=height,
            um_per_px=um_per_px,
            cells=shown,
            camera=replace(camera, blur_um=focus),
        )


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m leuko_edge.simulate.demo", description="Draw photographs of a smear."
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cells", type=int, default=100, help="leukocytes on all of them together (%(default)s)")
    options = parser.parse_args(argv)
    options.folder.mkdir(parents=True, exist_ok=True)
    for number, drawn in enumerate(fields(options.seed, options.cells), start=1):
        cv2.imwrite(str(options.folder / f"simulated-{number:03}.png"), drawn.bgr)
    print(f"{options.folder} holds {number} drawn fields: {true_counts(options.cells)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())


DEMO_VIEW = (1280, 960)


DEMO_OVERLAP = 0.3


DEMO_IN_VIEW = 2.5  # leukocytes, about


def simulated(seed: int, leukocytes: int) -> SlideFilm:
    """The demo: a smear that holds exactly so many leukocytes, and a hand that shows all of it once."""
    smear, stops = _slide(seed, leukocytes)
    return SlideFilm(smear, driven(stops, Hand(), np.random.default_rng(seed)), view=DEMO_VIEW, seed=seed)


def camera(seed: int, leukocytes: int) -> SlideFilm:
    """The same slide under a camera that never ends, in its own time: the stage goes there and back for ever."""
    smear, stops = _slide(seed, leukocytes)
    rng = np.random.default_rng(seed)
    path = chain.from_iterable(driven(there_and_back(stops), Hand(), rng) for _ in repeat(None))
    return SlideFilm(smear, path, view=DEMO_VIEW, live=True, seed=seed)


def _slide(seed: int, leukocytes: int) -> tuple[Smear, list[Pose]]:
    """The smear, and where the stage has to rest to show all of it."""
    fields = max(2, math.ceil(leukocytes / DEMO_IN_VIEW))
    columns = max(1, round(math.sqrt(fields)))
    rows = math.ceil(fields / columns)
    width, height = (
        round(side * (1 + (n - 1) * (1 - DEMO_OVERLAP))) for side, n in zip(DEMO_VIEW, (columns, rows), strict=True)
    )
    smear = Smear(seed, true_counts(leukocytes), width=width, height=height)
    return smear, serpentine((width, height), DEMO_VIEW, DEMO_OVERLAP)
