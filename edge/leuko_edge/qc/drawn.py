"""A control slide that is drawn: the same one everywhere, its cells known, so that the program can be tested anywhere.

It tests the program, the model and the device's arithmetic, and no microscope.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from ..simulate.demo import fields
from ..simulate.field import Drawn
from ..types import EXCLUDED, LEUKOCYTES, Frame
from .control import Control, KnownCell

SEED = 1981
LEUKOCYTES_DRAWN = 40
SIZE = (800, 600)
NAME = "drawn"

SIGNS: Mapping[str, float] = MappingProxyType(
    {
        "light": 219.6,
        "uneven": 0.0767,
        "background_blue": -0.0155,
        "background_red": 0.0143,
        "focus": 0.09,
        "red_cell_density": 0.136,
        "red_cell_blue": 0.804,
        "nucleus_density": 0.731,
        "nucleus_red": 0.676,
        "um_per_px": 0.1034,
        "unidentified": 0.0,
        "agreed": 1.0,
    }
)
"""What it shows, as `leuko-edge qc --drawn --json -` printed it."""


class DrawnSlide:
    """A source for the pipeline; drawn when it is made."""

    name = "drawn control slide"

    def __init__(self) -> None:
        self._fields = list(fields(SEED, LEUKOCYTES_DRAWN, width=SIZE[0], height=SIZE[1]))

    def __iter__(self) -> Iterator[Frame]:
        return (self.take(index) for index in range(len(self._fields)))

    def __len__(self) -> int:
        return len(self._fields)

    def take(self, index: int) -> Frame:
        return Frame(index, 0.0, self._fields[index].bgr, _name(index))

    def control(self) -> Control:
        """Every cell drawn, but for the artefacts."""
        cells = tuple(cell for index, drawn in enumerate(self._fields) for cell in _cells(index, drawn))
        counts = Counter(cell.label for cell in cells if cell.label in LEUKOCYTES)
        shares = {label: 100 * n / counts.total() for label, n in counts.items()}
        return Control(NAME, cells, shares, counts.total(), SIGNS, drawn=True)


def _name(index: int) -> str:
    return f"drawn-{index + 1:02}.png"


def _cells(index: int, drawn: Drawn) -> list[KnownCell]:
    return [KnownCell(_name(index), *cell.centre, cell.label) for cell in drawn.truth if cell.label not in EXCLUDED]
