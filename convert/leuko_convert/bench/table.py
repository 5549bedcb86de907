"""A bench as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from ..table import new_table
from .machine import INT8_DOT


def render(checked: dict[str, Any]) -> Group:
    """The machine, a table for each number of threads and batch, what was not measured and why."""
    return Group(*_parts(checked))


def _parts(checked: dict[str, Any]) -> Iterator[Table | Text]:
    machine = checked["machine"]
    yield Text(f"{machine['processor']}, {machine['cores']} cores, load {machine['load']:.1f}")
    dot = [name for name in machine["instructions"] if name in INT8_DOT]
    yield Text(f"int8 dot products: {', '.join(dot) or 'none, so int8 gains little over float here'}")
    for label, network in checked["networks"].items():
        yield Text(f"{label}: {network['name']}, {network['macs'] / 1e9:.3f} GMAC a cell")
    for (threads, batch), rows in groupby(checked["rows"], key=lambda row: (row["threads"], row["batch"])):
        yield _block(threads, batch, list(rows))
    yield Text(
        f"ms: milliseconds a cell, median, quartiles of {checked['rounds']} rounds in turn; CPU: processor time, which "
        "load hardly disturbs; RSS: peak memory, MB; times: how many times as long full float takes under LiteRT"
    )
    if checked["not_measured"]:
        yield _missing(checked["not_measured"])


def _block(threads: int, batch: int, rows: list[dict[str, Any]]) -> Table:
    title = f"{threads} thread{'s' * (threads > 1)}, {batch} cell{'s' * (batch > 1)} at once"
    table = new_table(title, "network", "runtime", "ms", "quartiles", "CPU", "GMAC/s", "MB", "RSS", "times", texts=2)
    for row in rows:
        ms, times, memory = row["ms_a_cell"], row["times_full_float"], row["peak_rss_mb"]
        table.add_row(
            f"{row['network']} {row['precision']}",
            row["runtime"],
            f"{ms['median']:.3g}",
            f"{ms['p25']:.3g}–{ms['p75']:.3g}",
            f"{row['cpu_ms_a_cell']['median']:.3g}",
            f"{row['gmac_s']:.0f}",
            f"{row['megabytes']:.1f}",
            "–" if memory is None else f"{memory:.0f}",
            "–" if times is None else f"{times['median']:.3g}",
        )
    return table


def _missing(rows: list[dict[str, Any]]) -> Table:
    """Each reason once, however many networks, threads and batches it kept away."""
    table = new_table("Not measured", "runtime", "network", "why", texts=3)
    reasons: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows:
        names = reasons.setdefault((row["runtime"], row["reason"]), {})
        names[f"{row['network']} {row['precision']}"] = None
    for (runtime, why), names in reasons.items():
        table.add_row(runtime, ", ".join(names), Text(why))
    return table
