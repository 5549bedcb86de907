"""How long a laboratory waits for its site, and what the site costs a cell afterwards, on one core.

    python edge/benchmarks/enrolment_speed.py --cells 50

Draws as many cells of five classes, a picture each, and times all that `leuko-edge enrol SITE --labelled FOLDER` does
with them: reading, finding, cropping, the network, cross-validation. Then the head alone, on batches as counting has
them.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from leuko_edge.model import enrolment
from leuko_edge.model.classify import Classifier, calibrate
from leuko_edge.named_cells import labelled
from leuko_edge.simulate import draw_field

FIVE = ("neutrophil", "lymphocyte", "monocyte", "eosinophil", "basophil")
FIELD = 1400  # pixels of a drawn field's side
HALF = 200  # pixels from a cell's middle to its picture's edge
BATCH, BATCHES = 4, 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=50)
    parser.add_argument("--model", help="a .tflite file with its card beside it (the shipped one)")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder, Classifier.from_path(args.model, threads=1) as classifier:
        draw(Path(folder), args.cells)
        began, used = time.perf_counter(), time.process_time()
        named = labelled(folder, classifier)
        learnt = enrolment.learn(named.probabilities, named.features, named.labels, named.groups, classifier.card)
        wall, processor = time.perf_counter() - began, time.process_time() - used
        print(
            f"{len(named.labels)} of {args.cells} cells enrolled in {wall:.1f} s, {processor:.1f} s of processor time"
        )
        crops = np.zeros((BATCH, classifier.card.input_size, classifier.card.input_size, 3), np.uint8)
        found = classifier.answers(crops)
        probabilities = calibrate(found.probabilities, classifier.card.temperature)
        used = time.process_time()
        for _ in range(BATCHES):
            learnt.head.applied(probabilities, found.features)
        each = 1000 * (time.process_time() - used) / BATCHES / BATCH
        print(f"the head takes {each:.3f} ms a cell, {BATCH} at a time")


def draw(folder: Path, count: int) -> None:
    """`count` pictures, each with a cell in its middle, in folders of FIVE: cut from drawn fields."""
    number = 0
    for seed in itertools.count():
        drawn = draw_field(np.random.default_rng(seed), width=FIELD, height=FIELD, cells=list(FIVE))
        for cell in drawn.truth:
            x, y = map(round, cell.centre)
            inside = HALF <= x <= FIELD - HALF and HALF <= y <= FIELD - HALF
            if cell.label not in FIVE or not inside:
                continue
            if number == count:
                return
            (folder / cell.label).mkdir(exist_ok=True)
            cut = drawn.bgr[y - HALF : y + HALF, x - HALF : x + HALF]
            cv2.imwrite(str(folder / cell.label / f"{number}.png"), cut)
            number += 1


if __name__ == "__main__":
    main()
