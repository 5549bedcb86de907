"""The tiny models of tests/assets: real `.tflite` files of a few kilobytes that name a cell by its brightest colour.

Those of `FAR` also give that colour, divided by `NEAR`, as features, and their cards have the classes' colours as
centres: what differs by more than 3 × `NEAR` grey values from all of them is unidentified, however sure its class is.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

ASSETS = Path(__file__).parent / "assets"
TINY, TINY_FLOAT = ASSETS / "tiny.tflite", ASSETS / "tiny-float16.tflite"
FAR, FAR_FLOAT = ASSETS / "tiny-far.tflite", ASSETS / "tiny-far-float16.tflite"
NEAR = 20.0

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
