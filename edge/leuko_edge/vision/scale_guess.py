"""A guess of the µm per pixel where red cells are too few to measure it: by the nucleus, or few red cells beside it."""

from __future__ import annotations

import cv2
import numpy as np

from ..types import Scale
from .nuclei import nuclear_stain, red_cell_stain
from .scale import commonest

NUCLEUS_UM = 9.3  # of the disc that covers as much as a nucleus with all its lobes; 6 to 12 µm from class to class
LOBES = 0.25  # lobes of one nucleus lie nearer than this share of the largest one's width
FEW = 1.0  # red cells, and their share of all outlines, that are worth a guess
FEW_SHARE = 0.03
LIKELY = 1.45  # times larger or smaller than by the nucleus: beyond it the few circles are no red cells


def guess_scale(density: np.ndarray, valid: np.ndarray) -> Scale | None:
    """Last resort, for (h, w, 3) optical density in B, G, R order; None where there is neither red cell nor nucleus.

    Of pictures cut tightly round a white cell, the nucleus alone is off by a fifth in one of ten; single circles are
    mostly the cell's own outline, and off by a factor of two. So they are believed where the nucleus does not object.
    """
    few, share = commonest(density, valid)
    width = _nucleus_width(density, valid)
    if (
        few is not None
        and few.red_cells >= FEW
        and share >= FEW_SHARE
        and (width is None or 1 / LIKELY < few.um_per_px * width / NUCLEUS_UM < LIKELY)
    ):
        return Scale(few.um_per_px, "assumed", few.red_cells)
    return None if width is None else Scale(NUCLEUS_UM / width, "assumed")


def _nucleus_width(density: np.ndarray, valid: np.ndarray) -> float | None:
    """Diameter (px) of the disc that covers as much as the largest nucleus with its lobes."""
    smooth = cv2.GaussianBlur(density, (0, 0), max(0.8, 0.004 * max(valid.shape)))
    mask = nuclear_stain(smooth, valid, red_cell_stain(smooth, valid))
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        return None
    reach = 2 * round(LOBES * float(np.sqrt(stats[1:, cv2.CC_STAT_AREA].max()))) + 1
    near = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    _, groups = cv2.connectedComponents(near)
    area = int(np.bincount(groups[mask > 0])[1:].max())
    return 2 * float(np.sqrt(area / np.pi))
