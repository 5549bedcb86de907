"""A check as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from leuko_edge.results.wording import class_name, tenths


def render(checked: dict[str, Any]) -> Group:
    """Tables of `certificate.result`: both models, class by class, what changed, and the worst disagreements."""
    return Group(*_parts(checked))


def _parts(checked: dict[str, Any]) -> Iterator[Table | Text]:
    yield _models(checked)
    yield _classes(checked)
    yield _changes(checked)
    low, high = checked["agreement"]["ci95"]
    yield Text(
        f"agreement {checked['agreement']['share']:.2%} (95 % interval {low:.2%} to {high:.2%}) of "
        f"{checked['agreement']['cells']} cells; {checked['agreement_as_shown']:.2%} with unidentified as a label; "
        f"loss {checked['loss_points']:+.2f} points"
    )
    shift = checked["largest_shift"]
    yield Text(
        f"largest shift of the differential: {shift['class'].replace('_', ' ')} {shift['points']:+.2f} points "
        f"(95 % interval {_span(shift['ci95'])})"
    )
    if (off := checked["normal_differential"]) is not None:
        low, high = off["largest_ci95"]
        yield Text(
            f"a normal differential (57/31/7/4/1) would be off by {off['points']:+.1f} points in "
            f"{off['class'].replace('_', ' ')} (95 % interval of the largest {low:.1f} to {high:.1f})"
        )
    if missed := checked["data"]["missed"]:
        name, reason = missed[0]
        yield Text(f"{len(missed)} left out, the first: {name}: {reason}", style="yellow")
    if checked["disagreements"]:
        yield _disagreements(checked)


def new_table(title: str, *headings: str, texts: int = 1) -> Table:
    """The first `texts` columns are words, the others numbers. Narrow, for terminals of 80 columns."""
    table = Table(title=Text(title), title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for number, heading in enumerate(headings):
        words = number < texts
        table.add_column(heading, justify="left" if words else "right", no_wrap=not words, overflow="fold")
    return table


def _models(checked: dict[str, Any]) -> Table:
    title = f"{checked['data']['cells']} cells of {checked['data']['name']}"
    table = new_table(title, "model", "accuracy", "balanced", "unidentified", "ms a cell", "MB")
    for side in (checked["float"], checked["quantized"]):
        table.add_row(
            side["name"],
            f"{side['accuracy']:.2%}",
            f"{side['balanced_accuracy']:.2%}",
            f"{side['unidentified']:.2%}",
            f"{side['ms_per_cell']:.1f}",
            f"{side['megabytes']:.1f}",
        )
    table.caption = f"one cell at a time, median, {checked['threads']} threads"
    return table


def _classes(checked: dict[str, Any]) -> Table:
    table = new_table(
        "Class by class: float/quantized, per cent",
        *("class", "cells", "precision", "recall", "F1"),
    )
    for label in checked["by_class"]:
        rows = [checked[side]["per_class"][label] for side in ("float", "quantized")]
        pairs = ("/".join(_percent(row[key]) for row in rows) for key in ("precision", "recall", "f1"))
        table.add_row(class_name(label), str(rows[0]["cells"]), *pairs)
    return table


def _changes(checked: dict[str, Any]) -> Table:
    table = new_table("What quantisation changes", "class", "cells", "agree", "95 %", "shift", "95 %")
    for label, row in checked["by_class"].items():
        low, high = row["ci95"]
        interval = f"{100 * low:.1f} to {100 * high:.1f}" if row["cells"] else "–"
        shift = ["–", "–"] if row["bias_points"] is None else [f"{row['bias_points']:+.2f}", _span(row["bias_ci95"])]
        table.add_row(class_name(label), str(row["cells"]), _percent(row["share"]), interval, *shift)
    table.caption = f"of float's cells; shift of the differential; {checked['data']['sources']} photographs"
    return table


def _disagreements(checked: dict[str, Any]) -> Table:
    table = new_table("Surest disagreements", "file", "truth", "float", "quantized", texts=4)
    for row in checked["disagreements"]:
        table.add_row(
            Text(row["file"]),
            class_name(row["truth"]),
            f"{class_name(row['float'])} {row['float_confidence']:.2f}",
            f"{class_name(row['quantized'])} {row['quantized_confidence']:.2f}",
        )
    return table


def _percent(share: float | None) -> str:
    return tenths(None if share is None else 100 * share)


def _span(interval: list[float]) -> str:
    return f"{interval[0]:+.2f} to {interval[1]:+.2f}"
