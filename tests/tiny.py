"""The tiny model of tests/assets: a real `.tflite` of a few kilobytes that names a cell by its brightest colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np

ASSETS = Path(__file__).parent / "assets"
TINY, TINY_FLOAT = ASSETS / "tiny.tflite", ASSETS / "tiny-float16.tflite"

COLOURS = {
    "neutrophil": (255, 0, 0),
    "lymphocyte": (0, 0, 255),
    "monocyte": (0, 255, 0),
    "eosinophil": (255, 255, 0),
    "basophil": (255, 0, 255),
    "immature_granulocyte": (0, 255, 255),
    "erythroblast": (0, 0, 0),
    "platelet": (128, 128, 128),
    "artefact": (255, 255, 255),
}
"""The RGB colour that means each class; between two of them the model is unsure."""


def flat(*colours: tuple[int, int, int], size: int = 64) -> np.ndarray:
    """(n, size, size, 3) uint8 RGB crops, each of one colour."""
    return np.stack([np.full((size, size, 3), colour, np.uint8) for colour in colours])


def crops_of(*labels: str) -> np.ndarray:
    """A crop for each label that the tiny model gives this label."""
    return flat(*(COLOURS[label] for label in labels))
