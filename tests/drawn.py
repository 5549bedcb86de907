"""A plain smear drawn for tests: pink discs for red cells, a violet one in a pale ring for each white cell."""

from __future__ import annotations

import cv2
import numpy as np

from leuko_edge.types import Cell, CountedCell, Prediction


def smear(width: int = 320, height: int = 240, white_cells: int = 1, seed: int = 1) -> np.ndarray:
    """(height, width, 3) uint8 BGR; red cells measure 20 px, that is 0.375 µm per pixel."""
    rng = np.random.default_rng(seed)
    bgr = np.full((height, width, 3), (228, 232, 235), np.uint8)
    for y in range(14, height, 30):
        for x in range(14, width, 30):
            cv2.circle(bgr, (x, y), 10, (190, 165, 205), -1, cv2.LINE_AA)
    for _ in range(white_cells):
        x, y = (int(rng.integers(40, side - 40)) for side in (width, height))
        cv2.circle(bgr, (x, y), 19, (215, 190, 200), -1, cv2.LINE_AA)
        cv2.circle(bgr, (x, y), 12, (120, 50, 90), -1, cv2.LINE_AA)
    noise = rng.normal(0, 2, bgr.shape)
    return np.clip(bgr + noise, 0, 255).astype(np.uint8)


def encoded(bgr: np.ndarray, suffix: str) -> bytes:
    done, data = cv2.imencode(suffix, bgr)
    assert done
    return data.tobytes()


def counted_cell(
    label: str = "neutrophil",
    confidence: float = 0.98,
    box: tuple[int, int, int, int] = (40, 30, 38, 38),
    counted: bool = True,
    number: int = 1,
) -> CountedCell:
    x, y, w, h = box
    outline = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], np.int32)
    cell = Cell(box, (x + w / 2, y + h / 2), outline)
    return CountedCell(number, cell, Prediction(label, confidence, (confidence, 1 - confidence)), counted)
