"""White cells by their nuclei: stain and size in µm, each with its cytoplasm, touching ones parted.

All candidates are returned. What geometry cannot tell from a leukocyte (platelet clumps, stain, smudges) is
left to the classifier's `platelet` and `artefact` classes, so the thresholds here favour finding.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .optics import Field
from .scale import red_cell_level
from .types import Cell

WORK_UM = 0.25  # µm per px at which nuclei are looked for: a platelet is 10 px, a lymphocyte 40
MIN_NUCLEUS_UM2 = 14.0  # a platelet covers 3 to 10 µm², a small lymphocyte's nucleus 30
MIN_LOBE_UM2 = 2.5
WHOLE_NUCLEUS_UM2 = 70.0  # smaller: a lobe, or part of a nucleus
ROUND = 0.91  # 4π area / perimeter² of a hull, 1 for a disc
LOBE_GAP_UM = 4.0  # lobes of one nucleus lie closer than this
MAX_NUCLEUS_UM = 15.0  # all lobes together; what is longer is parted where it is waisted
NUCLEAR = 1.25  # times the red cells' top density is the least that a nucleus has
OTSU = 0.7
CYTOPLASM_UM = 4.0  # how far cytoplasm may reach beyond the nucleus
MAX_CELL_UM = 30.0


@dataclass(frozen=True)
class _Stain:
    """Red cells' optical density in this picture: what nuclei have to stand out from."""

    edge: float  # green density that parts stain from background
    bgr: np.ndarray  # median density of the red cells, (3,)
    top: float  # green density that single red cells rarely exceed


def find_cells(field: Field) -> list[Cell]:
    """Every candidate white cell of the field, left to right, boxes in pixels of the file."""
    density, valid = field.density(WORK_UM)
    density = cv2.GaussianBlur(density, (0, 0), 0.3 / WORK_UM)
    stain = _red_cells(density, valid)
    nuclei = _nuclei(density, valid, stain)
    inner = cv2.erode(valid.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0)
    cells = []
    for window, own in _neighbourhoods(nuclei):
        # A window of a few cells at a time: the work grows with the nuclei, not with the picture.
        others = nuclei[window] & (own == 0)
        for part in _group(own):
            cell = _cell(part, own | others, density[window], inner[window], stain, window, field)
            if cell is not None:
                cells.append(cell)
    return sorted(cells, key=lambda cell: cell.box[:2])


def _neighbourhoods(nuclei: np.ndarray) -> list[tuple[tuple[slice, slice], np.ndarray]]:
    """(window, mask in it) of nuclear stain that lies near enough together to be lobes of one nucleus."""
    near = cv2.dilate(cv2.morphologyEx(nuclei, cv2.MORPH_OPEN, _disc(0.4)), _disc(LOBE_GAP_UM / 2))
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


def _red_cells(density: np.ndarray, valid: np.ndarray) -> _Stain:
    edge = red_cell_level(density, valid)
    green = density[:, :, 1]
    stained = valid & (green > edge)
    if stained.sum() < 50:
        return _Stain(edge, np.full(3, edge, np.float32), 2 * edge)
    # Nuclei lie above the median: the upper tail of the red cells is mirrored from the lower one.
    low, middle = np.percentile(green[stained], [10, 45])
    body = stained & (green < 2 * middle - low)
    return _Stain(edge, np.median(density[body], axis=0), float(2 * middle - low))


