"""The differential as the house's fixed JSON fields: of photographs, sessions, the service's status and the pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..decision import Standing
from ..tally import Differential

SCHEMA = "leuko-edge/1"


def differential_fields(differential: Differential) -> dict[str, Any]:
    """`differential`; per cent to two places, null for what cannot be said of no cells."""
    return {
        "counted": differential.counted,
        "classes": {
            share.label: {
                "count": share.count,
                "percent": _rounded(share.percent),
                "ci95": [_rounded(limit) for limit in share.ci95],
                "reference": None if share.reference is None else list(share.reference),
                "flag": share.flag,
            }
            for share in differential.classes
        },
        "nrbc_per_100_wbc": _rounded(differential.nrbc_per_100_wbc),
        "unidentified": differential.unidentified,
        "excluded": dict(differential.excluded),
        "smudges_per_100_wbc": _rounded(differential.smudges_per_100_wbc),
        "abnormal": differential.abnormal,
    }


def decision_fields(standings: Iterable[Standing]) -> list[dict[str, Any]]:
    """What a count was to tell: "class", "above" (per cent; 0: is there any), "answer" ("above", "below" or "open"),
    "count" of the class, "of" so many leukocytes, and how many "more" it would take (null: none, or no count tells)."""
    return [
        {
            "class": one.decision.label,
            "above": one.decision.above,
            "answer": str(one.answer),
            "count": one.seen,
            "of": one.counted,
            "more": one.more,
        }
        for one in standings
    ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
