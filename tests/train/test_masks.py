"""Outlines against masks: what is drawn where the cell lies fits, what is drawn elsewhere or not found does not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from laid import body, lay

from leuko_edge.model.classify import FixedClassifier
from leuko_train.data.items import Item
from leuko_train.evaluation import masks

UM = 0.1


@pytest.fixture
def pictures(tmp_path):
    """A picture with a cell, twice: its mask round the cell, and beside it; and one without a mask."""
    drawn = lay([(body("lymphocyte", 1, UM), 20, 20)], 420, 420, UM, look=None)
    items = []
    for n, middle in enumerate(((200, 200), (80, 80), None)):
        path, mask = tmp_path / f"{n}.png", tmp_path / f"mask{n}.png"
        cv2.imwrite(str(path), np.roll(drawn, n, axis=0))
        if middle:
            cv2.imwrite(str(mask), cv2.circle(np.zeros((420, 420), np.uint8), middle, 55, 120, -1))
        items.append(Item(path, "lab", "smear", mask=mask if middle else None))
    return items


def test_each_mask_is_compared_with_the_outline_that_fits_it_best(pictures):
    found = masks.measure("lab", pictures, FixedClassifier("lymphocyte"))
    assert len(found.overlaps) == 2 and max(found.overlaps) > 0.5 and min(found.overlaps) < 0.1
    assert found.share(0.5) == 0.5


def test_the_overlap_is_the_share_of_both_that_both_cover():
    mask = np.zeros((20, 20), bool)
    mask[5:15, 0:10] = True
    square = np.array([[5, 5], [14, 5], [14, 14], [5, 14]])
    assert masks.overlap(mask, square) == pytest.approx(50 / 150)