def _nuclei(density: np.ndarray, valid: np.ndarray, stain: _Stain) -> np.ndarray:
    """uint8 mask of nuclear stain.

    Nuclei are denser in green than red cells, and (but for coloured casts) hardly absorb blue, as haemoglobin does:
    green density beyond what the red cells' own blue:green ratio explains counts on top.
    """
    blue, green = density[:, :, 0], density[:, :, 1]
    ratio = float(stain.bgr[1] / max(stain.bgr[0], 0.02))
    excess = np.maximum(green - min(ratio, 3.0) * blue, 0)
    signal = green + excess
    signal[~valid] = 0
    lowest = NUCLEAR * stain.top
    above = signal[signal > lowest]
    if above.size < 20:
        return np.zeros(green.shape, np.uint8)
    # Between what red cells can reach and the darkest stain there is; Otsu finds the gap where nuclei are seen.
    levels = (np.clip(above, 0, 2.5) * 100).astype(np.uint8).reshape(-1, 1)
    otsu = cv2.threshold(levels, 0, 255, cv2.THRESH_OTSU)[0] / 100
    return (signal > min(max(lowest, OTSU * otsu), 2.5 * lowest)).astype(np.uint8)


def _disc(radius_um: float) -> np.ndarray:
    size = 2 * max(1, round(radius_um / WORK_UM)) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))


def _group(nuclei: np.ndarray) -> list[np.ndarray]:
    """Masks of single nuclei: the lobes of one put together, touching ones parted, too small ones left out."""
    opened = cv2.morphologyEx(nuclei, cv2.MORPH_OPEN, _disc(0.4))
    closed = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, _disc(0.5))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed)
    lobes = []
    for n in range(1, count):
        if stats[n, cv2.CC_STAT_AREA] * WORK_UM**2 >= MIN_LOBE_UM2:
            lobes.extend(_part((labels == n).astype(np.uint8), stats[n]))
    nuclei_found = [_joined(group) for group in _neighbours(lobes)]
    return [mask for mask in nuclei_found if mask.sum() * WORK_UM**2 >= MIN_NUCLEUS_UM2]


def _neighbours(lobes: list[np.ndarray]) -> list[list[np.ndarray]]:
    """Lobes in groups, the nearest joined first, as long as a group still fits into one cell."""
    groups = [[lobe] for lobe in lobes]
    outlines = [_outline(lobe) for lobe in lobes]
    while True:
        best = None
        for i in range(len(groups)):
            for j in range(i):
                gap, limit = _gap(outlines[i], outlines[j]), _reach(outlines[i], outlines[j])
                if gap > limit or (best is not None and gap >= best[0]):
                    continue
                both = np.concatenate([outlines[i], outlines[j]])
                if 2 * cv2.minEnclosingCircle(both)[1] * WORK_UM <= _span(outlines[i], outlines[j]):
                    best = (gap, i, j)
        if best is None:
            return groups
        _, i, j = best
        groups[j] += groups.pop(i)
        outlines[j] = np.concatenate([outlines[j], outlines.pop(i)])


def _outline(mask: np.ndarray) -> np.ndarray:
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return max(contours, key=len)[:, 0].astype(np.float32)


def _gap(a: np.ndarray, b: np.ndarray) -> float:
    """Smallest distance (µm) between two outlines (n, 2)."""
    if (a.min(0) - b.max(0)).max() * WORK_UM > LOBE_GAP_UM or (b.min(0) - a.max(0)).max() * WORK_UM > LOBE_GAP_UM:
        return np.inf
    return float(np.sqrt(((a[::2, None] - b[None, ::2]) ** 2).sum(axis=2).min())) * WORK_UM


def _reach(a: np.ndarray, b: np.ndarray) -> float:
    """How far (µm) two outlines may lie apart and still be lobes of one nucleus: a speck must lie close."""
    smaller = min(cv2.contourArea(a), cv2.contourArea(b)) * WORK_UM**2
    return LOBE_GAP_UM if smaller >= 8 else 0.5 * LOBE_GAP_UM


def _span(a: np.ndarray, b: np.ndarray) -> float:
    """How long (µm) two outlines may be together: wider apart only where the smaller is no nucleus by itself.

    A nucleus by itself is large, or round and not small; a lobe of an eosinophil may be as large, but is oval.
    """
    hulls = [cv2.convexHull(outline) for outline in (a, b)]
    areas = [cv2.contourArea(hull) for hull in hulls]
    smaller = min(areas) * WORK_UM**2
    whole = [4 * np.pi * area / cv2.arcLength(hull, True) ** 2 for hull, area in zip(hulls, areas, strict=True)]
    if smaller >= WHOLE_NUCLEUS_UM2 or (smaller >= 0.5 * WHOLE_NUCLEUS_UM2 and min(whole) > ROUND):
        return MAX_NUCLEUS_UM
    return 1.35 * MAX_NUCLEUS_UM


