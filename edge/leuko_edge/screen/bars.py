"""The differential as rows for a terminal, each with its 95 % interval drawn as a bar from 0 to 100 %."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import groupby

from rich.text import Text

from ..results import wording
from ..results.table import FLAG_STYLES
from ..results.wording import NOTHING, class_name, interval, share_of, tenths
from ..tally import Differential, Share

ESTIMATE, INTERVAL, REFERENCE, BOTH = "◆", "─", "░", "═"
LEGEND = f"bars: {ESTIMATE} per cent, {INTERVAL} 95 % interval, {REFERENCE} reference range, {BOTH} interval within it"
LEAST_BAR = 10  # characters


def rows(
    differential: Differential, width: int, keys: Mapping[str, str], truth: Mapping[str, int] | None = None
) -> list[Text]:
    """A heading and one line per class, `width` characters each. `keys` are the classes' keys; `truth`, the counts of
    a simulated slide, adds a column where there is room."""
    full, reference = width >= 96, width >= 76
    true = truth if width >= 76 else None
    name = 21 if full else 16
    bar = max(LEAST_BAR, width - (40 + name + (7 if true else 0) - (0 if reference else 8)))
    heading = f"  {'class':<{name}}{'count':>5}{'%':>6}" + (f"{'true %':>7}" if true else "")
    heading += f"{'95 %':>11} {_ruler(bar)}" + (f"{'ref.':>8}" if reference else "") + " flag"
    lines = [Text(heading, style="bold")]
    total = sum(true.get(share.label, 0) for share in differential.classes) if true else 0
    for share in differential.present:
        percent = tenths(share.percent)
        name_of = class_name(share.label, not full)
        line = Text(f"{keys.get(share.label, ' ')} {name_of:<{name}}{share.count:>5}{percent:>6}")
        if true:
            line.append(f"{share_of(true.get(share.label, 0), total):>7}", "cyan")
        line.append(f"{_limits(share):>11} ")
        line.append_text(interval_bar(share, bar))
        if reference:
            line.append(f"{wording.reference(share.reference):>8}")
        line.append(f" {share.flag or NOTHING}", FLAG_STYLES.get(share.flag or "", ""))
        lines.append(line)
    return lines


def interval_bar(share: Share, width: int) -> Text:
    """`width` characters from 0 to 100 %: the reference range shaded, the interval a line, the estimate a diamond.

    Nothing but the range is drawn before anything is counted. A range or an interval covers every character that it
    touches, so the narrow ones stay visible.
    """
    signs = [" "] * width
    if share.reference is not None:
        for at in _covered(share.reference, width):
            signs[at] = REFERENCE
    if share.percent is not None:
        for at in _covered(share.ci95, width):
            signs[at] = BOTH if signs[at] == REFERENCE else INTERVAL
        signs[_at(share.percent, width)] = ESTIMATE
    bar, style = Text(), FLAG_STYLES.get(share.flag or "", "")
    for sign, run in groupby(signs):
        bar.append("".join(run), "dim" if sign == REFERENCE else style)
    return bar


def _covered(limits: tuple[float, float], width: int) -> range:
    first = _at(limits[0], width)
    return range(first, max(first + 1, min(width, math.ceil(limits[1] * width / 100 - 1e-9))))


def _at(percent: float, width: int) -> int:
    return min(width - 1, int(percent * width / 100))


def _ruler(width: int) -> str:
    marks = [" "] * width
    for percent in (0, 50, 100) if width < 40 else (0, 25, 50, 75, 100):
        text = str(percent)
        at = min(width - len(text), int(percent * width / 100))
        marks[at : at + len(text)] = text
    return "".join(marks)


def _limits(share: Share) -> str:
    return NOTHING if share.percent is None else interval(share.ci95)
