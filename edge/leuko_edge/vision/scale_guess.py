"""A guess of the µm per pixel where red cells are too few to measure it: by the nucleus, or few red cells beside it."""

from __future__ import annotations

import cv2
import numpy as np

from ..types import Scale
from .nuclei import nuclear_stain, red_cell_stain
from .scale import Commonest

NUCLEUS_UM = 9.3  # of the disc that covers as much as a nucleus with all its lobes; 6 to 12 µm from class to class
LOBES = 0.25  # lobes of one nucleus lie nearer than this share of the largest one's width
MOST_LOBES = 5  # of one nucleus; more round parts of one size are nuclei of cells that touch
ALIKE = 0.7  # of the widest part's width: how wide another must be to be one of these
FEW = 1.0  # red cells, and their share of all outlines, that are worth a guess
FEW_SHARE = 0.03
LIKELY = 1.45  # times larger or smaller than by the nucleus: beyond it the few circles are no red cells


def guess_scale(density: np.ndarray, valid: np.ndarray, circles: Commonest) -> Scale | None:
    """Last resort, for (h, w, 3) optical density in B, G, R order and its commonest circles; None where there is
    neither red cell nor nucleus.

    Of pictures cut tightly round a white cell, the nucleus alone is off by a fifth in one of ten; single circles are
    mostly the cell's own outline, and off by a factor of two. So they are believed where the nucleus does not object.
    """
    few, share = circles
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
    x, y, w, h = cv2.boundingRect(mask)  # a picture's edge or not, beyond it there is nothing to be near to
    mask = cv2.copyMakeBorder(mask[y : y + h, x : x + w], 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    near = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    _, groups = cv2.connectedComponents(near)
    areas = np.bincount(groups[mask > 0])
    largest = int(areas[1:].argmax()) + 1
    return 2 * float(np.sqrt(areas[largest] / _nuclei_in((mask > 0) & (groups == largest)) / np.pi))


def _nuclei_in(group: np.ndarray) -> int:
    """How many nuclei a mask (h, w) bool holds: one with its lobes, or as many as it has round parts alike."""
    padded = cv2.copyMakeBorder(group.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, 5)
    count, _ = cv2.connectedComponents((distance > ALIKE * distance.max()).astype(np.uint8))
    return count - 1 if count - 1 > MOST_LOBES else 1
