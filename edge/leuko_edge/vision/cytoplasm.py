"""How far a white cell reaches around its nucleus.

    evidence = _evidence(nucleus, others, density, stain)   # per pixel: of this cell, or background or red cell
    body = cytoplasm(nucleus, others, density, stain)       # the star-shaped outline that gathers most of it

Cytoplasm may be as pale as background or as red as haemoglobin, and red cells touch it: no threshold parts them
everywhere. An outline that cannot bend sharply bridges the places where the light does not tell.
"""

from __future__ import annotations

import cv2
import numpy as np

from .nuclei import WORK_UM, Stain, disc, outline_of

CYTOPLASM_UM = 6.0  # how far it may reach beyond the nucleus: an eosinophil's lies on one side of it
LEAST = 1.2  # green and red density together, in units of the level that parts red cells from background in green
RING_UM = (0.75, 1.95)  # from the nucleus: what is stained there is this cell's cytoplasm, if it has any
RING_LEAST = 20  # px of it
CONTRAST = 0.35  # a ring that differs so much from red cells, in units of their density, parts them with certainty
OUTWARD = 0.12  # evidence that a pixel must have to be worth reaching for
ANGLES = 72
BEND = 2  # steps in or out from one angle to the next
STIFF = 0.15  # cost of a step, squared
FORBIDDEN = -3.0  # another cell's nucleus


def cytoplasm(nucleus: np.ndarray, others: np.ndarray, density: np.ndarray, stain: Stain) -> np.ndarray:
    """(h, w) uint8 mask of the cell of `nucleus` (h, w) uint8: nucleus and cytoplasm, in one piece.

    `others` (h, w) uint8 are the nuclei of other cells; `density` (h, w, 3) is the optical density in B, G, R order, at
    `WORK_UM`.
    """
    moments = cv2.moments(nucleus, True)
    centre = (moments["m10"] / moments["m00"], moments["m01"] / moments["m00"])
    radius = float(np.hypot(*(outline_of(nucleus) - centre).T).max()) + CYTOPLASM_UM / WORK_UM
    steps = int(radius)
    flags = cv2.INTER_LINEAR | cv2.WARP_FILL_OUTLIERS
    rays = cv2.warpPolar(_evidence(nucleus, others, density, stain), (steps, ANGLES), centre, radius, flags)
    reach = (_outline(rays) + 1) * radius / steps
    angle = 2 * np.pi * np.arange(ANGLES) / ANGLES
    points = np.stack([centre[0] + reach * np.cos(angle), centre[1] + reach * np.sin(angle)], axis=1)
    mask = np.zeros_like(nucleus)
    cv2.fillPoly(mask, [np.round(points).astype(np.int32)], 1)
    mask = cv2.morphologyEx(mask | cv2.dilate(nucleus, disc(0.25)), cv2.MORPH_CLOSE, disc(0.75))
    mask[(cv2.dilate(others, disc(0.5)) > 0) & (nucleus == 0)] = 0
    _, labels = cv2.connectedComponents(mask)
    return np.isin(labels, np.unique(labels[nucleus > 0])).astype(np.uint8)


def _evidence(nucleus: np.ndarray, others: np.ndarray, density: np.ndarray, stain: Stain) -> np.ndarray:
    """(h, w) float32, towards 1 what belongs to the cell, towards -1 what is background or red cell."""
    both = density[:, :, 1] + density[:, :, 2]
    least = LEAST * stain.edge
    evidence = np.clip((both - least) / least, -1, 1)
    inner, outer = (cv2.dilate(nucleus, disc(um)) for um in RING_UM)
    ring = (outer > inner) & (cv2.dilate(others, disc(RING_UM[0])) == 0) & (both > least)
    if ring.sum() > RING_LEAST:
        # From the red cells' colour to this ring's own: beside a red cell as pale and pink, it says little.
        own = np.median(density[ring], axis=0)
        axis = own - stain.bgr
        length = float(np.linalg.norm(axis))
        along = (density - (own + stain.bgr) / 2) @ axis / max(length**2 / 2, 1e-6)
        certainty = min(1.0, length / (CONTRAST * float(np.linalg.norm(stain.bgr))))
        evidence = np.minimum(evidence, np.clip(along, -1, 1) * certainty)
    evidence -= OUTWARD
    evidence[cv2.dilate(others, disc(0.5)) > 0] = FORBIDDEN
    evidence[cv2.dilate(nucleus, disc(0.5)) > 0] = 1
    return evidence.astype(np.float32)


def _outline(rays: np.ndarray) -> np.ndarray:
    """(angles,) how many steps outward, from `rays` (angles, steps) of evidence, the closed outline lies.

    Of all outlines that move at most `BEND` steps from one angle to the next, nearly the one that encloses the most
    evidence (by dynamic programming over two turns, of which the middle is closed).
    """
    angles, steps = rays.shape
    gain = np.cumsum(rays * (np.arange(steps) + 1) / steps, axis=1)  # a step further out is a larger area
    gain = np.concatenate([gain, gain])
    moves = np.arange(-BEND, BEND + 1)
    came = np.zeros(gain.shape, np.int32)
    total = gain[0]
    padded = np.full(steps + 2 * BEND, -np.inf)
    for n in range(1, 2 * angles):
        padded[BEND:-BEND] = total
        options = np.stack([padded[BEND + move :][:steps] - STIFF * move**2 for move in moves])
        best = options.argmax(axis=0)
        came[n] = np.arange(steps) + moves[best]
        total = options[best, np.arange(steps)] + gain[n]
    path = np.empty(2 * angles, int)
    path[-1] = total.argmax()
    for n in range(2 * angles - 1, 0, -1):
        path[n - 1] = came[n, path[n]]
    half = angles // 2
    return np.roll(path[half : half + angles], half)
