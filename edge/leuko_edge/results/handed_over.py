"""A session's result as other programs take it: one measurement for each class, with its code, range and standing."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import UsageError
from ..store.archive import Record
from ..tally import Differential
from ..types import UNIDENTIFIED
from .codes import BESIDE_CODES, PERCENT_CODES, Code

PERCENT, PER_100 = "%", "/100{WBC}"  # UCUM
METHOD = "Microscopy of a stained smear; cells found and named by a neural network, reviewed by a person"


@dataclass(frozen=True)
class Measurement:
    """`value` in `unit`, None where no leukocyte was counted; `flag` as of `tally.flag`."""

    label: str
    code: Code
    value: float | None
    unit: str
    count: int
    counted: int
    ci95: tuple[float, float] | None = None
    reference: tuple[float, float] | None = None
    flag: str | None = None

    @property
    def remark(self) -> str:
        """What no field of the other side holds."""
        exact = "" if self.ci95 is None else f"; exact 95 % interval {self.ci95[0]:.1f} to {self.ci95[1]:.1f} %"
        return (
            f"{self.count} of {self.counted} cells{exact}" if self.ci95 else f"{self.count} cells beside {self.counted}"
        )


def measurements(differential: Differential) -> tuple[Measurement, ...]:
    total = differential.counted
    found = [
        Measurement(
            share.label,
            PERCENT_CODES[share.label],
            None if share.percent is None else round(share.percent, 1),
            PERCENT,
            share.count,
            total,
            share.ci95,
            share.reference,
            share.flag,
        )
        for share in differential.classes
    ]
    beside = {UNIDENTIFIED: differential.unidentified, "erythroblast": differential.erythroblasts}
    if differential.smudges:
        beside["smudge"] = differential.smudges
    for label, count in beside.items():
        value = round(100 * count / total, 1) if total else None
        found.append(Measurement(label, BESIDE_CODES[label], value, PER_100, count, total))
    return tuple(found)


def version(record: Record) -> int:
    """Of the signed result; 0 for one that nobody has signed, or that waits for its second signature. UsageError while
    it is being amended, for then neither what was signed nor what is being changed is the result."""
    if record.amendment is not None:
        raise UsageError(f"session {record.summary.id} is being amended", "sign the new version first")
    if record.awaits_second and len(record.signatures) > 1:
        raise UsageError(
            f"session {record.summary.id} was amended and waits for its second signature",
            "sign it with leuko-edge review",
        )
    return len(record.signatures) if record.summary.state == "signed" and not record.awaits_second else 0
