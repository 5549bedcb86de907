"""What a test has found wrong: a code, the sign it was seen in, and by which limit. `words` says it to a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from .westgard import REJECT, Rule


class Code(StrEnum):
    DARK = "dark"
    BRIGHT = "bright"
    UNEVEN = "uneven"
    BACKGROUND_BLUER = "background_bluer"
    BACKGROUND_YELLOWER = "background_yellower"
    BACKGROUND_REDDER = "background_redder"
    BACKGROUND_GREENER = "background_greener"
    BLURRED = "blurred"
    CELLS_SMALLER = "cells_smaller"
    CELLS_LARGER = "cells_larger"
    RED_CELLS_PALER = "red_cells_paler"
    RED_CELLS_DARKER = "red_cells_darker"
    RED_CELLS_GREYER = "red_cells_greyer"
    RED_CELLS_ORANGER = "red_cells_oranger"
    NUCLEI_PALER = "nuclei_paler"
    NUCLEI_DARKER = "nuclei_darker"
    NUCLEI_BLUER = "nuclei_bluer"
    NUCLEI_REDDER = "nuclei_redder"
    MORE_UNIDENTIFIED = "more_unidentified"
    CELLS_MISSED = "cells_missed"
    CELLS_RENAMED = "cells_renamed"
    OTHER_DIFFERENTIAL = "other_differential"
    TOO_FEW_CELLS = "too_few_cells"
    PICTURES_LOST = "pictures_lost"


@dataclass(frozen=True)
class Finding:
    """`sign` was `value` where `expected` is usual, or known; of a differential, `sign` is the class, in per cent.

    `limit`: a fixed limit is passed. `rules`: those of Westgard's that the control's own chart breaks. `small`: so
    steady is the microscope that a rule is broken by what is nowhere near the limit.
    """

    code: Code
    sign: str
    value: float
    expected: float
    limit: bool = False
    rules: tuple[Rule, ...] = ()
    small: bool = False

    @property
    def fails(self) -> bool:
        """Whether the test is failed by it; else it is to be watched."""
        return self.limit or (not self.small and any(rule in REJECT for rule in self.rules))


def as_json(finding: Finding) -> dict[str, Any]:
    """As it is kept; `from_json` makes the same of it."""
    return {**asdict(finding), "code": str(finding.code), "rules": [str(rule) for rule in finding.rules]}


def from_json(data: Mapping[str, Any]) -> Finding:
    """KeyError, TypeError or ValueError for what `as_json` did not make."""
    return Finding(
        Code(data["code"]),
        str(data["sign"]),
        float(data["value"]),
        float(data["expected"]),
        bool(data["limit"]),
        tuple(Rule(rule) for rule in data["rules"]),
        bool(data["small"]),
    )
