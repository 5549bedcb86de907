"""A comparison on the screen. The console is injected."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..results.wording import NOT_A_DEVICE
from .abnormal import Calls
from .comparison import ClassComparison, Comparison
from .counting import Share
from .linearity import LIMIT, Linearity
from .regression import Line

NOTHING = "–"
_LINE_HEADINGS = ("P–B\nslope", "P–B\nintercept", "straight?\nCUSUM", "Deming\nslope", "Deming\nintercept")
_ADVICE = (
    "bias: leuko-edge minus the reference, in points of per cent (nRBC: per 100 leukocytes), with limits of agreement",
    "slope and intercept, with 95 % intervals: 1 and 0 where the methods agree; Deming's by the cells counted",
    f"CUSUM: Passing and Bablok's test of a straight line; at {LIMIT} and above it is none (5 %)",
    "Rümke: the share of samples whose counts differ by no more than counting alone explains (Fisher's exact test)",
)


def show(console: Console, comparison: Comparison) -> None:
    """Print the tables; what stands under them is not wrapped here."""
    count = len(comparison.pairs.pairs)
    console.print(_agreement(f"Agreement with the reference, {_samples(count)}", comparison.classes))
    console.print(_lines(comparison.classes))
    console.print(_abnormal(comparison))
    if comparison.observers:
        title = f"The two observers of the reference, {_samples(len(comparison.pairs.observers))} (2nd - 1st)"
        console.print(_agreement(title, comparison.observers))
    for line in _ADVICE:
        console.print(Text(line), soft_wrap=True)
    console.print(Text(NOT_A_DEVICE, style="bold"), soft_wrap=True)


def figures(one: ClassComparison) -> tuple[str, str, str, str]:
    """A class in four lines of text: its name, agreement, lines, and what is abnormal."""
    agreement, band, calls = one.agreement, one.band, one.calls
    bias = "bias: too few samples"
    if agreement:
        limits = _range((agreement.lower, agreement.upper))
        bias = f"bias {_signed(agreement.bias)} ({_range(agreement.bias_ci)}), limits of agreement {limits}"
    counting = NOTHING if band is None else _percent(band, True)
    if one.overlap:
        counting += f", exact intervals overlap {_percent(one.overlap, True)}"
    lines = [
        " / ".join(text.replace("\n", " (") + ")" for text in _line(of)) if of else NOTHING
        for of in (one.passing_bablok, one.deming)
    ]
    abnormal = said_of(calls) if calls else NOTHING
    return (
        f"{_name(one.label)}, {_samples(one.n)}",
        f"{bias}; r {_two(one.pearson)}, Spearman {_two(one.spearman)}; within counting alone {counting}",
        f"slope / intercept: Passing-Bablok {lines[0]}, {_linear(one.linearity)}; Deming {lines[1]}",
        f"abnormal: {abnormal}",
    )


def said_of(calls: Calls) -> str:
    """What two say is abnormal, in a line."""
    shares = f"sensitivity {_percent(calls.sensitivity, True)}, specificity {_percent(calls.specificity, True)}"
    low_high = "" if calls.kappa.ci95 is None else f" ({' to '.join(map(_two, calls.kappa.ci95))})"
    return f"{shares}, kappa {_two(calls.kappa.value)}{low_high}"


def _agreement(title: str, classes: Sequence[ClassComparison]) -> Table:
    table = _table(title, "class", "n", "bias", "95 %", "limits", "r", "ρ", "Rümke")
    for one in classes:
        agreement = one.agreement
        said = [NOTHING] * 3
        if agreement:
            said = [_signed(agreement.bias), _range(agreement.bias_ci), _range((agreement.lower, agreement.upper))]
        band = NOTHING if one.band is None else _percent(one.band)
        table.add_row(_name(one.label), str(one.n), *said, _two(one.pearson), _two(one.spearman), band)
    return table


def _lines(classes: Sequence[ClassComparison]) -> Table:
    table = _table("Lines through the samples", "class", *_LINE_HEADINGS)
    for one in classes:
        straight = _linear(one.linearity).replace(" (", "\n(")
        table.add_row(_name(one.label), *_line(one.passing_bablok), straight, *_line(one.deming))
    return table


def _abnormal(comparison: Comparison) -> Table:
    table = _table("Abnormal", "class", "both", "only\nours", "only\nref.", "sensitivity", "specificity", "κ")
    for one in comparison.classes:
        if one.calls:
            table.add_row(_name(one.label), *_calls(one.calls))
    table.add_row("any of them", *_calls(comparison.any_abnormal), style="bold")
    return table


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "class" else "right")
    return table


def _calls(calls: Calls) -> tuple[str, ...]:
    numbers = map(str, (calls.both, calls.method_only, calls.reference_only))
    return (*numbers, _percent(calls.sensitivity, True), _percent(calls.specificity, True), _two(calls.kappa.value))


def _linear(linearity: Linearity | None) -> str:
    if linearity is None:
        return NOTHING
    return f"{'straight' if linearity.linear else 'CURVED'} ({linearity.statistic:.2f})"


def _line(line: Line | None) -> tuple[str, str]:
    if line is None:
        return NOTHING, NOTHING
    low, high = line.slope_ci
    return f"{line.slope:.2f}\n{low:.2f} to {high:.2f}", f"{line.intercept:.1f}\n{_range(line.intercept_ci)}"


def _percent(share: Share, interval: bool = False) -> str:
    if share.value is None:
        return NOTHING
    low, high = share.ci95
    return f"{100 * share.value:.0f} %" + (f" ({100 * low:.0f}–{100 * high:.0f})" if interval else "")


def _name(label: str) -> str:
    return "nRBC" if label == "erythroblast" else label.replace("_", " ")


def _signed(value: float) -> str:
    return f"{value:+.1f}"


def _range(limits: tuple[float, float]) -> str:
    return f"{limits[0]:.1f} to {limits[1]:.1f}"


def _two(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"


def _samples(count: int) -> str:
    return f"{count} sample{'s' * (count != 1)}"
