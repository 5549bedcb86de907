"""Pictures of one white cell, cut as tightly as other collections cut them, with hardly a red cell beside it."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest
from laid import body, lay

from leuko_edge.model.classify import FixedClassifier
from leuko_edge.model.finder import shipped
from leuko_edge.pipeline import Outcome, Pipeline
from leuko_edge.types import LEUKOCYTES, Frame
from leuko_edge.vision.field import Field
from leuko_edge.vision.segment import find_cells


@cache
def crop(label: str, seed: int, margin: float) -> np.ndarray:
    """The box of a drawn cell in the middle of a smear, wider by `margin` of its sides; at 0.1 µm per px."""
    patch = body(label, seed)
    bgr = lay([(patch, 24, 24)], 480, 480)
    half = [round(side * (1 + margin) / 2) for side in patch.box[2:]]
    return bgr[240 - half[1] : 240 + half[1], 240 - half[0] : 240 + half[0]].copy()


def counted(*pictures: np.ndarray) -> list[Outcome]:
    source = [Frame(n, 0.0, bgr, f"{n}.png") for n, bgr in enumerate(pictures)]

    class Memory:
        def __iter__(self):
            return iter(source)

        def take(self, index: int) -> Frame:
            return source[index]

    return list(Pipeline(FixedClassifier("neutrophil")).run(Memory()))


@pytest.mark.parametrize("margin", [0.0, 0.1, 0.6])
@pytest.mark.parametrize("label", LEUKOCYTES)
def test_a_cell_that_fills_its_picture_is_found_once_in_the_middle(label, margin):
    for seed in range(3):
        bgr = crop(label, seed, margin)
        (cell,) = find_cells(Field.from_bgr(bgr, 0.1), shipped())
        height, width = bgr.shape[:2]
        assert np.hypot(cell.centre[0] - width / 2, cell.centre[1] - height / 2) < 25, seed  # px: 2.5 µm


@pytest.mark.parametrize("side", [None, 224, 64, 40])
def test_a_folder_of_single_cells_is_counted_one_for_each_at_nearly_their_scale(side):
    crops = [crop(label, seed, 0.1) for label in LEUKOCYTES[:3] for seed in range(3)]
    shown = [bgr if side is None else cv2.resize(bgr, (side, side), interpolation=cv2.INTER_AREA) for bgr in crops]
    outcomes = counted(*shown)
    assert [len(outcome.result.cells) for outcome in outcomes] == [1] * len(shown)
    assert all(outcome.result.cells[0].counted for outcome in outcomes)
    if side is None:
        scales = {outcome.result.scale.um_per_px for outcome in outcomes}
        assert len(scales) == 1 and scales.pop() == pytest.approx(0.1, rel=0.25)
