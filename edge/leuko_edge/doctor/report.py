"""The findings as a table for a person, group by group as they come, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .. import __version__
from ..plain_text import printable
from .finding import BAD, GOOD, SKIPPED, WARNING, Finding

SCHEMA = "leuko-edge-doctor/1"
_MARKS = {
    GOOD: Text("good", style="green"),
    WARNING: Text("warning", style="yellow"),
    BAD: Text("BAD", style="bold red"),
    SKIPPED: Text("–", style="dim"),
}


def show(console: Console, group: str, findings: Sequence[Finding]) -> None:
    """One group: its name, then a line for each finding with what to do beneath."""
    console.print(Text(group, style="bold"))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=9)
    table.add_column(overflow="fold")
    for finding in findings:
        style = "dim" if finding.state == SKIPPED else ""
        what = Text(f"{printable(finding.name)}: ").append(printable(finding.found), style=style)
        if finding.advice:
            what.append(f"\n→ {printable(finding.advice)}", style="italic")
        table.add_row(Text("  ") + _MARKS[finding.state], what)
    console.print(table)


def show_end(console: Console, findings: Sequence[Finding]) -> None:
    """The closing line."""
    n = tally(findings)
    words = f"{n[GOOD]} good, {n[WARNING]} warning{'s' * (n[WARNING] != 1)}, {n[BAD]} bad"
    if n[SKIPPED]:
        words += f" ({n[SKIPPED]} skipped)"
    console.print(Text(words, style="bold red" if n[BAD] else "bold yellow" if n[WARNING] else "bold green"))


def tally(findings: Sequence[Finding]) -> Counter[str]:
    return Counter(finding.state for finding in findings)


def listed(groups: Sequence[tuple[str, Sequence[Finding]]], at: float) -> dict[str, Any]:
    """The same for `--json`; `at` is seconds since the epoch, told in UTC."""
    n = tally([finding for _, findings in groups for finding in findings])
    return {
        "schema": SCHEMA,
        "program": f"leuko-edge {__version__}",
        "at": datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds"),
        "good": n[GOOD],
        "warnings": n[WARNING],
        "bad": n[BAD],
        "skipped": n[SKIPPED],
        "findings": [
            {
                "group": group,
                "name": printable(finding.name),
                "state": finding.state,
                "found": printable(finding.found),
                "advice": printable(finding.advice),
            }
            for group, findings in groups
            for finding in findings
        ],
    }
