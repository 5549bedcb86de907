"""A comparison for other programs. Values are in points of per cent, erythroblasts per 100 leukocytes; null: no answer.

`remarks` has a code of `sample.Code` for each line or sample that was not taken as it stands, with its sentence.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from .. import __version__
from ..plain_text import as_text
from ..results.wording import NOT_A_DEVICE
from .abnormal import Calls
from .comparison import ClassComparison, Comparison
from .counting import Share
from .regression import Line
from .sample import LEFT_OUT, Remark
from .wording import said

SCHEMA = "leuko-edge-compare/1"


def json_text(comparison: Comparison, remarks: Iterable[Remark]) -> str:
    """The whole document, the compared samples too."""
    document = {
        "schema": SCHEMA,
        "program": f"leuko-edge {__version__}",
        "notice": NOT_A_DEVICE,
        "samples": len(comparison.pairs.pairs),
        "classes": {one.label: _class(one) for one in comparison.classes},
        "any_abnormal": _calls(comparison.any_abnormal),
        "observers": {one.label: _class(one) for one in comparison.observers},
        "pairs": [
            {
                "sample": as_text(mine.name),
                "result": dict(mine.percent),
                "result_cells": mine.total,
                "reference": dict(theirs.percent),
                "reference_cells": theirs.total,
            }
            for mine, theirs in comparison.pairs.pairs
        ],
        "remarks": [
            {
                "code": remark.code.value,
                "left_out": remark.code in LEFT_OUT,
                "file": remark.where,
                "line": remark.line or None,
                "sentence": said(remark),
            }
            for remark in remarks
        ],
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _class(one: ClassComparison) -> dict[str, Any]:
    return {
        "n": one.n,
        "bland_altman": None if one.agreement is None else asdict(one.agreement),
        "passing_bablok": _line(one.passing_bablok),
        "linearity": None if one.linearity is None else {**asdict(one.linearity), "linear": one.linearity.linear},
        "deming": None if one.deming is None else {**asdict(one.deming), "error_ratio": one.error_ratio},
        "pearson": one.pearson,
        "spearman": one.spearman,
        "within_counting_error": None if one.band is None else _share(one.band),
        "exact_intervals_overlap": None if one.overlap is None else _share(one.overlap),
        "abnormal": None if one.calls is None else _calls(one.calls),
    }


def _line(line: Line | None) -> dict[str, Any] | None:
    return None if line is None else {**asdict(line), "identity": line.identity}


def _calls(calls: Calls) -> dict[str, Any]:
    return {
        **asdict(calls),
        "sensitivity": _share(calls.sensitivity),
        "specificity": _share(calls.specificity),
        "kappa": calls.kappa.value,
        "kappa_ci95": calls.kappa.ci95,
    }


def _share(share: Share) -> dict[str, Any]:
    return {"k": share.k, "n": share.n, "value": share.value, "ci95": share.ci95}
