"""What was asked for with --estimates: platelets, white cells and red cells of the fields, with what they are not."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from ..types import FieldEstimate

FIELD_MM2 = 0.038
"""A field of an eyepiece of field number 22 under a 100× objective: 0.22 mm across."""
PER_UL = 15_000
"""Platelets per µl for each one in such a field, where red cells just touch: the factor of the textbooks (Bain, Blood
Cells; laboratories find 10,000 to 20,000 for their microscopes)."""
FEWEST = 10  # red cells alone, of which a spread is said

LIMITS = (
    "estimates, not counts: only of thin fields where red cells just touch; photographs chosen for their white cells "
    "show too many of these; a clump of platelets counts as one"
)

CSV_COLUMNS = ("platelets", "platelet_clumps", "white_cells", "red_cell_um", "red_cell_cv_percent")


def field_figures(one: FieldEstimate) -> dict[str, Any]:
    """Of one picture, for other programs."""
    return {
        "platelets": one.platelets,
        "platelet_clumps": one.platelet_clumps,
        "white_cells": one.white_cells,
        "red_cells": one.red_cells,
        **_widths([one]),
        "area_mm2": round(one.area_mm2, 6),
    }


def csv_cells(one: FieldEstimate | None) -> list[Any]:
    """In the order of `CSV_COLUMNS`; empty of a picture that was not counted."""
    if one is None:
        return [""] * len(CSV_COLUMNS)
    figures = field_figures(one)
    return ["" if figures[name] is None else figures[name] for name in CSV_COLUMNS]


def figures(fields: Sequence[FieldEstimate]) -> dict[str, Any]:
    """Of all fields together; null for what cannot be said of so few."""
    count, area = len(fields), sum(one.area_mm2 for one in fields)
    platelets = sum(one.platelets for one in fields)
    return {
        "fields": count,
        "platelets_per_field": round(platelets / count, 2) if count else None,
        "platelet_clumps": sum(one.platelet_clumps for one in fields),
        "platelets_per_ul_rough": round(platelets / area * FIELD_MM2 * PER_UL, -4) if area else None,
        "white_cells_per_field": round(sum(one.white_cells for one in fields) / count, 2) if count else None,
        **_widths(fields),
        "limits": LIMITS,
    }


def _widths(fields: Sequence[FieldEstimate]) -> dict[str, Any]:
    """The spread is that within the fields, so that two scales are no spread."""
    enough = [one for one in fields if len(one.red_cell_um) >= 2]
    measured = sum(len(one.red_cell_um) for one in enough)
    mean = spread = None
    if measured >= FEWEST:
        share = [len(one.red_cell_um) / measured for one in enough]
        relative = [statistics.variance(one.red_cell_um) / statistics.fmean(one.red_cell_um) ** 2 for one in enough]
        spread = round(100 * sum(weight * value for weight, value in zip(share, relative, strict=True)) ** 0.5, 1)
        if all(one.width_known for one in enough):
            mean = round(statistics.fmean(wide for one in enough for wide in one.red_cell_um), 2)
    return {"red_cells_measured": measured, "red_cell_um": mean, "red_cell_cv_percent": spread}


def lines(fields: Sequence[FieldEstimate]) -> list[str]:
    """For the screen, below the table."""
    if not fields:
        return []
    found = figures(fields)
    clumps = found["platelet_clumps"]
    flagged = f", CLUMPS: {clumps}, the platelets are more" if clumps else ""
    rough = found["platelets_per_ul_rough"]
    said = [
        f"Platelets per field: {found['platelets_per_field']:.1f}, very roughly {rough:,.0f} per µl{flagged}",
        f"White cells per field: {found['white_cells_per_field']:.1f}",
    ]
    if found["red_cell_cv_percent"] is None:
        said.append(f"Red cells: {found['red_cells_measured']} lie alone, too few for a spread of their width")
    else:
        mean = found["red_cell_um"]
        wide = "" if mean is None else f"{mean:.1f} µm wide, "
        unknown = " (how wide they are only --um-per-px can tell)" if mean is None else ""
        said.append(
            f"Red cells: {wide}spread {found['red_cell_cv_percent']:.1f} % (standard deviation by mean) of "
            f"{found['red_cells_measured']} that lie alone{unknown}"
        )
    return [*said, f"These are {LIMITS}."]
