"""Levey and Jennings' charts as one SVG, for the laboratory's file."""

from __future__ import annotations

import time
from collections.abc import Sequence
from xml.sax.saxutils import escape

from . import words
from .chart import Chart, Point

WIDTH, HEIGHT, LEFT, TOP = 760, 150, 150, 24  # of a chart and its margins, px
SD_PX = 18.0
COLUMNS = 100  # newest points
_COLOURS = {0: "#444", 1: "#9a9", 2: "#c90", 3: "#c33"}


def svg(charts: Sequence[Chart]) -> str:
    """Those that have something usual, one below the other; the oldest point to the left."""
    drawn = [chart for chart in charts if chart.baseline is not None]
    parts = [text for n, chart in enumerate(drawn) for text in _chart(chart, n * (HEIGHT + TOP) + TOP)]
    height = max(1, len(drawn)) * (HEIGHT + TOP) + TOP
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif"'
    none = [] if drawn else [f'<text x="20" y="40">{words.NOT_YET}</text>']
    return "\n".join([f'{head} font-size="11">', '<rect width="100%" height="100%" fill="white"/>', *none, *parts]) + (
        "\n</svg>\n"
    )


def _chart(chart: Chart, top: float) -> list[str]:
    usual = chart.baseline
    assert usual is not None
    middle = top + HEIGHT / 2
    title = f"{chart.control}: {words.NAMES[chart.sign]}"
    parts = [f'<text x="10" y="{top + 8:.0f}" font-weight="bold">{escape(title)}</text>']
    for sd in range(-3, 4):
        y = middle - sd * SD_PX
        dashes = "" if sd == 0 else ' stroke-dasharray="4 3"'
        line = f'<line x1="{LEFT}" x2="{WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}" stroke="{_COLOURS[abs(sd)]}"{dashes}/>'
        label = words.number(chart.sign, usual.mean + sd * usual.sd)
        parts += [line, f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{label}  {sd:+d}s</text>']
    points = [point for point in chart.points if point.z is not None][-COLUMNS:]
    step = (WIDTH - LEFT - 30) / max(COLUMNS / 2, len(points))
    places = [(LEFT + 10 + n * step, middle - max(-3.9, min(3.9, one.z or 0)) * SD_PX) for n, one in enumerate(points)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts.append(f'<polyline points="{path}" fill="none" stroke="#888"/>')
    parts += [_dot(point, place, chart.sign) for point, place in zip(points, places, strict=True)]
    return parts


def _dot(point: Point, place: tuple[float, float], sign: str) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(point.at))
    rules = f", Westgard {', '.join(point.rules)}" if point.rules else ""
    title = f"test {point.run}, {when}: {words.number(sign, point.value)} ({point.z or 0:+.1f} SD{rules})"
    colour = "#c33" if point.rules else "#276"
    return (
        f'<circle cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="3" fill="{colour}"><title>{escape(title)}</title></circle>'
    )
