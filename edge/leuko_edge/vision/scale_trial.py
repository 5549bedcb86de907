"""A guess of the µm per pixel put to the proof: the finder looks at several scales, and one at which it sees cells of
the usual size, and is sure of them, is the likeliest.

A nucleus alone misleads: touching blasts are taken for one nucleus, a lobe for a whole one. The finder parts cells
from half to twice the true scale.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..types import Scale
from .field import PLAUSIBLE_UM, Field
from .finder_input import finder_input
from .map_cells import Blob, cells_in
from .segment import CellFinder

STEP, EACH_WAY = 1.4, 3  # times; so many larger and smaller than the guess
USUAL_UM = 12.5  # across a white cell with its cytoplasm: small lymphocytes 8 to 10, monocytes and blasts to 18
UNUSUAL = 0.5  # what an e-fold off the usual size weighs against a body that the map does not show at all
LARGEST_UM2 = 250_000.0  # a field of 0.5 mm: at a scale that makes a picture larger it is not looked at
# Factors within which nine of ten such scales are right. Tried: `leuko-train detect` prints it. Where the finder finds
# nothing at any scale there is the nucleus alone, and single drawn cells and clumps are off by 3.
TRIED, UNTRIED = 1.5, 3.0


def tried(seen: Field, finder: CellFinder) -> Scale:
    """ "assumed", of a field whose own scale is a guess."""
    guess = seen.scale.um_per_px
    least, most = PLAUSIBLE_UM
    steps = guess * STEP ** np.arange(-EACH_WAY, EACH_WAY + 1)
    pixels = seen.bgr.shape[0] * seen.bgr.shape[1]
    scales = [float(um) for um in steps if least <= um <= most and pixels * um**2 <= LARGEST_UM2]
    looks = {um: _cells(replace(seen, scale=Scale(um, "assumed")), finder) for um in scales}
    if not any(looks.values()):
        return replace(seen.scale, within=UNTRIED)
    return Scale(max(scales, key=lambda um: _likely(looks[um])), "assumed", within=TRIED)


def _cells(seen: Field, finder: CellFinder) -> list[Blob]:
    return cells_in(finder.maps(finder_input(seen).stacked), finder.threshold)


def _likely(cells: list[Blob]) -> float:
    if not cells:
        return -np.inf
    usual = float(np.median([cell.diameter for cell in cells])) / USUAL_UM
    return float(np.mean([cell.shown for cell in cells])) - UNUSUAL * float(np.log(usual)) ** 2
