"""From the finder's two maps to cells: where one begins and its neighbour ends."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np

MAP_UM = 1.0  # µm per pixel of the network's maps
FINE_UM = 0.25  # and of the outlines
FINE = round(MAP_UM / FINE_UM)
BODY = 0.5  # of the map of bodies: half is the edge of a cell
LEAST_CORE = 1.5  # µm across: what is smaller in the map of centres is no cell
LEAST_BODY_UM2 = 20.0  # a small lymphocyte covers 35 to 50 µm²; a platelet 3 to 10
# In a picture no larger than one cell and its surroundings (`ALONE_UM` across) a cell is expected, and its light may be
# wrong: what the maps show only faintly there gets thresholds of its own: a body of which less than half, with its
# outskirts (`FAINT_BODY`), reaches `BODY`; one without a centre. In a field it would be stacks of red cells.
ALONE_UM = 40
FAINT_BODY = 0.25
FAINT_CENTRE, FAINT_SHARE = 0.3, 0.75  # the least that is offered; of the highest value, how much makes its core
ONE_UM2 = 200.0  # a faint body no larger than one cell has one core, whatever peaks noise gives it
CORE_REACH_UM = 2.5  # around a centre, where the map of bodies shows nothing
PAIR_LONG, PAIR_UM = 1.45, 13.0  # of a body that may be two: long for its width, and longer than most cells
WAIST = 0.8  # of the widest part: between two cells it is narrower
# Mean of the map of bodies inside an outline: 650 of 661 white cells in pictures that the finder did not learn from
# have more, 6 of 35 things that it took for one; drawn stacks of red cells have 0.46 to 0.8. `leuko-train finder`
# prints what this costs and saves.
SURE = 0.8
LARGEST_UM = 26.0  # across: a large monocyte, spread out; a clump is larger
CLUMP_UM2 = 420.0
ROOM = 3  # fine pixels round a body: it is dilated by one, and distances are taken to what lies outside it


@dataclass(frozen=True)
class Blob:
    """One cell on the fine grid. `outline` (n, 2) int32 x, y; `core` its value in the map of centres; `clump`: larger
    than any cell, and the map does not say how to part it; `shown`: mean of the map of bodies inside; `faint`: that is
    not `SURE`, in a picture where no cell is expected."""

    outline: np.ndarray = field(repr=False)
    core: float
    clump: bool
    shown: float
    faint: bool

    @property
    def diameter(self) -> float:
        """µm, of the circle that covers as much."""
        return 2 * FINE_UM * float(np.sqrt(cv2.contourArea(self.outline) / np.pi))


def cells_in(maps: np.ndarray, threshold: float) -> list[Blob]:
    """Of (h, w, 2) float32 maps of centres and bodies, 0 to 1, at `MAP_UM`; outlines at `FINE_UM`."""
    height, width = (side * FINE for side in maps.shape[:2])
    alone = max(maps.shape[:2]) * MAP_UM <= ALONE_UM
    if alone:
        maps = _raised(maps, threshold)
    centres, bodies = (cv2.resize(one, (width, height), interpolation=cv2.INTER_LINEAR) for one in cv2.split(maps))
    count, cores, stats, _ = cv2.connectedComponentsWithStats((centres > threshold).astype(np.uint8), connectivity=4)
    wide = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] >= (LEAST_CORE / FINE_UM) ** 2)
    wide = wide[wide > 0]
    if not len(wide):
        return []
    if len(wide) < count - 1:
        names = np.zeros(count, np.int32)
        names[wide] = np.arange(1, len(wide) + 1)
        cores = names[cores]
    blobs = [blob for blob in _grown(cores, stats[wide, :4], bodies, centres) if blob is not None]
    return [replace(blob, faint=False) for blob in blobs] if alone else blobs  # there one is expected


def _raised(maps: np.ndarray, threshold: float) -> np.ndarray:
    """`maps`, faint cells raised so that one threshold fits all; itself where there is none."""
    centres, bodies = maps[:, :, 0], maps[:, :, 1]
    count, labels, stats, _ = cv2.connectedComponentsWithStats((bodies > FAINT_BODY).astype(np.uint8), connectivity=4)
    raised = maps
    for n in range(1, count):
        x, y, w, h, area = stats[n]
        own = np.s_[y : y + h, x : x + w]
        mask = labels[own] == n
        highest = float(centres[own][mask].max())
        if area * MAP_UM**2 < LEAST_BODY_UM2 or highest < FAINT_CENTRE:
            continue
        pale = bool((bodies[own][mask] > BODY).mean() < 0.5)
        if not pale and highest > threshold:
            continue
        raised = maps.copy() if raised is maps else raised
        core = (mask & (centres[own] > FAINT_SHARE * highest)).astype(np.uint8)
        if area * MAP_UM**2 < ONE_UM2:
            _, cores = cv2.connectedComponents(core)
            core = cores == cores.flat[np.where(mask, centres[own], 0).argmax()]
        raised[:, :, 0][own][mask] = 0
        raised[:, :, 0][own][core > 0] = max(highest, 2 * threshold)
        raised[:, :, 1][own][mask] *= BODY / FAINT_BODY if pale else 1.0
    return np.minimum(raised, 1) if raised is not maps else maps


def _grown(cores: np.ndarray, boxes: np.ndarray, bodies: np.ndarray, centres: np.ndarray) -> list[Blob | None]:
    """The bodies parted between the cores in them: uphill of the distance to the background (watershed). `boxes` (n, 4)
    are the cores': left, top, width, height."""
    core = (cores > 0).astype(np.uint8)
    inside = cv2.bitwise_or((bodies > BODY).astype(np.uint8), _near(core, boxes, CORE_REACH_UM / 2))
    inside = cv2.bitwise_or(cv2.morphologyEx(inside, cv2.MORPH_OPEN, _disc(0.75)), core)
    markers = cores.copy()
    markers[inside == 0] = len(boxes) + 1
    relief = cv2.cvtColor((255 * (1 - bodies)).astype(np.uint8), cv2.COLOR_GRAY2BGR)
    cv2.watershed(relief, markers)
    found: list[Blob | None] = []
    for n, (x0, y0, x1, y1) in enumerate(_boxes(markers, boxes), start=1):
        here = np.s_[y0:y1, x0:x1]
        core = cores[here] == n
        own = (markers[here] == n).astype(np.uint8)
        own = cv2.bitwise_and(cv2.dilate(own, np.ones((3, 3), np.uint8)), inside[here])  # the watershed's own line
        own = cv2.bitwise_or(own, core.astype(np.uint8))
        highest = float(centres[here][core].max())
        found += [_blob(part, highest, bodies[here], (x0, y0)) for part in _parted(own)]
    return found


