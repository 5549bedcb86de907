"""What a field shows beside its white cells: platelets, red cells and how wide they are. Extras, never in the
differential."""

from __future__ import annotations

from collections.abc import Sequence

from ..types import Cell, FieldEstimate
from .field import Field
from .platelets import platelets
from .red_cells import red_cells


def estimate(seen: Field, white_cells: Sequence[Cell]) -> FieldEstimate:
    """Of the field whose white cells are these."""
    scale = seen.scale.um_per_px
    found, red = platelets(seen, white_cells), red_cells(seen)
    height, width = seen.bgr.shape[:2]
    return FieldEstimate(
        platelets=len(found.clumps),
        platelet_clumps=int(found.clumps.sum()),
        white_cells=len(white_cells),
        red_cells=len(red.alone),
        red_cell_um=tuple(float(wide) for wide in red.diameters[red.alone] * scale),
        width_known=seen.scale.origin == "given",
        area_mm2=float(seen.valid.mean()) * height * width * scale**2 / 1e6,
    )
