"""How classes, shares and confidences are written for people, the same on every screen, sheet and drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ..decision import ABSENT, Answer, Standing
from ..plain_text import readable

if TYPE_CHECKING:
    from ..mapping.overlap import Shared
    from ..types import Scale

NOT_A_DEVICE = "Not a medical device: for research and teaching, not for diagnosis."
SIMULATED = "SIMULATED: leuko-edge drew these cells itself; this is no patient's blood."

NOTHING = "–"


def whose(sample: str, operator: str, at: float) -> str:
    """Of which sample a result is, by whom and when (seconds since the epoch, told in local time)."""
    named = [f"{what} {readable(name) or 'not named'}" for what, name in (("Sample", sample), ("operator", operator))]
    return " · ".join([*named, datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M %Z")])


def class_name(label: str, short: bool = False) -> str:
    return label.replace("_", " ").replace("immature", "imm." if short else "immature")


def decided(standing: Standing) -> str:
    """How a decision stands: what is decided, or how many cells it still takes."""
    decision, name, counted = standing.decision, class_name(standing.decision.label), standing.counted
    more = "" if standing.more is None else f"count about {standing.more} more"
    if decision.above:
        limit = f"{decision.above:g} %"
        if standing.answer is not Answer.OPEN:
            return f"{name} decided: {standing.answer} {limit} ({standing.seen} of {counted})"
        open_still = "too near to say how many more" if counted else "nothing counted yet"
        return f"{name} above {limit}? {more or open_still} ({standing.seen} of {counted})"
    if standing.answer is Answer.ABOVE:
        return f"{name} decided: there are some ({standing.seen} of {counted})"
    rare = f"{100 * ABSENT:g} %"
    if standing.answer is Answer.BELOW:
        return f"{name} decided: below {rare} (none of {counted})"
    return f"{name} present? {more} to tell {rare} (none of {counted})"


def confidence(share: float) -> str:
    """A probability of 0 to 1 in whole per cent, rounded down: what is written as 100 is certain."""
    return str(math.floor(share * 100 + 1e-6))


def tenths(value: float | None) -> str:
    """A percentage or a ratio with one decimal; a dash where there is none."""
    return NOTHING if value is None else f"{value:.1f}"


def share_of(count: int, total: int) -> str:
    """`count` in per cent of `total` with one decimal; a dash where `total` is 0."""
    return tenths(100 * count / total if total else None)


def interval(limits: tuple[float, float]) -> str:
    return f"{limits[0]:.1f}–{limits[1]:.1f}"


def reference(limits: tuple[float, float] | None) -> str:
    return NOTHING if limits is None else f"{limits[0]:g}–{limits[1]:g}"


def overlap(shared: Shared) -> str:
    """Of a photograph that shows cells of an earlier one."""
    cells = "1 cell of it is" if shared.cells == 1 else f"{shared.cells} cells of it are"
    return f"it overlaps {shared.name}; {cells} counted there"


def guesses(scales: Sequence[Scale]) -> str:
    """Of a run's scales, "" where none is a guess."""
    own = [scale for scale in scales if scale.within is not None]
    if not own:
        return ""
    some = "1 picture is" if len(own) == 1 else f"{len(own)} pictures are"
    return f"the scale of {some} a guess{within(own)}, and what is no cell at the true one may count: give --um-per-px"


def within(scales: Sequence[Scale]) -> str:
    """How sure the least sure of them is, "" where none is a guess."""
    least = max((scale.within for scale in scales if scale.within is not None), default=None)
    return "" if least is None else f", right to within a factor of {least:g}"


def overlaps(photographs: int) -> str:
    """Of a whole run, "" where there was none."""
    if not photographs:
        return ""
    some = "1 photograph shows" if photographs == 1 else f"{photographs} photographs show"
    return f"{some} cells of an earlier one, which are counted once"
