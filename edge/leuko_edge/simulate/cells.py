"""One cell as a patch of optical density, for every class of the model: `draw_cell`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from . import abnormal, leukocytes, other_cells
from .leukocytes import Drawing
from .shapes import PITCH
from .stain import Stain

_DRAW: dict[str, Callable[[np.random.Generator], Drawing]] = {
    "neutrophil": leukocytes.neutrophil,
    "lymphocyte": leukocytes.lymphocyte,
    "monocyte": leukocytes.monocyte,
    "eosinophil": leukocytes.eosinophil,
    "basophil": leukocytes.basophil,
    "immature_granulocyte": leukocytes.immature_granulocyte,
    "erythroblast": other_cells.erythroblast,
    "platelet": other_cells.platelet,
    "artefact": other_cells.artefact,
    "variant_lymphocyte": abnormal.variant_lymphocyte,
    "blast": abnormal.blast,
    "smudge": other_cells.smudge,
}


@dataclass(frozen=True)
class Patch:
    """A drawn body in a rectangle of pixels whose middle is the body's own origin.

    `density` is its optical density (h, w, 3) float32 in blue, green, red; `cover` (h, w) float32 says how far it
    displaces what lies below it (1 in a leukocyte, 0 around it); `nucleus` (h, w) is true on nucleus or smear of it.
    """

    label: str
    density: np.ndarray = field(repr=False)
    cover: np.ndarray = field(repr=False)
    nucleus: np.ndarray = field(repr=False)
    um_per_px: float

    @property
    def mask(self) -> np.ndarray:
        """The body, (h, w) bool."""
        return self.cover > 0.4

    @property
    def box(self) -> tuple[int, int, int, int]:
        """x, y, w, h of the body in pixels of the patch."""
        x, y, w, h = cv2.boundingRect(self.mask.astype(np.uint8))
        return x, y, w, h


def draw_cell(rng: np.random.Generator, label: str, um_per_px: float, stain: Stain | None = None) -> Patch:
    """Draw one cell of a class of `leuko_edge.types.CLASSES` at a scale; simulated, never a patient's.

    The same generator state gives the same cell at any scale. ValueError for an unknown label.
    """
    if label not in _DRAW:
        raise ValueError(f"no drawing for {label!r}; one of {', '.join(_DRAW)}")
    return rendered(label, _DRAW[label](rng), um_per_px, stain or Stain())


def rendered(label: str, drawing: Drawing, um_per_px: float, stain: Stain) -> Patch:
    """A drawing in dye amounts on the lattice, stained and resampled to the picture's scale."""
    density, cover = stain.density(drawing.amounts), drawing.cover
    nucleus = drawing.nucleus.astype(np.float32)
    if um_per_px != PITCH:
        h, w = (max(3, round(n * PITCH / um_per_px)) for n in cover.shape)
        how = cv2.INTER_AREA if um_per_px > PITCH else cv2.INTER_LINEAR
        density, cover, nucleus = (
            np.asarray(cv2.resize(a, (w, h), interpolation=how), np.float32) for a in (density, cover, nucleus)
        )
    return Patch(label, density, cover, nucleus > 0.5, um_per_px)
