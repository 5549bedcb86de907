"""The list of sessions, for a terminal and for other programs. The console is injected."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..plain_text import as_text, readable, table_text
from ..store.archive import Record, Summary
from ..types import LEUKOCYTES
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


CSV_COLUMNS = (
    *("id", "sample", "operator", "kind", "state", "started_at", "ended_at", "signed_by", "signed_at", "version"),
    *("source", "simulated", "counted"),
    *(f"{label}{what}" for label in LEUKOCYTES for what in ("", "_percent", "_low", "_high", "_flag")),
    *("erythroblast", "nrbc_per_100_wbc", "smudge", "unidentified", "platelet", "artefact"),
)


def csv_text(records: Iterable[Record]) -> str:
    """A row for each session: who, when, and its differential (counts, per cent, 95 % limits, flags); times are UTC."""
    rows = io.StringIO()
    writer = csv.DictWriter(rows, CSV_COLUMNS, lineterminator="\n", restval="")
    writer.writeheader()
    for record in records:
        writer.writerow(_row(record))
    return rows.getvalue()


def _row(record: Record) -> dict[str, Any]:
    summary, info, differential = record.summary, record.info, record.differential()
    row: dict[str, Any] = {
        "id": summary.id,
        "sample": table_text(info.sample),
        "operator": table_text(info.operator),
        "kind": info.kind,
        "state": summary.state,
        "started_at": utc(summary.started_at),
        "ended_at": utc(summary.ended_at),
        "signed_by": table_text(record.signed_by or "") if summary.state == "signed" else "",
        "signed_at": utc(record.signed_at) if summary.state == "signed" else "",
        "version": len(record.signatures) or "",
        "source": table_text(info.source),
        "simulated": "true" if info.simulated else "false",
        "counted": differential.counted,
        "erythroblast": differential.erythroblasts,
        "nrbc_per_100_wbc": _two(differential.nrbc_per_100_wbc),
        "smudge": differential.smudges,
        "unidentified": differential.unidentified,
        **differential.excluded,
    }
    for share in differential.classes:
        low, high = share.ci95
        row |= {share.label: share.count, f"{share.label}_percent": _two(share.percent)}
        row |= {f"{share.label}_low": _two(low), f"{share.label}_high": _two(high)}
        row[f"{share.label}_flag"] = share.flag or ""
    return row


def _two(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def listed(path: str, sessions: Sequence[Summary]) -> dict[str, Any]:
    """The same for `--json`; `cells` are the counted leukocytes, times are UTC."""
    return {
        "schema": SCHEMA,
        "database": as_text(path),
        "sessions": [
            {
                "id": summary.id,
                "state": summary.state,
                "started_at": utc(summary.started_at),
                "ended_at": utc(summary.ended_at),
                "sample": summary.info.sample,
                "operator": summary.info.operator,
                "notes": summary.info.notes,
                "source": as_text(summary.info.source),
                "simulated": summary.info.simulated,
                "cells": summary.cells,
            }
            for summary in sessions
        ],
    }
