"""Cells and photographs as the pages show them, and the outlines that lie on them."""

from __future__ import annotations

from typing import Any

from ..store.archive import Archive, Record


def outlines(archive: Archive, record: Record, area: int) -> dict[int, list[list[int]]]:
    """Of the standing cells of one photograph or area, in its coordinates; a box where no outline was stored."""
    contours = archive.contours(record.summary.id, area)
    found = {}
    for cell in record.standing:
        if cell.area != area:
            continue
        left, top, width, height = cell.box
        corners = [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]
        points: Any = contours.get(cell.id, corners)
        # A live cell's outline lies in its own frame, its place on the map of the area.
        dx, dy = (0, 0) if record.pictures else (round(cell.x - left - width / 2), round(cell.y - top - height / 2))
        found[cell.id] = [[x + dx, y + dy] for x, y in points]
    return found
