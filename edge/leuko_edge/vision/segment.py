"""White cells by their nuclei: stain and size in µm, each with its cytoplasm, touching ones parted.

All candidates are returned. What geometry cannot tell from a leukocyte (platelet clumps, stain, smudges) is
left to the classifier's `platelet` and `artefact` classes, so the thresholds here favour finding.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..types import Cell
from .cytoplasm import CYTOPLASM_UM, cytoplasm
from .field import Field
from .nuclei import MIN_NUCLEUS_UM2, WORK_UM, Stain, disc, gap_um, nuclear_stain, nuclei_in, outline_of, red_cell_stain

MAX_CELL_UM = 30.0
NEIGHBOURS_UM = 6.0  # nuclei that lie nearer may be lobes of one cell
ONE_CELL_UM = 26.0  # the circle around a large monocyte, spread out
ONE_CELL_FILL = 0.62  # share of its enclosing circle that a cell covers; two that touch cover half of theirs


def find_cells(field: Field) -> list[Cell]:
    """Every candidate white cell of the field, left to right, boxes in pixels of the file."""
    density, valid = field.density(WORK_UM)
    density = cv2.GaussianBlur(density, (0, 0), 0.3 / WORK_UM)
    stain = red_cell_stain(density, valid)
    nuclei = nuclear_stain(density, valid, stain)
    inner = cv2.erode(valid.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0)
    cells = []
    for window, own in _neighbourhoods(nuclei):
        # A window of a few cells at a time: the work grows with the nuclei, not with the picture.
        others = nuclei[window] & (own == 0)
        for body, nucleus in _bodies(nuclei_in(own), others, density[window], stain):
            cell = _cell(body, nucleus, inner[window], window, field)
            if cell is not None:
                cells.append(cell)
    return sorted(cells, key=lambda cell: cell.box[:2])


def _neighbourhoods(nuclei: np.ndarray) -> list[tuple[tuple[slice, slice], np.ndarray]]:
    """(window, mask in it) of nuclear stain that lies near enough together to be of one cell."""
    near = cv2.dilate(cv2.morphologyEx(nuclei, cv2.MORPH_OPEN, disc(0.4)), disc(NEIGHBOURS_UM / 2))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(near)
    margin = round((CYTOPLASM_UM + 1) / WORK_UM)
    found = []
    for n in range(1, count):
        x, y, w, h, _ = stats[n]
        rows = slice(max(0, y - margin), y + h + margin)
        columns = slice(max(0, x - margin), x + w + margin)
        own = nuclei[rows, columns] & (labels[rows, columns] == n)
        if own.sum() * WORK_UM**2 >= MIN_NUCLEUS_UM2 / 2:
            found.append(((rows, columns), own.astype(np.uint8)))
    return found


def _bodies(
    nuclei: list[np.ndarray], others: np.ndarray, density: np.ndarray, stain: Stain
) -> list[tuple[np.ndarray, np.ndarray]]:
    """(mask, its nucleus) for each cell: of each of `nuclei`, but of two together where they prove to lie in one cell.

    Lobes may lie so far apart, or be so large, that they pass for nuclei; the cell that holds both is round.
    """
    nuclei = list(nuclei)

    def body(n: tuple[int, ...]) -> np.ndarray:
        rest = [mask for k, mask in enumerate(nuclei) if k not in n]
        return cytoplasm(
            np.bitwise_or.reduce([nuclei[k] for k in n]), np.bitwise_or.reduce([others, *rest]), density, stain
        )

    while True:
        best = (ONE_CELL_FILL, 0, 0)
        for i in range(len(nuclei)):
            for j in range(i):
                if gap_um(outline_of(nuclei[i]), outline_of(nuclei[j])) <= NEIGHBOURS_UM:
                    best = max(best, (_fill(body((i, j))), i, j))
        _, i, j = best
        if i == j:
            return [(body((n,)), nucleus) for n, nucleus in enumerate(nuclei)]
        nuclei[j] |= nuclei.pop(i)


def _fill(body: np.ndarray) -> float:
    """Share of its enclosing circle that a mask covers; 0 where it is in pieces, or larger than a cell."""
    contours, _ = cv2.findContours(body, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    radius = cv2.minEnclosingCircle(contours[0])[1]
    if len(contours) > 1 or 2 * radius * WORK_UM > ONE_CELL_UM:
        return 0.0
    return float(cv2.contourArea(contours[0]) / (np.pi * radius**2))


def _cell(
    body: np.ndarray, nucleus: np.ndarray, inner: np.ndarray, window: tuple[slice, slice], field: Field
) -> Cell | None:
    """The cell of a mask in the window, in the file's pixels; None where it is too large."""
    factor = WORK_UM / field.scale.um_per_px
    height, width = field.bgr.shape[:2]
    contours, _ = cv2.findContours(body, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    contour = max(contours, key=cv2.contourArea)[:, 0]
    if max(cv2.boundingRect(contour)[2:]) * WORK_UM > MAX_CELL_UM:
        return None
    cut = bool((inner[contour[:, 1], contour[:, 0]] == 0).any())
    contour = np.add(contour, (window[1].start, window[0].start), dtype=np.int32)
    x, y, w, h = cv2.boundingRect(contour)
    scaled = np.clip((contour + 0.5) * factor, 0, (width - 1, height - 1))
    left, top = max(0, int(x * factor)), max(0, int(y * factor))
    right, bottom = min(width, int(np.ceil((x + w) * factor))), min(height, int(np.ceil((y + h) * factor)))
    return Cell(
        box=(left, top, right - left, bottom - top),
        centre=((left + right) / 2, (top + bottom) / 2),
        contour=scaled.round().astype(np.int32),
        at_border=cut,
        nucleus_cut=bool((inner[nucleus > 0] == 0).any()),
    )
