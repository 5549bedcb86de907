"""How near to the true scale the finder comes that tries several, without the red cells: of `leuko-train detect`."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from rich.progress import track
from rich.table import Table

from leuko_edge.errors import PictureError
from leuko_edge.model.finder import shipped
from leuko_edge.types import Scale
from leuko_edge.vision.field import Field
from leuko_edge.vision.scale_trial import TRIED, tried

from ..data import build
from ..data.items import Item
from ..finder.sources import RED_CELL_PX, RED_CELL_UM

PICTURES = 25  # of a folder, at most
OFF = (0.5, 1.0, 2.0)  # times the true scale: the guesses that the trial begins with
SHOWN = (10, 50, 90)  # percentiles


@dataclass
class Tries:
    """`ratios` of the scale that was found to the true one, of the pictures of one folder."""

    folder: str
    ratios: list[float] = field(default_factory=list)

    @property
    def within(self) -> float:
        """Share that is right to within the factor that the device states."""
        return float(np.mean(np.abs(np.log(self.ratios)) < np.log(TRIED)))


def measure(items: Mapping[str, Sequence[Item]]) -> list[Tries]:
    """Of some of `items`, by folder, whose red cells' usual width is known."""
    found = []
    for folder, own in items.items():
        if folder in RED_CELL_PX:
            some = random.Random(0).sample(list(own), min(PICTURES, len(own)))
            numbered = enumerate(track(some, description=f"scales of {folder}", transient=True))
            ratios = [_ratio(item, folder, OFF[n % len(OFF)]) for n, item in numbered]
            found.append(Tries(folder, [ratio for ratio in ratios if ratio is not None]))
    return [one for one in found if one.ratios]


def _ratio(item: Item, folder: str, off: float) -> float | None:
    """None where the picture cannot be read, or the finder finds nothing at any scale."""
    usual = Scale(RED_CELL_UM / RED_CELL_PX[folder], "pooled")
    try:
        seen = Field.from_bgr(build.read(item.path), fallback=usual)
        true = seen.scale.um_per_px
        scale = tried(replace(seen, scale=Scale(off * true, "assumed")), shipped())
    except PictureError:
        return None
    return scale.um_per_px / true if scale.within == TRIED else None


def table(tries: Sequence[Tries]) -> Table:
    """A row for each folder."""
    shown = Table(title="Scales that the finder tried, beside the true ones")
    shown.add_column("folder")
    for name in ("pictures", *(f"{p} %" for p in SHOWN), f"within a factor of {TRIED:g}"):
        shown.add_column(name, justify="right")
    every = Tries("all", [ratio for one in tries for ratio in one.ratios])
    for one in (*tries, *([every] if tries else [])):
        middle = (f"{value:.2f}" for value in np.percentile(one.ratios, SHOWN))
        shown.add_row(one.folder, str(len(one.ratios)), *middle, f"{one.within:.3f}")
    return shown
