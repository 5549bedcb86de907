"""One picture of a laboratory's folder, and what is known of it before it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Box:
    """A labelled box in pixels: kind is "wbc", "rbc" or "platelet"; `label` the class of its cell, "" where unknown."""

    kind: str
    left: float
    top: float
    right: float
    bottom: float
    label: str = ""
    sub_type: str = ""

    @property
    def centre(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def holds(self, x: float, y: float) -> bool:
        return self.left <= x <= self.right and self.top <= y <= self.bottom


@dataclass(frozen=True)
class Item:
    """One picture. `source` names, within its laboratory, what may not stand on both sides of a split: the patient or
    the smear where that is known, else the photograph that all copies of the picture share.

    label: the class of the picture's cell, or None. boxes: None where the folder has none. all_boxed: every white cell,
    red cell and platelet of the picture has a box, so that what lies in none is an artefact. centred: the labelled
    cell is the one in the middle; None: that is judged by the picture's width. original: an untouched photograph, not
    an augmented copy. mask: the laboratory's own outline of the cell. shown: what stands for the path of a picture
    that lies outside the data.
    """

    path: Path
    lab: str
    source: str
    label: str | None = None
    boxes: tuple[Box, ...] | None = None
    centred: bool | None = False
    original: bool = True
    sub_type: str = ""
    mask: Path | None = None
    all_boxed: bool = True
    shown: str = ""

    def where(self, data: Path) -> str:
        """What the cell set calls the picture: its path within `data`, or `shown` where it lies elsewhere."""
        return self.shown or self.path.relative_to(data).as_posix()

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes of its labelled cells, one each."""
        boxed = tuple(box.label for box in self.boxes or () if box.label)
        return boxed or ((self.label,) if self.label else ())
