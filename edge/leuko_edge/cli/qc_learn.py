"""`leuko-edge qc --learn`: a control is made, or taught anew what it shows."""

from __future__ import annotations

import argparse
import os
import sys

from ..config import Settings
from ..errors import EnvironmentBroken, UsageError
from ..qc import control as controls
from ..qc.learn import known_cells
from ..qc.measure import learnt
from ..qc.watched import FOUND, LEAST_FOUND
from .qc_sources import look_at


def learn(options: argparse.Namespace, settings: Settings, database: str) -> int:
    """Into the control's file: known cells of the session, or what it knows already, and what it shows today; 0, or 4
    where a test of it would fail."""
    path = options.learn
    file = os.path.join(path, controls.FILE) if os.path.isdir(path) else path
    if options.session is None:
        control = controls.load(path)
    elif not os.path.isdir(path):
        raise UsageError(f"{path} is no folder", "name the folder of the control's photographs")
    else:
        cells = known_cells(database, options.session, path)
        control = controls.Control(os.path.basename(os.path.abspath(path)), cells)
    _, seen, _, _ = look_at(control, path, options, settings)
    for name, why in seen.lost:
        print(f"leuko-edge: {name}: {why}", file=sys.stderr)
    try:
        controls.save(learnt(control, seen), file)
    except OSError as error:
        raise EnvironmentBroken(f"{file} could not be written: {error.strerror or error}") from None
    if not seen.known:
        print(f"{file}: what the slide shows today is what a test will be held against")
        return 0
    found = seen.signs.get(FOUND, 0.0)
    print(f"{file}: {seen.known} known cells in {seen.pictures} photographs, {100 * found:.1f} % of them found today")
    if seen.lost or found < LEAST_FOUND:
        print("leuko-edge: a test of this control fails as it is: take other photographs, or mend its cells")
        return EnvironmentBroken.exit_code
    return 0
