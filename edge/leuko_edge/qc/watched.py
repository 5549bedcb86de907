"""What a test watches: for each sign how far it may go from what the control showed, and what it means if it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..vision.signs import Sign
from .finding import Code

UNIDENTIFIED = "unidentified"
"""Share of the white cells."""
FOUND = "found"
"""Share of the known cells where a cell was found."""
AGREED = "agreed"
"""Share of the known cells found and identified that were named as they are known."""
LEAST_FOUND = 0.97  # as the daily cell-location test of digital morphology analyzers asks
LEAST_AGREED = 0.90  # where the control does not say what the model reached when it was made
WORTH = 1 / 3
"""Of what is allowed: a smaller difference, however unusual here, harms no count."""
LEAST_CELLS = 20  # white cells, below which nothing is said of shares


@dataclass(frozen=True)
class Watched:
    """`allowed` is how far the sign may go from the control's own value before the test fails, `least` the smallest
    difference that means anything; both as a share of that value where `relative`. None: that side is no fault."""

    low: Code | None
    high: Code | None
    allowed: float
    least: float
    relative: bool

    def span(self, share: float, value: float) -> float:
        """`allowed` or `least` in the sign's own unit, about `value`."""
        return share * abs(value) if self.relative else share

    def is_small(self, value: float, usual: float) -> bool:
        """Whether a difference is no more than `WORTH` of what is allowed."""
        return abs(value - usual) <= WORTH * self.span(self.allowed, usual)


# Each limit lies below what the damage in tests/qc does to its sign (light × 0.7, a blur of 3 px, a cast of a tenth),
# and some three standard deviations or more beyond what sessions of one microscope and many slides scatter by
# (BCCD, RV-PBS: edge/benchmarks/qc_scatter.py).
WATCHED: Mapping[str, Watched] = MappingProxyType(
    {
        Sign.LIGHT: Watched(Code.DARK, Code.BRIGHT, 0.15, 0.005, True),
        Sign.UNEVEN: Watched(None, Code.UNEVEN, 0.10, 0.005, False),
        Sign.BACKGROUND_BLUE: Watched(Code.BACKGROUND_YELLOWER, Code.BACKGROUND_BLUER, 0.03, 0.002, False),
        Sign.BACKGROUND_RED: Watched(Code.BACKGROUND_GREENER, Code.BACKGROUND_REDDER, 0.03, 0.002, False),
        Sign.FOCUS: Watched(Code.BLURRED, None, 0.25, 0.01, True),
        Sign.SCALE: Watched(Code.CELLS_LARGER, Code.CELLS_SMALLER, 0.10, 0.005, True),
        Sign.RED_CELL_DENSITY: Watched(Code.RED_CELLS_PALER, Code.RED_CELLS_DARKER, 0.3, 0.01, True),
        Sign.RED_CELL_BLUE: Watched(Code.RED_CELLS_GREYER, Code.RED_CELLS_ORANGER, 0.25, 0.01, False),
        Sign.NUCLEUS_DENSITY: Watched(Code.NUCLEI_PALER, Code.NUCLEI_DARKER, 0.4, 0.01, True),
        Sign.NUCLEUS_RED: Watched(Code.NUCLEI_REDDER, Code.NUCLEI_BLUER, 0.2, 0.01, False),
        UNIDENTIFIED: Watched(None, Code.MORE_UNIDENTIFIED, 0.10, 0.01, False),
        FOUND: Watched(Code.CELLS_MISSED, None, 1 - LEAST_FOUND, 0.01, False),
        AGREED: Watched(Code.CELLS_RENAMED, None, 0.05, 0.01, False),
    }
)
