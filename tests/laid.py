"""Smears laid out by hand for tests: drawn bodies at stated places, and pictures spoilt as microscopes spoil them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from leuko_edge.simulate import Background, Camera, Patch, Slide, Stain, draw_cell, transmit
from leuko_edge.simulate.background import draw_red_cell, lay_red_cells

Place = tuple[Patch, float, float]  # a body and where its box's middle lies, µm
SINGLE = Background(pairs=0.0, rouleaux=0.0)  # no red cell upon another


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def body(label: str, seed: int = 1, um_per_px: float = 0.1) -> Patch:
    return draw_cell(rng(seed), label, um_per_px, Stain())


def lay(
    places: Sequence[Place] = (),
    width: int = 640,
    height: int = 480,
    um_per_px: float = 0.1,
    look: Background | None = SINGLE,
    camera: Camera | None = None,
    seed: int = 1,
) -> np.ndarray:
    """(height, width, 3) uint8 BGR: bodies at their places, red cells around them (none where `look` is None)."""
    slide = Slide(width, height)
    if look is not None:
        clear = np.array([(x, y, max(patch.box[2:]) / 2 * um_per_px) for patch, x, y in places]).reshape(-1, 3)
        for x, y, diameter in lay_red_cells(rng(seed), (width * um_per_px, height * um_per_px), clear, look):
            _add(slide, draw_red_cell(rng(seed), diameter, um_per_px, Stain(), look), x, y)
    for patch, x, y in places:
        _add(slide, patch, x, y, displaces=True)
    return (camera or Camera()).expose(rng(seed), transmit(slide.density), um_per_px)


def _add(slide: Slide, patch: Patch, x_um: float, y_um: float, displaces: bool = False) -> None:
    x, y, w, h = patch.box
    corner = round(x_um / patch.um_per_px - x - w / 2), round(y_um / patch.um_per_px - y - h / 2)
    slide.add(patch, *corner, displaces)


def overlap(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes x, y, w, h."""
    wide = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    high = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    both = max(0.0, wide) * max(0.0, high)
    return both / (a[2] * a[3] + b[2] * b[3] - both)


def turned(bgr: np.ndarray, degrees: float) -> np.ndarray:
    """A copy turned about its middle, as augmentation makes them: the corners are black."""
    height, width = bgr.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return cv2.warpAffine(bgr, matrix, (width, height), flags=cv2.INTER_LINEAR)


def with_lamp_spot(bgr: np.ndarray, x: int, y: int, radius: float, gain: float = 0.6) -> np.ndarray:
    """The picture with a bright spot of the lamp that saturates in its middle."""
    rows, columns = np.indices(bgr.shape[:2])
    light = 1 + gain * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * radius**2))
    return np.clip(bgr * light[..., None], 0, 255).astype(np.uint8)
