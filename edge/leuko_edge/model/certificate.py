"""A model's certificate: what quantisation changed, as `leuko-check --certify` measured it on labelled cells.

It is of a pair, the float model and the quantized one, names both by their SHA-256, and stands in the cards of both.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

SCHEMA = "leuko-certificate/1"
SIDES = ("float", "quantized")
DECISIVE = ("classes", "leukocytes", "input_size", "window_um", "crop_version")
_SHA256 = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)


def decisive(values: Mapping[str, Any]) -> str:
    """SHA-256 of what of a card decides which cell gets which name, the same in the cards of both models."""
    return hashlib.sha256(json.dumps({name: values[name] for name in DECISIVE}, sort_keys=True).encode()).hexdigest()


def problem(certificate: Mapping[str, Any], sha256: str, classes: Sequence[str]) -> str | None:
    """What is wrong with the certificate of a model of `sha256` and `classes`, as the end of a sentence, or None."""
    if not certificate:
        return "it has no certificate"
    if certificate.get("schema") != SCHEMA:
        return "its certificate is not of this version"
    try:
        named = [str(certificate[side]["sha256"]).lower() for side in SIDES]
        complete = _complete(certificate, classes)
        order = list(certificate["by_class"])
        list(lines(certificate))  # what it cannot say to a person is not there, or is no number
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
        return "its certificate is incomplete"
    if order != list(classes):  # two names changed places in the card: confident nonsense
        return "its certificate is of classes in another order"
    if sha256.lower() not in named:
        return f"its certificate is of other models ({' and '.join(one[:12] + '…' for one in named)})"
    return None if complete else "its certificate is incomplete"


def _complete(certificate: Mapping[str, Any], classes: Sequence[str]) -> bool:
    rows = [certificate["by_class"][label] for label in classes]
    rows += [certificate["agreement"]]
    return (
        all(_is_interval(row["ci95"]) and int(row["agreed"]) <= int(row["cells"]) for row in rows)
        and all(row["bias_points"] is None or _is_interval(row["bias_ci95"]) for row in rows[:-1])
        and certificate["largest_shift"].keys() >= {"class", "points", "ci95"}
        and all(_SHA256.fullmatch(str(hashed)) for hashed in (certificate["data"]["sha256"],))
        and "commit" in certificate
    )


def _is_interval(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and value[0] <= value[1]


def lines(certificate: Mapping[str, Any]) -> Iterator[str]:
    """A certificate without `problem` for a person, a line each."""
    data, whole, shift = (certificate[name] for name in ("data", "agreement", "largest_shift"))
    for side in SIDES:
        yield f"{side}: {certificate[side]['name']}, SHA-256 {certificate[side]['sha256']}"
    yield f"data: {data['cells']} cells of {data['sources']} photographs, {data['name']}, SHA-256 {data['sha256']}"
    yield f"agreement {_share(whole)}"
    yield f"largest shift of the differential: {shift['class']} {_shift(shift['points'], shift['ci95'])}"
    for label, row in certificate["by_class"].items():
        bias = "" if row["bias_points"] is None else f", differential {_shift(row['bias_points'], row['bias_ci95'])}"
        yield f"  {label}: {_share(row)}{bias}"
    yield f"intervals: {certificate['intervals']}"
    changed = " with uncommitted changes" if certificate.get("dirty") else ""
    yield f"by {certificate['command']}, commit {certificate['commit'] or 'unknown'}{changed}"


def _share(row: Mapping[str, Any]) -> str:
    low, high = row["ci95"]
    share = "–" if row["share"] is None else f"{row['share']:.2%}"
    return f"{share} of {row['cells']} cells alike (95 % interval {low:.2%} to {high:.2%})"


def _shift(points: float, ci95: Sequence[float]) -> str:
    return f"{points:+.2f} points ({ci95[0]:+.2f} to {ci95[1]:+.2f})"
