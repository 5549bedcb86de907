"""A test as JSON for other programs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ..plain_text import as_text
from ..store.quality import QualityRun
from . import words
from .chart import Chart
from .control import Control
from .finding import Finding, as_json
from .measure import Measurement

SCHEMA = "leuko-edge-qc/1"


def json_text(
    run: QualityRun, control: Control, seen: Measurement, charts: Sequence[Chart], findings: Sequence[Finding]
) -> str:
    """`signs` as measured, `known` as when the control was made, `usual` as mean and SD here; what is wrong with its
    words."""
    usual = {chart.sign: [chart.baseline.mean, chart.baseline.sd] for chart in charts if chart.baseline}
    document = {
        "schema": SCHEMA,
        "test": run.id,
        "at": run.at,
        "control": {"name": as_text(run.control), "sha256": run.control_sha256, "drawn": run.drawn},
        "model": {"name": run.model_name, "sha256": run.model_sha256},
        "source": as_text(run.source),
        "passed": run.passed,
        "signs": dict(run.signs),
        "known": dict(control.signs),
        "usual": usual,
        "cells": {"known": seen.known, "found": seen.found, "counts": dict(run.counts)},
        "named": [{"known": label, "called": called, "cells": n} for (label, called), n in sorted(seen.named.items())],
        "lost": [{"picture": as_text(name), "why": why} for name, why in seen.lost],
        "findings": [
            {**as_json(one), "fails": one.fails, "said": words.finding(one), "cure": words.cure(one)}
            for one in findings
        ],
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"
