"""Nuclei by their stain: where it is, and which lobes and parts of it are one nucleus."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .stain_levels import stain_levels

WORK_UM = 0.25  # µm per px at which nuclei are looked for: a platelet is 10 px, a lymphocyte 40
MIN_NUCLEUS_UM2 = 14.0  # a platelet covers 3 to 10 µm², a small lymphocyte's nucleus 30
MIN_LOBE_UM2 = 2.5
WHOLE_NUCLEUS_UM2 = 70.0  # smaller: a lobe, or part of a nucleus
ROUND = 0.91  # 4π area / perimeter² of a hull, 1 for a disc
LOBE_GAP_UM = 4.0  # lobes of one nucleus lie closer than this
MAX_NUCLEUS_UM = 15.0  # all lobes together; what is longer is parted where it is waisted
NUCLEAR = 1.25  # times the red cells' top density is the least that a nucleus has
OTSU = 0.7


@dataclass(frozen=True)
class Stain:
    """Red cells' optical density in this picture: what nuclei have to stand out from."""

    edge: float  # green density that parts stain from background
    bgr: np.ndarray  # median density of the red cells, (3,)
    top: float  # green density that single red cells rarely exceed


def red_cell_stain(density: np.ndarray, valid: np.ndarray) -> Stain:
    """Of (h, w, 3) optical density in B, G, R order; in a picture of one white cell, of the cytoplasm beside it."""
    edge, nucleus = stain_levels(density, valid)
    green = density[:, :, 1]
    stained = valid & (green > edge)
    if nucleus is not None:
        stained &= green < nucleus
    if stained.sum() < 50:
        return Stain(edge, np.full(3, edge, np.float32), 2 * edge)
    # Nuclei lie above the median: the upper tail of the red cells is mirrored from the lower one.
    low, middle = np.percentile(green[stained], [10, 45])
    body = stained & (green < 2 * middle - low)
    return Stain(edge, np.median(density[body], axis=0), float(2 * middle - low))


def nuclear_stain(density: np.ndarray, valid: np.ndarray, stain: Stain) -> np.ndarray:
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


def disc(radius_um: float) -> np.ndarray:
    size = 2 * max(1, round(radius_um / WORK_UM)) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))


def nuclei_in(nuclei: np.ndarray) -> list[np.ndarray]:
    """Masks of single nuclei: the lobes of one put together, touching ones parted, too small ones left out."""
    opened = cv2.morphologyEx(nuclei, cv2.MORPH_OPEN, disc(0.4))
    closed = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, disc(0.5))
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
    outlines = [outline_of(lobe) for lobe in lobes]
    while True:
        best = None
        for i in range(len(groups)):
            for j in range(i):
                gap, limit = gap_um(outlines[i], outlines[j]), _reach(outlines[i], outlines[j])
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


def outline_of(mask: np.ndarray) -> np.ndarray:
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return max(contours, key=len)[:, 0].astype(np.float32)


def gap_um(a: np.ndarray, b: np.ndarray) -> float:
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
    return mask if len(group) == 1 else cv2.morphologyEx(mask, cv2.MORPH_CLOSE, disc(LOBE_GAP_UM / 2))


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
