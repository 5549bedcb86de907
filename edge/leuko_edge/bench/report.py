"""What was measured, as JSON values and as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..doctor import board

if TYPE_CHECKING:
    from .cells import CellTime
    from .live import LiveTime
    from .photos import PhotoTime

SCHEMA = "leuko-edge-bench/1"
BUSY = 0.25  # of the cores: with more running beside, the figures are not this board's


def listed(
    about: Mapping[str, Any], cells: Sequence[CellTime], live: LiveTime, photos: Sequence[PhotoTime]
) -> dict[str, Any]:
    """Times are milliseconds, `ms` a median with its 10th and 90th percentile and the number of runs."""
    return {
        "schema": SCHEMA,
        **about,
        "cells": [{"threads": way.threads, "batch": way.batch, "ms": way.ms.as_json()} for way in cells],
        "live": {
            "frames_per_second": round(live.per_second, 2),
            "ms": live.frame.as_json(),
            "frames": live.frames,
            "counted": live.counted,
            "skipped": live.skipped,
            "cells": live.cells,
            "tours": live.tours,
            "stages": {
                name: {"ms": each.as_json(), "ms_a_frame": round(mean, 3)} for name, (each, mean) in live.stages.items()
            },
            "decoding_ms": live.decoding.as_json(),
            "peak_rss_mb": round(live.peak_rss_mb, 1),
        },
        "photographs": [
            {
                "size": list(photo.size),
                "white_cells": photo.found,
                "ms": photo.whole.as_json(),
                "stages": {name: taken.as_json() for name, taken in photo.stages.items()},
            }
            for photo in photos
        ],
    }


def show(console: Console, found: Mapping[str, Any]) -> None:
    """The same as tables; `found` is what `listed` gives."""
    for line in heading(found):
        console.print(Text(line), soft_wrap=True)
    for title, table in (
        ("The network, ms a cell", _cells(found["cells"])),
        (_live_title(found), _live(found["live"])),
        ("A photograph with two white cells, ms", _photos(found["photographs"])),
    ):
        console.print(Text(f"\n{title}", style="bold"), soft_wrap=True)
        console.print(table)
    console.print(Text("Medians; in brackets the 10th and 90th percentile. The cells are drawn.", style="dim"))


def heading(found: Mapping[str, Any]) -> list[str]:
    """What was measured on, and why the figures may be too slow."""
    governor = f", governor {found['governor']}" if found["governor"] else ""
    lines = [
        f"{found['board']}: {found['cores']} cores ({found['machine']}){governor}",
        f"{found['system']}, kernel {found['kernel']}",
        f"{found['program']}, {found['runtime']}, OpenCV {found['opencv']}, NumPy {found['numpy']}, "
        f"Python {found['python']}",
        f"model {found['model']['name']}, SHA-256 {found['model']['sha256'][:12]}…",
    ]
    if found["celsius_after"] is not None:
        before = f"{found['celsius_before']:.0f} °C before, " if found["celsius_before"] is not None else ""
        lines.append(f"{before}{found['celsius_after']:.0f} °C after")
    if bits := found["throttled"]:
        words = ", ".join(words for bit, (words, _) in board.THROTTLED.items() if bits >> bit & 1)
        lines.append(f"HELD BACK by the board: {words}; the figures are too slow")
    busy, cores = found["busy_before"], found["cores"]
    if busy > BUSY * cores:
        lines.append(f"OTHER PROGRAMS were running ({busy:g} on {cores} cores): the figures are too slow")
    return lines


def _live_title(found: Mapping[str, Any]) -> str:
    live = found["live"]
    return (
        f"Live counting at 1280×960 with {found['threads']} threads: {live['frames_per_second']:.1f} frames a second, "
        f"the display not drawn"
    )


def _cells(cells: Sequence[Mapping[str, Any]]) -> Table:
    batches = sorted({way["batch"] for way in cells})
    table = _table("threads", *(f"{batch} at once" for batch in batches))
    for threads in sorted({way["threads"] for way in cells}):
        times = {way["batch"]: way["ms"] for way in cells if way["threads"] == threads}
        table.add_row(str(threads), *(_words(times[batch]) for batch in batches))
    return table


def _live(live: Mapping[str, Any]) -> Table:
    table = _table("stage", "ms each time", "times", "ms a frame")
    for name, stage in live["stages"].items():
        table.add_row(name, _words(stage["ms"]), str(stage["ms"]["runs"]), f"{stage['ms_a_frame']:.1f}")
    table.add_row("a whole frame", _words(live["ms"]), str(live["frames"]), f"{1000 / live['frames_per_second']:.1f}")
    decoding = live["decoding_ms"]
    table.add_row("beside it: decoding a JPEG", _words(decoding), str(decoding["runs"]), "")
    skipped = sum(live["skipped"].values())
    table.caption = (
        f"{live['frames']} frames, {live['counted']} looked at for cells, {skipped} skipped; {live['cells']} cells "
        f"stored in {live['tours']} sessions; peak memory {live['peak_rss_mb']:.0f} MB"
    )
    return table


def _photos(photos: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("stage", *(f"{width}×{height}" for width, height in (photo["size"] for photo in photos)))
    for name in photos[0]["stages"]:
        table.add_row(name, *(_words(photo["stages"][name]) if name in photo["stages"] else "–" for photo in photos))
    table.add_row("from file to result", *(_words(photo["ms"]) for photo in photos))
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, caption_justify="left")
    table.add_column(first)
    for heading in others:
        table.add_column(heading, justify="right")
    return table


def _words(ms: Mapping[str, Any]) -> str:
    return f"{ms['median']:.1f} ({ms['p10']:.1f}–{ms['p90']:.1f})"
