"""A run's state after an epoch: every variable of model and optimizer, and what the loop remembers.

Plain NumPy, so that it is the same for every Keras backend, and replaced in one step: a run that is killed
while writing still finds its previous checkpoint.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from leuko_edge.errors import EnvironmentBroken
from leuko_edge.files import whole

NAME = "checkpoint.npz"


def _variables(model: keras.Model) -> list[Any]:
    return [*model.variables, *model.optimizer.variables]


def save(folder: Path, model: keras.Model, state: dict[str, Any]) -> None:
    """Write the compiled model's variables and `state` (JSON-able) to folder/checkpoint.npz."""
    arrays = {f"v{i}": v.numpy() for i, v in enumerate(_variables(model))}
    with whole(folder / NAME) as file:
        np.savez(file, state=json.dumps(state), **arrays)


def load(folder: Path, model: keras.Model) -> dict[str, Any] | None:
    """Put the stored values into the compiled model; the state, or None where there is no checkpoint.

    Raises EnvironmentBroken where the file cannot be read or belongs to another network.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    variables = _variables(model)
    try:
        with np.load(path, allow_pickle=False) as stored:
            state = json.loads(str(stored["state"]))
            values = [stored[f"v{i}"] for i in range(len(stored.files) - 1)]
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise EnvironmentBroken(
            f"The checkpoint {path} cannot be read ({error})", "remove it to start anew."
        ) from error
    if [v.shape for v in values] != [tuple(v.shape) for v in variables]:
        raise EnvironmentBroken(f"The checkpoint {path} belongs to another network", "choose another --out.")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return state
