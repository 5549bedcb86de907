"""The nouns that the stages hand to one another: frozen, their shapes checked when they are made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


ABNORMAL = ("variant_lymphocyte", "blast")
"""Leukocytes that a person must look at whenever one was counted."""
LEUKOCYTES = ("neutrophil", "lymphocyte", "monocyte", "eosinophil", "basophil", "immature_granulocyte", *ABNORMAL)
"""In the differential's denominator, in the order of its rows."""
ERYTHROBLAST = "erythroblast"
SMUDGE = "smudge"
NOT_NORMAL = (*ABNORMAL, SMUDGE)
"""What a cell must not be too likely to be, together, that is counted as a normal leukocyte."""
UNIDENTIFIED = "unidentified"
ARTEFACT = "artefact"
EXCLUDED = ("platelet", ARTEFACT)
CLASSES = (*LEUKOCYTES[:6], ERYTHROBLAST, *EXCLUDED, *ABNORMAL, SMUDGE)
"""Every class. A network's card names its own, in the order of its output; the first nine are those of the networks
before there were abnormal leukocytes and smudges."""


@dataclass(frozen=True)
class Frame:
    """One picture as it was captured. `bgr` is (h, w, 3) uint8 in OpenCV's channel order."""

    index: int
    captured_at: float  # seconds since the epoch
    bgr: np.ndarray = field(repr=False)
    source: str = ""
    page: int | None = None  # which field of a file with several, from 1

    def __post_init__(self) -> None:
        if self.bgr.ndim != 3 or self.bgr.shape[2] != 3 or self.bgr.dtype != "uint8":
            raise ValueError(f"bgr must be (h, w, 3) uint8, got {self.bgr.shape} {self.bgr.dtype}")


@dataclass(frozen=True)
class Scale:
    """How many micrometres a pixel of the file covers, and how that is known.

    `origin` is one of "given" (by the user), "red cells" (measured in this picture), "pooled" (the median of
    the run's other pictures, of this size where there are any) and "assumed" (from the white cells' own size: a guess).
    `within` is how sure a guess is: nine of ten lie within this factor of the true scale. None: it is none.
    """

    um_per_px: float
    origin: str
    red_cells: float = 0  # how many the measurement rests on: arcs of outlines add up to so many circles
    within: float | None = None


@dataclass(frozen=True)
class Cell:
    """One candidate found by its nucleus. All lengths are pixels of the file as it was given."""

    box: tuple[int, int, int, int]  # x, y, w, h around nucleus and cytoplasm
    centre: tuple[float, float]  # x, y of the cell's middle
    contour: np.ndarray = field(repr=False)  # (n, 2) int32 outline of the cell, x then y
    at_border: bool = False  # cut by the edge of the picture (or of its black frame)
    nucleus_cut: bool = False  # and that through its nucleus: what is left of it tells nothing
    clump: bool = False  # larger than any cell: several that nothing could part
    faint: bool = False  # the finder is not sure that it is a white cell: the classifier must be

    def __post_init__(self) -> None:
        if self.contour.ndim != 2 or self.contour.shape[1] != 2:
            raise ValueError(f"contour must be (n, 2), got {self.contour.shape}")

    @property
    def diameter(self) -> float:
        """Of the circle that covers as many pixels as the outline does."""
        x, y = self.contour.astype("float64").T
        closing = x[-1] * y[0] - y[-1] * x[0]
        area = abs(float(x[:-1] @ y[1:] - y[:-1] @ x[1:] + closing)) / 2
        return 2 * (area / math.pi) ** 0.5


@dataclass(frozen=True)
class Prediction:
    """What the classifier says of one cell: `probabilities` follow the card's class order and sum to 1."""

    label: str  # one of CLASSES, or UNIDENTIFIED where the card's thresholds say that it is too unsure or too far
    confidence: float  # calibrated probability of the best class, 0 to 1
    probabilities: tuple[float, ...]
    distance: float | None = None  # to the nearest known class, 1 as of a usual cell; None where the model has none


@dataclass(frozen=True)
class CountedCell:
    """A cell with its class, as reports list it. `counted` is true for leukocytes in the denominator."""

    id: int  # 1, 2, … within its picture
    cell: Cell
    prediction: Prediction
    counted: bool
    repeated: bool = False  # an earlier photograph of the run shows it too, and gave it


class Skip(StrEnum):
    """Why a picture or a captured frame was not counted: exactly one reason each. The values are those of the JSON."""

    MOVING = "moving"
    DEFOCUSED = "defocused"
    CLIPPED = "clipped"
    EMPTY = "empty"
    LOST = "lost"
    """A file that cannot be read or used; a frame whose place on the slide is not known."""
    PAUSED = "paused"


@dataclass(frozen=True)
class Quality:
    """Whether a picture may be counted. `focus` is `illumination.sharpness`: higher is sharper."""

    focus: float
    counted: bool = True
    reason: Skip | None = None  # None when counted


@dataclass(frozen=True)
class FieldEstimate:
    """What a picture shows beside the differential. `platelet_clumps` are among `platelets`, each counted as one.

    `red_cell_um`: the diameters of those red cells that touch nothing; their mean says something only where
    `width_known`, else the scale itself was made from it.
    """

    platelets: int
    platelet_clumps: int
    white_cells: int
    red_cells: int
    red_cell_um: tuple[float, ...]
    width_known: bool
    area_mm2: float


@dataclass(frozen=True)
class PictureResult:
    """All that one picture gave. `cells` holds every candidate, the artefacts too."""

    path: str
    width: int
    height: int
    scale: Scale | None  # None where the picture was not counted
    quality: Quality
    cells: tuple[CountedCell, ...] = ()
    page: int | None = None  # which field of a file with several, from 1


REFERENCES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "neutrophil": (40.0, 60.0),
        "lymphocyte": (20.0, 40.0),
        "monocyte": (2.0, 8.0),
        "eosinophil": (1.0, 4.0),
        "basophil": (0.5, 1.0),
    }
)
"""Normal proportions in per cent as the seed paper gives them. Laboratories differ, so they are
configuration. It gives none for immature granulocytes, variant lymphocytes and blasts."""


def guessed(label: str, probabilities: Sequence[float], classes: Sequence[str]) -> str:
    """The likeliest of `classes`, in the order of `probabilities`, for an unidentified cell; "" for another, and where
    the classes are not known."""
    if label != UNIDENTIFIED or not probabilities or len(probabilities) != len(classes):
        return ""
    return classes[max(range(len(classes)), key=lambda n: probabilities[n])]
