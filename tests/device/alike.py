"""Two results of `leuko-edge --json` on the same pictures, from two processors: the same cells, the same names?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

CONFIDENCE = 0.05
"""How far the confidence in a cell may differ. An int8 network rounds otherwise on another processor, by a step of its
last layer or a few; a wrong kernel is far beyond."""
PIXELS = 1
"""How far each side of a cell's box may lie apart: outlines are smoothed in floating point."""
UNIDENTIFIED = "unidentified"


@dataclass
class Likeness:
    """Of all cells of all pictures; `faults` says in words what is not alike, and is empty where all is."""

    pictures: int = 0
    cells: int = 0
    confidence: float = 0.0  # the largest difference
    pixels: int = 0  # the largest difference of a side of a box
    scale: float = 0.0  # the largest relative difference of µm per pixel
    on_edge: list[str] = field(default_factory=list)  # the one is sure enough to name the cell, the other just not
    faults: list[str] = field(default_factory=list)

    def words(self) -> str:
        said = f"{self.cells} cells in {self.pictures} pictures; largest differences: "
        said += f"confidence {self.confidence:.4f} (at most {CONFIDENCE}), box {self.pixels} px (at most {PIXELS}), "
        said += f"scale {self.scale:.2%}"
        for what in (*self.on_edge, *self.faults):
            said += f"; {what}"
        return said


def compare(here: Mapping[str, Any], there: Mapping[str, Any]) -> Likeness:
    """Two documents of schema leuko-edge/1."""
    likeness = Likeness()
    pictures, others = ({PurePath(image["path"]).name: image for image in result["images"]} for result in (here, there))
    if pictures.keys() != others.keys():
        likeness.faults.append(f"pictures {sorted(pictures)} and {sorted(others)}")
    for name in sorted(pictures.keys() & others.keys()):
        likeness.pictures += 1
        _compare_pictures(name, pictures[name], others[name], likeness)
    return likeness


def _compare_pictures(name: str, one: Mapping[str, Any], other: Mapping[str, Any], likeness: Likeness) -> None:
    if one["quality"]["reason"] != other["quality"]["reason"]:
        likeness.faults.append(f"{name}: {one['quality']['reason']} here, {other['quality']['reason']} there")
    if one["um_per_px"] and other["um_per_px"]:
        likeness.scale = max(likeness.scale, abs(other["um_per_px"] / one["um_per_px"] - 1))
    left = list(other["cells"])
    for cell in one["cells"]:
        twin = min(left, key=lambda candidate: _apart(cell["box"], candidate["box"]), default=None)
        if twin is None or _apart(cell["box"], twin["box"]) > max(cell["box"][2:]) / 2:
            likeness.faults.append(f"{name}: no {cell['label']} at {cell['box']} there")
            continue
        left.remove(twin)
        likeness.cells += 1
        _compare_cells(name, cell, twin, likeness)
    likeness.faults += [f"{name}: no {cell['label']} at {cell['box']} here" for cell in left]


def _compare_cells(name: str, cell: Mapping[str, Any], twin: Mapping[str, Any], likeness: Likeness) -> None:
    pixels, confidence = _apart(cell["box"], twin["box"]), abs(cell["confidence"] - twin["confidence"])
    likeness.pixels = max(likeness.pixels, pixels)
    likeness.confidence = max(likeness.confidence, confidence)
    where = f"{name}, cell {cell['id']}"
    if pixels > PIXELS:
        likeness.faults.append(f"{where}: box {cell['box']} here, {twin['box']} there")
    if confidence > CONFIDENCE:
        likeness.faults.append(f"{where}: {cell['confidence']} here, {twin['confidence']} there")
    if cell["label"] != twin["label"]:
        said = f"{where}: {cell['label']} here, {twin['label']} there ({cell['confidence']}, {twin['confidence']})"
        edge = UNIDENTIFIED in (cell["label"], twin["label"]) and confidence <= CONFIDENCE
        (likeness.on_edge if edge else likeness.faults).append(said)


def _apart(box: Sequence[int], other: Sequence[int]) -> int:
    """The farthest that a side of the one lies from the same side of the other, px."""
    sides, others = ((x, y, x + width, y + height) for x, y, width, height in (box, other))
    return max(abs(side - twin) for side, twin in zip(sides, others, strict=True))
