"""A control: a slide, or photographs of one, of which is known what they show. Told by a small file, `control.json`:

    {"schema": "leuko-edge-control/1", "name": "lot 7",
     "cells": [{"picture": "field-01.png", "x": 412, "y": 203, "class": "neutrophil"}, …],
     "differential": {"cells": 200, "classes": {"neutrophil": 57, …}},
     "signs": {"light": 221.0, …}, "usual": {"light": [220.4, 1.9]}}

`cells` are of the photographs beside it, x and y in the file's own pixels. `differential` is of a slide that is shown
live, in per cent of so many cells. `signs` are what the control showed when it was made (`leuko-edge qc --learn`),
`usual` a sign's mean and standard deviation where the laboratory tells them.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..files import write_whole
from ..types import CLASSES, EXCLUDED, LEUKOCYTES
from .baseline import Baseline

SCHEMA = "leuko-edge-control/1"
FILE = "control.json"
_MEND = "mend it, or make it anew with leuko-edge qc --learn"


@dataclass(frozen=True)
class KnownCell:
    """`picture` is the name of its photograph, `x` and `y` its middle there."""

    picture: str
    x: float
    y: float
    label: str


@dataclass(frozen=True)
class Control:
    """`differential` is in per cent of `counted` cells; of known cells it is theirs."""

    name: str
    cells: tuple[KnownCell, ...] = ()
    differential: Mapping[str, float] = field(default_factory=dict)
    counted: int = 0
    signs: Mapping[str, float] = field(default_factory=dict)
    usual: Mapping[str, Baseline] = field(default_factory=dict)
    drawn: bool = False

    @property
    def sha256(self) -> str:
        """Of what is known: a control that is taught anew is another one."""
        return hashlib.sha256(json.dumps(as_json(self), sort_keys=True).encode()).hexdigest()


def load(path: str) -> Control:
    """Of a file, or of the folder that holds it; UsageError with what is wrong and where."""
    file = os.path.join(path, FILE) if os.path.isdir(path) else path
    try:
        text = Path(file).read_text(encoding="utf-8")
        data = json.loads(text)
    except OSError as error:
        how = "name a control, or make one: leuko-edge qc --learn FOLDER --session ID"
        raise UsageError(f"{file} cannot be read ({error.strerror})", how) from None
    except ValueError as error:
        raise UsageError(f"{file} is no JSON ({error})", _MEND) from None
    try:
        return _control(data, os.path.basename(os.path.dirname(os.path.abspath(file))))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        said = f"{error.args[0]!r} is not there" if isinstance(error, KeyError) else str(error)
        raise UsageError(f"{file}: {said}", _MEND) from None


def save(control: Control, path: str) -> None:
    """OSError where it cannot be written."""
    write_whole(Path(path), (json.dumps(as_json(control), indent=1) + "\n").encode())


def as_json(control: Control) -> dict[str, Any]:
    cells = [{"picture": cell.picture, "x": cell.x, "y": cell.y, "class": cell.label} for cell in control.cells]
    known: dict[str, Any] = {"schema": SCHEMA, "name": control.name, "cells": cells}
    if not control.cells:
        known["differential"] = {"cells": control.counted, "classes": dict(control.differential)}
    usual = {name: [one.mean, one.sd] for name, one in control.usual.items()}
    return known | {"signs": dict(control.signs)} | ({"usual": usual} if usual else {})


def _control(data: Any, name: str) -> Control:
    """KeyError, TypeError, ValueError or AttributeError for what `as_json` does not make."""
    if data.get("schema") != SCHEMA:
        raise ValueError(f"its schema is {data.get('schema')!r}, {SCHEMA!r} is needed")
    cells = tuple(
        KnownCell(str(one["picture"]), _number(one["x"]), _number(one["y"]), _class(one["class"]))
        for one in data.get("cells", ())
    )
    told = data.get("differential", {"cells": 0, "classes": {}})
    shares = {_class(label): _number(share) for label, share in told["classes"].items()}
    counted = int(told["cells"])
    if cells:
        counts = Counter(cell.label for cell in cells if cell.label in LEUKOCYTES)
        counted = counts.total()
        shares = {label: 100 * n / counted for label, n in counts.items()}
    elif not shares or counted < 1:
        raise ValueError("neither known cells nor a known differential is in it")
    elif not 98 <= sum(shares.values()) <= 102:
        raise ValueError(f"its differential adds up to {sum(shares.values()):g} %")
    signs = {str(key): _number(value) for key, value in data.get("signs", {}).items()}
    usual = {str(key): Baseline(_number(mean), _number(sd)) for key, (mean, sd) in data.get("usual", {}).items()}
    return Control(str(data.get("name") or name), cells, shares, counted, signs, usual)


def _class(label: Any) -> str:
    if label not in CLASSES or label in EXCLUDED:
        raise ValueError(f"{label!r} is no class of cells to be found again")
    return str(label)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} should be a number")
    return float(value)
