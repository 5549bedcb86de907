"""How much the signs of a session scatter though nothing has changed: medians of nine fields, drawn again and again.

    python edge/benchmarks/qc_scatter.py ../shared/data/bccd/images ../shared/data/rv_pbs/images

Each folder is one microscope with many slides, so that its scatter is more than that of one control. The last column is
what a test allows (`leuko_edge.qc.watched`) in standard deviations of it.
"""

from __future__ import annotations

import argparse
import random

import numpy as np

from leuko_edge.errors import PictureError
from leuko_edge.model.finder import shipped
from leuko_edge.qc.watched import WATCHED
from leuko_edge.sources.pictures import Pictures
from leuko_edge.types import Frame
from leuko_edge.vision.field import Field
from leuko_edge.vision.segment import find_cells
from leuko_edge.vision.signs import FIELDS, medians, signs

DRAWS = 300


def measured(folder: str, most: int) -> list[dict[str, float]]:
    """Signs of `most` pictures of the folder, taken at random; those that cannot be measured are left out."""
    found = []
    with Pictures([folder]) as source:
        for index in random.Random(1).sample(range(len(source)), min(most, len(source))):
            taken = source.take(index)
            if isinstance(taken, Frame):
                try:
                    field = Field.from_bgr(taken.bgr)
                except PictureError:
                    continue
                found.append(signs(field, find_cells(field, shipped())))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--fields", type=int, default=40)
    options = parser.parse_args()
    for folder in options.folders:
        fields, rng = measured(folder, options.fields), random.Random(2)
        print(f"{folder}: {len(fields)} fields")
        sessions = [medians(rng.sample(fields, FIELDS)) for _ in range(DRAWS)]
        for sign, watched in WATCHED.items():
            values = np.array([one[sign] for one in sessions if sign in one])
            if len(values):
                allowed = watched.span(watched.allowed, float(np.median(values)))
                told = f"{np.median(values):.3f} ± {values.std():.4f}; allowed {allowed:.3f}"
                print(f"  {sign}: {told} = {allowed / values.std():.1f} SD")


if __name__ == "__main__":
    main()
