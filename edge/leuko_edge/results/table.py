"""The differential as a table for a terminal. The console is injected, so it can be tested without one."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..model import certificate
from ..model.card import ModelCard
from ..plain_text import printable
from ..tally import Differential, Fields, Share
from ..types import Scale
from . import wording
from .wording import NOT_A_DEVICE, SIMULATED, within

FLAG_STYLES = {"low": "bold red", "high": "bold red", "low?": "yellow", "high?": "yellow", "normal": "green"}
_ORIGINS = {
    "given": "given (--um-per-px, or count.um_per_px of the configuration)",
    "red cells": "measured from red cells",
    "pooled": "taken from the other pictures of their size",
    "assumed": "ASSUMED from the cells' own size, a guess{}: give --um-per-px",
}


def show(
    console: Console,
    differential: Differential,
    fields: Fields,
    truth: Mapping[str, int] | None = None,
    warning: str = "",
    left_out: int = 0,
    method: str = "",
    whose: str = "",
    told: Sequence[str] = (),
) -> None:
    """Print the table and what stands beside it.

    `truth`, the counts of a simulated slide, adds two columns; `warning` is a sentence that a reader must not miss;
    `left_out` is how many pictures and paths were named and not counted; `method` names a model that is not the shipped
    one as it is; `whose` is sample, operator and time (`wording.whose`); `told` are sentences of what the count was to
    tell. What stands under the table is never wrapped here: a terminal does that, and a pipe needs whole lines.
    """
    simulated = truth is not None
    if simulated:
        console.print(Text(SIMULATED, style="bold yellow"))
    if whose:
        console.print(Text(whose), soft_wrap=True)
    console.print(_table(differential, truth, console.width))
    lines = [Text(line) for line in notes(differential, fields)]
    lines += [Text(sentence) for sentence in told]
    if truth is not None:
        lines.append(Text(_beside(truth, differential)))
    if left_out:
        lines.append(Text(f"LEFT OUT: {left_out} of what was named, see the lines before", style="bold yellow"))
    if method:
        console.print(Text(f"Method: {method}"), soft_wrap=True)
    if warning:
        lines.append(Text(f"Warning: {warning}.", style="bold yellow"))
    for text in [*lines, Text(NOT_A_DEVICE, style="bold")]:
        console.print(text, soft_wrap=True)


def _table(differential: Differential, truth: Mapping[str, int] | None, width: int = 80) -> Table:
    """Narrow terminals lose the reference and, below that, the words of the class are broken: never a number."""
    narrow, tight = width < (80 if truth is not None else 66), width < (64 if truth is not None else 52)
    title = f"White-cell differential, {_number(differential.counted, 'cell')} counted"
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    table.add_column("class", no_wrap=not tight, max_width=11 if tight else None)
    if truth is not None:
        table.add_column("true", justify="right", style="cyan", no_wrap=True)
        if not tight:
            table.add_column("true\n%", justify="right", style="cyan", no_wrap=True)
    for heading in ("n" if tight else "count", "%", "95 %\ninterval", *(() if narrow else ("reference",))):
        table.add_column(heading, justify="right", no_wrap=True)
    flagged = not (tight and truth is not None)
    if flagged:
        table.add_column("flag", no_wrap=True)
    true_total = sum(truth.get(share.label, 0) for share in differential.classes) if truth is not None else 0
    for share in differential.classes:
        cells: list[str | Text] = [wording.class_name(share.label)]
        if truth is not None:
            true = truth.get(share.label, 0)
            cells += [str(true)] if tight else [str(true), wording.share_of(true, true_total)]
        count, percent, interval, reference, flag = _share(share)
        if tight and share.flag == "normal":
            flag = ""
        cells += [count, percent, interval]
        cells += [] if narrow else [reference]
        table.add_row(*cells, *([flag] if flagged else []))
    return table


def _share(share: Share) -> list[str | Text]:
    return [
        str(share.count),
        wording.tenths(share.percent),
        wording.interval(share.ci95),
        wording.reference(share.reference),
        Text(share.flag or wording.NOTHING, style=FLAG_STYLES.get(share.flag or "", "")),
    ]


def notes(differential: Differential, fields: Fields) -> list[str]:
    """The lines below the table: what is not in the denominator, the fields, and the scale and how it is
    known."""
    ratio = wording.tenths(differential.nrbc_per_100_wbc)
    excluded = ", ".join(_number(count, label) for label, count in differential.excluded.items())
    skipped = ", ".join(f"{count} {reason}" for reason, count in fields.skipped.items() if count)
    counted = f"Fields: {fields.counted} of {fields.captured} counted" + (f" ({skipped})" if skipped else "")
    return [
        f"nRBC per 100 WBC: {ratio} ({_number(differential.erythroblasts, 'erythroblast')})",
        *_smudges(differential),
        f"Unidentified: {differential.unidentified} (not in the denominator)",
        f"Excluded: {excluded}",
        counted,
        *scale_lines(fields.scales),
    ]


def _smudges(differential: Differential) -> list[str]:
    """A line where there are any: a model that does not know smudge cells finds none, which says nothing."""
    if not differential.smudges:
        return []
    ratio = wording.tenths(differential.smudges_per_100_wbc)
    return [f"Smudge cells per 100 WBC: {ratio} ({differential.smudges})"]


def scale_lines(scales: Sequence[Scale]) -> list[str]:
    """Median and range of µm per pixel for each way in which it was found."""
    lines = []
    for origin, how in _ORIGINS.items():
        own = [scale for scale in scales if scale.origin == origin]
        found = [scale.um_per_px for scale in own]
        if found:
            low, high = f"{min(found):.3g}", f"{max(found):.3g}"
            spread = f" ({low} to {high})" if low != high else ""
            middle = statistics.median(found)
            lines.append(
                f"Scale: {middle:.3g} µm per pixel{spread}, {how.format(within(own))}; {_number(len(found), 'field')}"
            )
    return lines


def _beside(truth: Mapping[str, int], differential: Differential) -> str:
    rows = {share.label for share in differential.classes}
    found = {"erythroblast": differential.erythroblasts, "smudge": differential.smudges, **differential.excluded}
    drawn = [
        f"{label} {count} (listed as such: {found.get(label, 0)})"
        for label, count in truth.items()
        if count and label not in rows
    ]
    return "Drawn beside the leukocytes: " + (", ".join(drawn) or "nothing")


def describe(card: ModelCard) -> str:
    """The model card for a person who asks --version --verbose: what the model is and what was certified of
    it."""
    lines = [
        f"model {card.name} ({card.file}), SHA-256 {card.sha256}",
        f"network: {card.network}; {card.quantization}",
        f"classes: {', '.join(card.classes)}",
        f"input: {card.input_size}×{card.input_size} pixels, {card.window_um:g} µm along a side",
        f"unidentified below a confidence of {card.confidence_threshold:g}{_far(card)}; "
        f"temperature {card.temperature:g}",
        f"warns where more than {card.warn_share:.1%} of the white cells are unidentified",
    ]
    stated = {"training": _tree(card.training), "certificate": _certified(card), "licences": _tree(card.licences)}
    for title, tree in stated.items():
        lines += [f"{title}:", *(tree or ["  none recorded"])]
    return "\n".join(map(printable, [*lines, NOT_A_DEVICE]))  # a card is somebody else's text


def _far(card: ModelCard) -> str:
    if card.distance_threshold is None:
        return ""
    return f", or farther than {card.distance_threshold:g} from the known cells (1: a usual cell)"


def _certified(card: ModelCard) -> list[str]:
    if certificate.problem(card.certificate, card.sha256, card.classes):
        return _tree(card.certificate)  # a card that was not verified: as it stands
    return [f"  {line}" for line in certificate.lines(card.certificate)]


def _tree(entries: Mapping[str, Any], indent: int = 1) -> list[str]:
    """Nested JSON as indented lines."""
    lines = []
    for name, value in entries.items():
        if isinstance(value, Mapping):
            lines += [f"{'  ' * indent}{name}:", *_tree(value, indent + 1)]
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            lines.append(f"{'  ' * indent}{name}: {text}")
    return lines


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")
