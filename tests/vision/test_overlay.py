"""What somebody drew on a picture is no specimen: scale bars and figures, boxes, rulers, a screenshot's frame."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from laid import rng

from leuko_edge.model.finder import shipped
from leuko_edge.simulate import Background, Drawn, draw_field
from leuko_edge.vision.field import Field
from leuko_edge.vision.segment import find_cells

Ink = tuple[int, int, int]
BLACK, WHITE, RED, BLUE = (0, 0, 0), (255, 255, 255), (0, 0, 255), (200, 40, 20)


def bar(bgr: np.ndarray, ink: Ink) -> None:
    height, width = bgr.shape[:2]
    cv2.rectangle(bgr, (width - 190, height - 40), (width - 40, height - 28), ink, -1)
    cv2.putText(bgr, "10 um", (width - 170, height - 50), cv2.FONT_HERSHEY_SIMPLEX, 1.0, ink, 3)


def box(bgr: np.ndarray, ink: Ink) -> None:
    cv2.rectangle(bgr, (60, 60), (180, 160), ink, 3)


def ruler(bgr: np.ndarray, ink: Ink) -> None:
    cv2.line(bgr, (0, 20), (bgr.shape[1], 20), ink, 2)
    for x in range(0, bgr.shape[1], 20):
        cv2.line(bgr, (x, 10), (x, 30), ink, 2)


def screenshot(bgr: np.ndarray, ink: Ink) -> None:
    bgr[:36] = ink
    bgr[:, :12] = ink


def drawn() -> Drawn:
    plain = Background(pairs=0.0, rouleaux=0.0, platelets=0.0)
    return draw_field(
        rng(3), width=800, height=600, um_per_px=0.1, cells=["neutrophil", "lymphocyte"], background=plain
    )


@pytest.mark.parametrize("ink", [BLACK, WHITE, RED, BLUE], ids=["black", "white", "red", "blue"])
@pytest.mark.parametrize("overlay", [bar, box, ruler, screenshot], ids=lambda overlay: overlay.__name__)
def test_an_overlay_is_no_cell_and_hides_none(overlay: Callable[[np.ndarray, Ink], None], ink: Ink):
    field = drawn()
    bgr = field.bgr.copy()
    overlay(bgr, ink)
    found = [cell.centre for cell in find_cells(Field.from_bgr(bgr, 0.1), shipped())]
    assert len(found) == len(field.truth)
    for true in field.truth:
        assert min(np.hypot(x - true.centre[0], y - true.centre[1]) for x, y in found) < 30
