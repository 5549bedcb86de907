"""A control made of photographs that a person has reviewed: their cells, as signed, are what is known of it."""

from __future__ import annotations

import os

from ..errors import UsageError
from ..store.archive import Archive
from ..types import CLASSES, EXCLUDED
from .control import KnownCell


def known_cells(database: str, session: int, folder: str) -> tuple[KnownCell, ...]:
    """Of a signed session of the photographs in `folder`; UsageError where it is not that, or holds none of them.

    Unidentified cells, platelets and artefacts are not asked for again.
    """
    with Archive(database) as archive:
        record = archive.record(session)
    if record.info.kind != "photographs":
        raise UsageError(f"session {session} is not of photographs", "a control is made of photographs")
    if record.summary.state != "signed":
        how = "review and sign it first: what is known must be what a person has said"
        raise UsageError(f"session {session} is not signed", how)
    there = {os.path.realpath(os.path.join(folder, name)): name for name in os.listdir(folder)}
    names = {picture.number: there.get(os.path.realpath(picture.path)) for picture in record.pictures}
    cells = tuple(
        KnownCell(name, cell.x, cell.y, cell.label)
        for cell in record.standing
        if (name := names.get(cell.frame)) is not None and cell.label in CLASSES and cell.label not in EXCLUDED
    )
    if not cells:
        raise UsageError(
            f"no cell of session {session} lies in a photograph of {folder}", "name the folder that was counted"
        )
    return cells
