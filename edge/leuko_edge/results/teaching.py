"""Teaching this laboratory's model with cells that a person named: what is offered, and what is told of it.

Whoever has signed a session is offered it; nothing is learnt before a person asks for it.
"""

from __future__ import annotations

import contextlib
import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import LeukoError
from ..session import FEWEST
from ..store.archive import Record


@dataclass(frozen=True)
class Taught:
    """What came of teaching the site of this name; `said` is how its reports name it, "" where nothing was written.

    `before`, `after`: cross-validated, as of `model.proof.measured`. `left_out`: a sentence for each cell or class that
    taught nothing.
    """

    name: str
    said: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    left_out: tuple[str, ...] = ()


def teachable(record: Record) -> int:
    """How many cells of a signed session can teach: those named, of classes with FEWEST of them; 0 for too few."""
    counts = Counter(cell.label for cell in record.named)
    enough = [n for n in counts.values() if n >= FEWEST]
    if record.info.simulated or record.summary.state != "signed" or len(enough) < 2:
        return 0
    return sum(enough)


def offer(record: Record, site: str, database: str) -> str:
    """How to teach `site` ("": none yet) with the cells that a person named in a signed session; "" for too few.

    `database`: where the session is, "" for the usual place. Nothing is learnt before a person gives the command.
    """
    cells = teachable(record)
    if not cells:
        return ""
    numbers = " ".join(map(str, with_earlier(site, record.summary.id)))
    command = f"leuko-edge enrol {shlex.quote(site) if site else 'SITE'} --session {numbers}"
    kept = f" --database {shlex.quote(database)}" if database else ""
    return f"teach this site with the {cells} cells you named: {command}{kept}"


def with_earlier(site: str, session: int) -> list[int]:
    """The session, and those that `site` was taught with before: what they taught is not to be forgotten."""
    from ..model import site as sites

    with contextlib.suppress(LeukoError):
        if site:
            return sorted({*sites.load(site).sessions, session})
    return [session]


def outcome(taught: Taught) -> list[str]:
    """Lines for a person: before and after, and whether it is used from now on."""
    ended = "Nothing is gained with these cells: the model stays as it ships, no site was written."
    if taught.said:
        ended = (
            f"{taught.said}; use it with --site {taught.name}, or the setting model.site; "
            "a running count takes it up at its next start"
        )
    return [proof("as shipped", taught.before), proof("taught", taught.after), ended]


def proof(name: str, found: Mapping[str, Any]) -> str:
    """The figures of `model.proof.measured` in one line."""
    low, high = found["balanced_accuracy_95"]
    recalls = ", ".join(f"{label.replace('_', ' ')} {value:.0%}" for label, value in found["recall"].items())
    return (
        f"{name}: {found['balanced_accuracy']:.1%} of the named cells right, each class alike "
        f"({low:.1%}–{high:.1%}, cross-validated): {recalls}; calibration error {found['ece']:.1f} %; "
        f"a normal differential would be {found['normal_bias']:+.1f} points off "
        f"({found['normal_bias_class'].replace('_', ' ')})"
    )