def _near(core: np.ndarray, boxes: np.ndarray, reach_um: float) -> np.ndarray:
    """`core` (h, w) uint8 grown by `reach_um`; it lies in `boxes`, so that most of a field is not looked at."""
    near, disc = np.zeros_like(core), _disc(reach_um)
    room = disc.shape[0]
    for x, y, w, h in boxes:
        here = np.s_[max(0, y - room) : y + h + room, max(0, x - room) : x + w + room]
        near[here] |= cv2.dilate(core[here], disc)
    return near


def _boxes(markers: np.ndarray, cores: np.ndarray) -> list[tuple[int, int, int, int]]:
    """Where each of the markers lies, with room round it: left, top, right, bottom. `cores` (n, 4) int: left, top,
    width and height of the core that each grew from. A large field has hundreds, and each is looked at in its box."""
    least, most = cores[:, :2].astype(np.int64), (cores[:, :2] + cores[:, 2:] - 1).astype(np.int64)
    places = cv2.findNonZero(cv2.inRange(markers, 1, len(cores)))
    if places is not None:
        places = places.reshape(-1, 2)
        names = markers[places[:, 1], places[:, 0]] - 1
        order = np.argsort(names, kind="stable")
        names, places = names[order], places[order]
        first = np.flatnonzero(np.diff(names, prepend=-1))
        own = names[first]
        least[own] = np.minimum(least[own], np.minimum.reduceat(places, first))
        most[own] = np.maximum(most[own], np.maximum.reduceat(places, first))
    least, most = np.maximum(least - ROOM, 0), np.minimum(most + ROOM + 1, markers.shape[::-1])
    return [(int(x0), int(y0), int(x1), int(y1)) for (x0, y0), (x1, y1) in zip(least, most, strict=True)]


def _parted(mask: np.ndarray) -> list[np.ndarray]:
    """Two bodies that have one centre between them: each is round, the waist between them narrow."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(contours, key=cv2.contourArea)
    long, short = sorted(cv2.minAreaRect(outline)[1], reverse=True)
    if long < PAIR_LONG * short or long * FINE_UM < PAIR_UM:
        return [mask]
    distance = cv2.distanceTransform(cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT), cv2.DIST_L2, 5)
    count, halves = cv2.connectedComponents((distance > WAIST * distance.max()).astype(np.uint8))
    if count != 3:
        return [mask]
    reach = [cv2.distanceTransform((halves != n).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1] for n in (1, 2)]
    first = reach[0] <= reach[1]
    return [mask & first, mask & ~first]


def _blob(mask: np.ndarray, core: float, bodies: np.ndarray, corner: tuple[int, int]) -> Blob | None:
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE, offset=corner)
    outline = max(contours, key=cv2.contourArea)[:, 0]
    area = cv2.contourArea(outline) * FINE_UM**2
    if area < LEAST_BODY_UM2:
        return None
    across = 2 * cv2.minEnclosingCircle(outline)[1] * FINE_UM
    shown = cv2.mean(bodies, mask)[0]
    return Blob(outline, core, across > LARGEST_UM or area > CLUMP_UM2, shown, shown < SURE)


def _disc(radius_um: float) -> np.ndarray:
    size = 2 * max(1, round(radius_um / FINE_UM)) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
