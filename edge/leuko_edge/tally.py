"""The differential: counts, per cent, how sure they are, and what the reference range says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .binomial import clopper_pearson
from .types import (
    ABNORMAL,
    ERYTHROBLAST,
    EXCLUDED,
    LEUKOCYTES,
    REFERENCES,
    SMUDGE,
    UNIDENTIFIED,
    PictureResult,
    Scale,
    Skip,
)

WARN_SHARE = 0.15
"""Of unidentified among white cells, above which a person should review them, where no calibration gave one."""
PICTURE_SKIPS = (Skip.MOVING, Skip.DEFOCUSED, Skip.CLIPPED, Skip.LOST)
"""Reasons for which a picture is not counted: nobody moves it, or pauses."""


FEW = 20
"""White cells below which no share is judged."""


@dataclass(frozen=True)
class Share:
    """One class's part of the differential, all in per cent of the counted leukocytes."""

    label: str
    count: int
    percent: float | None  # None where nothing was counted
    ci95: tuple[float, float]  # exact (Clopper-Pearson); 0 to 100 where nothing was counted
    reference: tuple[float, float] | None
    flag: str | None  # see `flag`


@dataclass(frozen=True)
class Differential:
    """Counts of a whole run. `counted` is the denominator: leukocytes only."""

    counted: int
    classes: tuple[Share, ...]
    erythroblasts: int
    nrbc_per_100_wbc: float | None  # None where no leukocyte was counted
    unidentified: int
    excluded: Mapping[str, int]
    smudges: int = 0  # of a model that knows them; never in the denominator
    smudges_per_100_wbc: float | None = None

    @property
    def abnormal(self) -> int:
        """How many variant lymphocytes and blasts were counted: each of them asks for a person."""
        return sum(share.count for share in self.classes if share.label in ABNORMAL)

    @property
    def present(self) -> tuple[Share, ...]:
        """Its rows without the abnormal classes of which none was seen: what a small display has room for."""
        return tuple(share for share in self.classes if share.label not in ABNORMAL or share.count)

    @classmethod
    def from_counts(
        cls,
        counts: Mapping[str, int],
        leukocytes: Sequence[str] = LEUKOCYTES,
        references: Mapping[str, tuple[float, float]] = REFERENCES,
    ) -> Differential:
        """`counts` by label; `leukocytes` are the classes that the model can tell, each of them a row.

        A class that only a person can have named, who changed a cell to it, gets its row too.
        """
        rows = [*leukocytes, *(label for label in LEUKOCYTES if counts.get(label) and label not in leukocytes)]
        total = sum(counts.get(label, 0) for label in rows)
        shares = []
        for label in rows:
            count = counts.get(label, 0)
            percent = 100 * count / total if total else None
            low, high = clopper_pearson(count, total)
            ci95 = (100 * low, 100 * high)
            reference = references.get(label)
            shares.append(Share(label, count, percent, ci95, reference, flag(percent, ci95, reference, total)))
        erythroblasts, smudges = counts.get(ERYTHROBLAST, 0), counts.get(SMUDGE, 0)
        return cls(
            counted=total,
            classes=tuple(shares),
            erythroblasts=erythroblasts,
            nrbc_per_100_wbc=100 * erythroblasts / total if total else None,
            unidentified=counts.get(UNIDENTIFIED, 0),
            excluded={label: counts.get(label, 0) for label in EXCLUDED},
            smudges=smudges,
            smudges_per_100_wbc=100 * smudges / total if total else None,
        )


def flag(
    percent: float | None, ci95: tuple[float, float], reference: tuple[float, float] | None, counted: int
) -> str | None:
    """What a share of `counted` leukocytes says of its reference range; None where it says nothing yet.

    "low" or "high" where the whole interval lies outside the range. "low?" or "high?" where the estimate does and the
    interval reaches into the range, but not beyond its other end: an interval that holds the whole range tells neither.
    "normal" where the estimate lies inside. The last two are of FEW leukocytes or more.
    """
    if percent is None or reference is None:
        return None
    low, high = reference
    if ci95[1] < low:
        return "low"
    if ci95[0] > high:
        return "high"
    if counted < FEW:
        return None
    if percent < low:
        return "low?" if ci95[1] <= high else None
    if percent > high:
        return "high?" if ci95[0] >= low else None
    return "normal"


@dataclass(frozen=True)
class Fields:
    """What became of the fields of a count: `skipped` by reason, and the scale of each that was counted."""

    captured: int
    counted: int
    skipped: Mapping[str, int]
    scales: Sequence[Scale] = ()


@dataclass
class Tally:
    """Adds up a run, picture by picture; keeps counts and scales, never pixels or cells."""

    counts: Counter[str] = field(default_factory=Counter)
    captured: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    scales: list[Scale] = field(default_factory=list)

    def add(self, result: PictureResult) -> None:
        """Count a picture's cells: leukocytes where `counted`, all other labels for what stands beside
        them."""
        self.captured += 1
        if not result.quality.counted:
            if result.quality.reason not in PICTURE_SKIPS:
                raise ValueError(f"reason must be one of {', '.join(PICTURE_SKIPS)}, got {result.quality.reason!r}")
            self.skipped[result.quality.reason] += 1
            return
        if result.scale is not None:
            self.scales.append(result.scale)
        for entry in result.cells:
            label = entry.prediction.label
            if entry.repeated:
                continue
            if entry.counted or label not in LEUKOCYTES:
                self.counts[label] += 1

    @property
    def frames(self) -> dict[str, object]:
        """Accounting in HOUSE.md's fields: captured = counted + the sum of skipped."""
        skipped = {reason.value: self.skipped[reason] for reason in PICTURE_SKIPS}
        return {"captured": self.captured, "counted": self.counted, "skipped": skipped}

    @property
    def fields(self) -> Fields:
        return Fields(self.captured, self.counted, dict(self.skipped), tuple(self.scales))

    @property
    def counted(self) -> int:
        """How many pictures were counted."""
        return self.captured - self.skipped.total()

    def differential(
        self,
        leukocytes: Sequence[str] = LEUKOCYTES,
        references: Mapping[str, tuple[float, float]] = REFERENCES,
    ) -> Differential:
        return Differential.from_counts(self.counts, leukocytes, references)


@dataclass(frozen=True)
class Review:
    """Why a person must look at a count. `code` is "abnormal" or "unfamiliar", `cells` how many cells it is about."""

    code: str
    cells: int
    white: int  # counted and unidentified cells together


def reviews(differential: Differential, warn_share: float) -> tuple[Review, ...]:
    """Variant lymphocytes or blasts among the cells; a larger share of unidentified than the card's, unless of few."""
    white = differential.counted + differential.unidentified
    found = []
    if differential.abnormal:
        found.append(Review("abnormal", differential.abnormal, white))
    if white >= FEW and differential.unidentified > warn_share * white:
        found.append(Review("unfamiliar", differential.unidentified, white))
    return tuple(found)


def sentence(review: Review) -> str:
    """What a person is told."""
    if review.code == "abnormal":
        cells = "1 cell looks" if review.cells == 1 else f"{review.cells} cells look"
        return f"{cells} abnormal (variant lymphocyte or blast), a person must review"
    return (
        f"{100 * review.cells / review.white:.0f} % of the white cells are unidentified: this laboratory's cells are "
        "outside what the model knows, a person should review them"
    )


def warning(differential: Differential, warn_share: float) -> str:
    """All of them as one line, "" where there is none."""
    return "; ".join(sentence(review) for review in reviews(differential, warn_share))
