"""Drift without a control: has this session left what is usual for the site?

Every session keeps the signs of its first fields (`vision.signs`). A sign has left the usual band when it lies more
than FAR robust standard deviations (median absolute deviation × 1.4826, Hampel 1974, J Am Stat Assoc 69:383) from the
median of the sessions before, and far enough for that to mean something.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from ..store.quality import Quality, SessionSigns
from ..vision.signs import medians
from .finding import Finding
from .measure import LEAST_CELLS
from .watched import UNIDENTIFIED, WATCHED

FEWEST, LAST = 20, 60
"""Sessions before, of the same kind and camera: with fewer nothing is said, of more the newest are taken."""
FAR = 4.0
ROBUST = 1.4826  # makes a normal sample's median absolute deviation its standard deviation


@dataclass(frozen=True)
class Drift:
    """How session `session` differs from the `before` ones of its kind; with fewer than FEWEST nothing is found. Each
    finding's `expected` is their median."""

    session: int
    before: int
    findings: tuple[Finding, ...] = ()


def newest(database: str, session: int | None = None) -> Drift | None:
    """Of the newest session, or of `session`; None where it has no signs. StoreError as of `Quality`."""
    sessions = Quality(database).sessions(3 * LAST, before=session)
    if not sessions or session not in (None, sessions[-1].session):
        return None
    return drift(sessions[-1], sessions[:-1])


def drift(last: SessionSigns, earlier: Sequence[SessionSigns]) -> Drift:
    """`earlier` are oldest first; those of another kind or camera say nothing."""
    like = [one for one in earlier if _alike(one, last)][-LAST:]
    now, before = _signs(last), [_signs(one) for one in like]
    found = []
    for sign, value in now.items():
        values = [one[sign] for one in before if sign in one]
        if sign not in WATCHED or len(values) < FEWEST:
            continue
        watched, usual = WATCHED[sign], median(values)
        spread = max(ROBUST * median(abs(one - usual) for one in values), watched.span(watched.least, usual))
        if sign == UNIDENTIFIED:
            spread = max(spread, _by_counting(usual, last.white))
        off = value - usual
        code = watched.high if off > 0 else watched.low
        if code is not None and abs(off) > FAR * spread and not watched.is_small(value, usual):
            found.append(Finding(code, sign, value, usual))
    return Drift(last.session, len(like), tuple(found))


def _alike(one: SessionSigns, other: SessionSigns) -> bool:
    """Photographs may come from anywhere; of a live session the source is the camera."""
    return one.kind == other.kind and (one.kind == "photographs" or one.source == other.source)


def _signs(session: SessionSigns) -> Mapping[str, float]:
    if session.white < LEAST_CELLS:
        return medians(session.fields)
    return {**medians(session.fields), UNIDENTIFIED: session.unidentified / session.white}


def _by_counting(share: float, cells: int) -> float:
    """Standard deviation of a share of so many cells: that chance alone makes."""
    share = min(max(share, 1 / cells), 1 - 1 / cells) if cells > 1 else 0.5
    return (share * (1 - share) / max(cells, 1)) ** 0.5
