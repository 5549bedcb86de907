"""The list of sessions, for a terminal and for other programs. The console is injected."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..store.archive import Summary
from .report import readable
from .session_report import utc

SCHEMA = "leuko-edge-sessions/1"
_STATES = {
    "open": Text("open (--resume)", style="yellow"),
    "closed": Text("not signed"),
    "signed": Text("signed", style="green"),
}


def show(console: Console, path: str, sessions: Sequence[Summary]) -> None:
    """Print a table, newest last; a sentence where there are none."""
    if not sessions:
        console.print(Text(f"No session has been counted yet ({readable(path)})."), soft_wrap=True)
        return
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for heading, right in (("id", True), ("started", False), ("sample", False), ("operator", False), ("cells", True)):
        table.add_column(heading, justify="right" if right else "left", no_wrap=heading in ("id", "cells"))
    table.add_column("state")
    table.add_column("source", overflow="fold")
    for summary in sessions:
        info = summary.info
        source = Text(readable(info.source) or "–")
        if info.simulated:
            source = Text("SIMULATED ", style="bold yellow").append(source)
        started = datetime.fromtimestamp(summary.started_at).strftime("%Y-%m-%d %H:%M")
        who = (Text(readable(info.sample) or "–"), Text(readable(info.operator) or "–"))
        table.add_row(str(summary.id), started, *who, str(summary.cells), _STATES[summary.state], source)
    console.print(table)


def listed(path: str, sessions: Sequence[Summary]) -> dict[str, Any]:
    """The same for `--json`; `cells` are the counted leukocytes, times are UTC."""
    return {
        "schema": SCHEMA,
        "database": readable(path),
        "sessions": [
            {
                "id": summary.id,
                "state": summary.state,
                "started_at": utc(summary.started_at),
                "ended_at": utc(summary.ended_at),
                "sample": summary.info.sample,
                "operator": summary.info.operator,
                "notes": summary.info.notes,
                "source": readable(summary.info.source),
                "simulated": summary.info.simulated,
                "cells": summary.cells,
            }
            for summary in sessions
        ],
    }
