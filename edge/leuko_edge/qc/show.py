"""A test and its charts on the terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..plain_text import printable
from ..results.wording import class_name
from ..store.quality import QualityRun
from . import words
from .chart import Chart, Point
from .control import Control
from .finding import Finding
from .measure import Measurement
from .watched import WATCHED

COLUMNS = 60  # newest points that a chart shows
_MARK = {True: ("●", "bold red"), False: ("•", "green")}
_OUT = {True: "▲", False: "▼"}


def show(
    console: Console, control: Control, seen: Measurement, charts: Sequence[Chart], findings: Sequence[Finding]
) -> None:
    """One test: each sign beside what it should be and what is usual, then what is wrong, then the verdict."""
    table = Table(box=None, padding=(0, 2, 0, 0), title=f"control {printable(control.name)}", title_justify="left")
    table.add_column("sign")
    for name in ("now", "when made", "usual here", "SD from it"):
        table.add_column(name, justify="right")
    wrong = {finding.sign: finding for finding in findings}
    by_sign = {chart.sign: chart for chart in charts}
    for sign in WATCHED:
        if sign in seen.signs:
            style = "" if sign not in wrong else "bold red" if wrong[sign].fails else "bold yellow"
            table.add_row(words.NAMES[sign], *_row(sign, control, seen, by_sign.get(sign)), style=style)
    console.print(table)
    if seen.known:
        console.print(f"{seen.found} of {seen.known} known cells found in {seen.pictures} pictures")
        other = {pair: n for pair, n in sorted(seen.named.items()) if pair[0] != pair[1]}
        if other:
            named = ", ".join(
                f"{n} {class_name(label)} as {class_name(called)}" for (label, called), n in other.items()
            )
            console.print(f"named otherwise: {named}", soft_wrap=True)
    for finding in findings:
        mark = Text("wrong: ", style="bold red") if finding.fails else Text("watch: ", style="bold yellow")
        console.print(mark + Text(words.finding(finding)), soft_wrap=True)
        console.print(Text(f"  → {words.cure(finding)}", style="italic"), soft_wrap=True)


def verdict(console: Console, passed: bool) -> None:
    if passed:
        console.print(Text("PASSED", style="bold green"))
        return
    console.print(Text("FAILED: mend what is wrong and test again before a patient's sample is counted", "bold red"))


def show_charts(console: Console, charts: Sequence[Chart]) -> None:
    """Levey and Jennings' charts, seven rows each: 3 standard deviations above to 3 below."""
    new = [words.NAMES[chart.sign] for chart in charts if chart.baseline is None]
    for chart in charts:
        usual, name = chart.baseline, words.NAMES[chart.sign]
        if usual is None:
            continue
        number = words.number(chart.sign, usual.mean)
        console.print(Text(f"{name}: {number} ± {words.number(chart.sign, usual.sd)}", style="bold"))
        points = [point for point in chart.points if point.z is not None][-COLUMNS:]
        for level in range(3, -4, -1):
            line = Text(f"{level:+d}s " if level else " x̄  ", style="dim")
            for point in points:
                line.append(*_sign_of(point, level))
            console.print(line)
        if points and points[-1].rules:
            console.print(Text(f"last: Westgard {', '.join(points[-1].rules)}", style="bold red"))
    if new:
        console.print(Text(f"{words.NOT_YET}: {', '.join(new)}", style="dim"), soft_wrap=True)


def show_runs(console: Console, runs: Sequence[QualityRun]) -> None:
    """All tests, oldest first."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("test", "when", "control", "by", "result", ""):
        table.add_column(name)
    for run in runs:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.at))
        codes = ", ".join(words.short(one) for one in run.findings)
        result = Text("passed", style="green") if run.passed else Text("FAILED", style="bold red")
        who = printable(run.operator) or "–"
        table.add_row(str(run.id), when, printable(run.control), who, result, Text(printable(codes), style="dim"))
    console.print(table)


def _row(sign: str, control: Control, seen: Measurement, chart: Chart | None) -> tuple[str, str, str, str]:
    expected = control.signs.get(sign)
    usual = chart.baseline if chart else None
    return (
        words.number(sign, seen.signs[sign]),
        "–" if expected is None else words.number(sign, expected),
        "–" if usual is None else f"{words.number(sign, usual.mean)} ± {words.number(sign, usual.sd)}",
        "–" if usual is None else f"{usual.z(seen.signs[sign]):+.1f}",
    )


def _sign_of(point: Point, level: int) -> tuple[str, str]:
    """What stands in a chart's row `level` for a point."""
    z = point.z or 0.0
    if level != max(-3, min(3, round(z))):
        return ("·" if level == 0 else " ", "dim")
    mark, style = _MARK[bool(point.rules)]
    return (mark if abs(z) <= 3.5 else _OUT[z > 0], style)
