"""Pictures without red cells: the finder tries scales, and neither a clump nor a lobe sets them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from laid import body, lay

from leuko_edge.model.finder import shipped
from leuko_edge.vision.field import Field, ScaleUnknown
from leuko_edge.vision.scale_trial import TRIED, UNTRIED, tried
from leuko_edge.vision.segment import find_cells

UM = 0.12
WIDE_UM = {"blast": 14.0, "lymphocyte": 11.0, "neutrophil": 12.0, "monocyte": 16.0}
TOUCHING = ((0, 0), (1, 0), (0.5, 0.87), (1.5, 0.87))  # of a cell's width


def clump(label: str, count: int) -> np.ndarray:
    """Cells that touch, and no red cell: (460, 620, 3) uint8."""
    places = [(16 + WIDE_UM[label] * x, 26 + WIDE_UM[label] * y) for x, y in TOUCHING[:count]]
    return lay([(body(label, n, UM), x, y) for n, (x, y) in enumerate(places)], 620, 460, UM, look=None)


def guess(bgr: np.ndarray) -> Field:
    """The field at what its nuclei say."""
    with pytest.raises(ScaleUnknown) as caught:
        Field.from_bgr(bgr)
    assert caught.value.guess is not None
    return Field.from_bgr(bgr, caught.value.guess.um_per_px)


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("label", WIDE_UM)
def test_touching_cells_are_not_taken_for_one_nucleus(label, count):
    bgr = clump(label, count)
    scale = tried(guess(bgr), shipped())
    assert scale.origin == "assumed" and scale.within == TRIED
    assert abs(math.log(scale.um_per_px / UM)) < math.log(TRIED)
    assert len(find_cells(Field.from_bgr(bgr, scale.um_per_px), shipped())) == count


def test_where_the_finder_sees_no_cell_the_guess_is_all_there_is_and_says_so():
    class Blind:
        threshold = 0.5

        def maps(self, shown: np.ndarray) -> np.ndarray:
            return np.zeros((shown.shape[0] // 2, shown.shape[1] // 2, 2), np.float32)

    seen = guess(clump("blast", 1))
    scale = tried(seen, Blind())
    assert scale.um_per_px == seen.scale.um_per_px and scale.within == UNTRIED
