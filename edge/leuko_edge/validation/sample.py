"""A sample's differential from anywhere, and what there is to say of a line that is not taken as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

OTHER = "other"
"""Leukocytes that the table names and this program has no class for: in the denominator, compared with nothing."""


@dataclass(frozen=True)
class Sample:
    """`percent` by class: of the leukocytes, erythroblasts per 100 of them; a class that nobody looked for is absent.
    `total`: leukocytes counted, None where nobody says."""

    name: str
    where: str  # the file
    line: int  # of the file; the session's number; 0 of a file that is one sample
    percent: Mapping[str, float]
    total: int | None = None
    observer: str = ""

    @property
    def key(self) -> str:
        """By which it is found again: laboratories write S-17, s-17 and, of a spreadsheet, 'S-17."""
        return self.name.strip().lstrip("'").strip().casefold()

    def count(self, label: str) -> int | None:
        """Cells of a class; None where the total is not known."""
        return None if self.total is None else round(self.percent[label] * self.total / 100)


class Code(StrEnum):
    """What is said of a sample or line: the codes of the JSON. The sentences are made in `report`."""

    NO_NAME = "no_name"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_RANGE = "out_of_range"
    TOO_MANY_FIELDS = "too_many_fields"
    EMPTY = "empty"
    MISSING_VALUE = "missing_value"
    SUM = "sum"
    SUM_FAR = "sum_far"
    TOTAL_DIFFERS = "total_differs"
    DUPLICATE = "duplicate"
    UNMATCHED_RESULT = "unmatched_result"
    UNMATCHED_REFERENCE = "unmatched_reference"
    COLUMNS_UNUSED = "columns_unused"
    NOT_A_RESULT = "not_a_result"
    NO_CELLS = "no_cells"
    SIMULATED = "simulated"
    NOT_FINISHED = "not_finished"
    UNREADABLE = "unreadable"
    THIRD_OBSERVER = "third_observer"


LEFT_OUT = frozenset(Code) - {Code.MISSING_VALUE, Code.SUM, Code.TOTAL_DIFFERS, Code.COLUMNS_UNUSED}
"""Codes of what is not compared; the others are said, and the sample is."""


@dataclass(frozen=True)
class Remark:
    code: Code
    where: str
    line: int = 0
    detail: str = ""