def _joined(group: list[np.ndarray]) -> np.ndarray:
    mask = np.bitwise_or.reduce(group)
    return mask if len(group) == 1 else cv2.morphologyEx(mask, cv2.MORPH_CLOSE, _disc(LOBE_GAP_UM / 2))


def _part(mask: np.ndarray, stat: np.ndarray) -> list[np.ndarray]:
    """Split one mask where two whole nuclei touch: both wide, the waist between them narrow (watershed)."""
    if max(stat[cv2.CC_STAT_WIDTH], stat[cv2.CC_STAT_HEIGHT]) * WORK_UM <= MAX_NUCLEUS_UM:
        return [mask]
    filled = np.zeros_like(mask)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(filled, contours, -1, 1, -1)
    padded = cv2.copyMakeBorder(filled, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    # A level at which the mask falls into two parts, each of which was clearly wider than the waist there.
    for level in np.arange(0.5, 4.0, 0.25) / WORK_UM:
        count, cores = cv2.connectedComponents((distance > level).astype(np.uint8))
        wide = [n for n in range(1, count) if distance[cores == n].max() > max(1.5 * level, 2.5 / WORK_UM)]
        if len(wide) < 2:
            continue
        markers: np.ndarray = np.where(np.isin(cores, wide), cores, 0).astype(np.int32)
        markers[filled == 0] = count
        relief = cv2.cvtColor((255 - 255 * distance / distance.max()).astype(np.uint8), cv2.COLOR_GRAY2BGR)
        markers = cv2.watershed(relief, markers)
        return [((markers == n) & (mask > 0)).astype(np.uint8) for n in wide]
    return [mask]


def _cell(
    part: np.ndarray,
    nuclei: np.ndarray,
    density: np.ndarray,
    inner: np.ndarray,
    stain: _Stain,
    window: tuple[slice, slice],
    field: Field,
) -> Cell | None:
    """The nucleus `part` with the cytoplasm around it, in the file's pixels; None where it is too large."""
    factor = WORK_UM / field.scale.um_per_px
    height, width = field.bgr.shape[:2]
    contours, _ = cv2.findContours(_cytoplasm(part, nuclei, density, stain), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
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
    )


def _cytoplasm(part: np.ndarray, nuclei: np.ndarray, density: np.ndarray, stain: _Stain) -> np.ndarray:
    """The nucleus and the stained, not red-cell-like area joined to it, within `CYTOPLASM_UM`."""
    reach = cv2.dilate(part, _disc(CYTOPLASM_UM))
    reach[cv2.dilate(nuclei & (part == 0), _disc(0.5)) > 0] = 0
    blue, green, red = (density[:, :, i] for i in range(3))
    # Cytoplasm is bluer or pinker than haemoglobin: less blue density for the same green and red.
    ratio = float(stain.bgr[0] / max(stain.bgr[1] + stain.bgr[2], 0.04))
    like_red_cell = blue > 0.75 * ratio * (green + red)
    stained = ((green + red) > 1.2 * stain.edge) & ~like_red_cell
    near = cv2.dilate(part, _disc(0.5))
    mask = (((stained & (reach > 0)) | (near > 0)) & ((reach > 0) | (part > 0))).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, _disc(0.75)) | part
    count, labels = cv2.connectedComponents(mask)
    if count > 2:
        kept = np.unique(labels[part > 0])
        mask = np.isin(labels, kept[kept > 0]).astype(np.uint8)
    return cv2.morphologyEx(mask, cv2.MORPH_CLOSE, _disc(0.75))
