"""The model card: what a `.tflite` file is, what it was trained on, and how its answers are to be read.

A card is a JSON file beside its model, with the same name. The runtime refuses a model without one, and one whose
bytes are not those that the card was written for: a label order or a crop window that does not belong to a network
gives confident nonsense, never an error. It refuses a model without a certificate too: nobody would know what
quantisation did to it.
"""

from __future__ import annotations

import json
import math
import os
import re
import reprlib
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import Hint, ModelError
from ..files import write_whole
from ..tally import WARN_SHARE
from ..vision.crop import CROP_VERSION
from . import card_file, card_rules, signature
from . import certificate as certificates

SCHEMA = "leuko-edge-card/1"
WHOSE = "model"  # the card is, in sentences
SHIPPED = "leuko-vgg16-half-wide-int8"
EXCLUDED_THRESHOLD = 0.9
"""Of cards from before it was chosen on laboratories left out."""
_NUMBERS = re.compile(r"(?<=\[)\n\s*-?\d[-+.\d\se,]*(?=\])")


@dataclass(frozen=True)
class ModelCard:
    """All that the runtime needs to know of a model, and all that a person may ask about it."""

    name: str
    file: str  # the model's file name when the card was written; a renamed model stays valid, its hash counts
    sha256: str  # of the whole `.tflite` file, lower-case hexadecimal
    classes: tuple[str, ...]  # in the order of the network's output
    leukocytes: tuple[str, ...]  # those of them in the differential's denominator
    input_size: int  # the network takes input_size × input_size pixels, uint8 RGB
    window_um: float  # micrometres along a side of the crop
    um_per_px: float  # window_um / input_size
    confidence_threshold: float  # below it a cell is reported as unidentified; 0 ≤ value < 1
    temperature: float  # probabilities are raised to 1 / temperature and renormalised; > 0
    network: str
    quantization: str
    turns: int = 1  # ways round that a cell is shown to the network, the answers combined: one of `turns.TURNS`
    early_exit: float | None = None  # a first way round so probable (before the temperature) stands; None: none does
    centres: tuple[tuple[float, ...], ...] = ()  # (m, k) of the known classes among the model's features; none: ()
    distance_threshold: float | None = None  # farther than this from every centre: unidentified; None: never
    excluded_threshold: float = EXCLUDED_THRESHOLD  # a platelet or artefact as wide as a leukocyte must be so sure
    abnormal_threshold: float | None = None  # a normal leukocyte likelier NOT_NORMAL: unidentified; None: never
    warn_share: float = WARN_SHARE  # of unidentified among white cells; above it a person should review them
    crop_version: int = CROP_VERSION  # of the cropping code that its training cells were cut by
    training: dict[str, Any] = field(default_factory=dict)
    certificate: dict[str, Any] = field(default_factory=dict)  # what `leuko-check --certify` measured
    licences: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if problem := card_rules.problem(self):
            raise ModelError(f"The card of model {reprlib.repr(self.name)} cannot be used: {problem}.")

    @classmethod
    def load(cls, json_path: str | os.PathLike[str]) -> ModelCard:
        """Read a card; `ModelError` says what is wrong with it. Fields that this version does not know are ignored."""
        path = Path(json_path)
        return cls.parse(card_file.read(path, WHOSE), path)

    @classmethod
    def parse(cls, content: bytes, path: Path) -> ModelCard:
        """The card of what its file `path` holds; `ModelError` as of `load`."""
        return cls._from_mapping(card_file.parse(content, path, WHOSE, SCHEMA), path)

    @classmethod
    def _from_mapping(cls, raw: Mapping[str, Any], path: Path) -> ModelCard:
        values: dict[str, Any] = {}
        for name, wanted in _JSON_TYPES.items():
            if name not in raw and name in _LATER:
                continue
            if name not in raw:
                raise ModelError(f"The model's card {path} is incomplete: it has no {name!r}.")
            value = raw[name]
            if isinstance(value, bool) or not isinstance(value, wanted):
                raise ModelError(f"The model's card {path} has a wrong {name!r}: {reprlib.repr(value)}.")
            if name == "centres":
                value = _centres(value, path)
            elif isinstance(value, list):
                if not all(isinstance(item, str) for item in value):
                    raise ModelError(f"The model's card {path} has a wrong {name!r}: names are expected.")
                value = tuple(value)
            elif isinstance(wanted, tuple) and value is not None:
                value = float(value) if abs(value) < 1e9 else float("nan")  # refused below, with a sentence
            values[name] = value
        return cls(**values)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the card, whole or not at all. `OSError` where the folder cannot be written."""
        text = json.dumps({"schema": SCHEMA, **asdict(self)}, indent=2)
        text = _NUMBERS.sub(lambda row: " ".join(row[0].split()), text)  # a row of a hundred numbers is one line
        write_whole(Path(path), (text + "\n").encode())


def _centres(rows: list[Any], path: Path) -> tuple[tuple[float, ...], ...]:
    for row in rows:
        if not isinstance(row, list) or any(isinstance(v, bool) or not isinstance(v, int | float) for v in row):
            raise ModelError(f"The model's card {path} has wrong 'centres': lists of numbers are expected.")
    return tuple(tuple(float(v) if abs(v) < 1e9 else math.nan for v in row) for row in rows)


_LATER = (
    *("turns", "early_exit", "centres", "distance_threshold"),
    *("excluded_threshold", "abnormal_threshold", "warn_share"),
)
"""Fields that a card may lack, from before there were any."""
_JSON_TYPES: dict[str, Any] = {
    **dict.fromkeys(("name", "file", "sha256", "network", "quantization"), str),
    **dict.fromkeys(("classes", "leukocytes", "centres"), list),
    **dict.fromkeys(
        ("window_um", "um_per_px", "confidence_threshold", "temperature", "warn_share", "excluded_threshold"),
        (int, float),
    ),
    **dict.fromkeys(("distance_threshold", "abnormal_threshold", "early_exit"), (int, float, type(None))),
    **dict.fromkeys(("input_size", "crop_version", "turns"), int),
    **dict.fromkeys(("training", "certificate", "licences"), dict),
}


def shipped_model() -> Path:
    """Path of the model that comes with leuko-edge; `ModelError` as of `shipped`."""
    return shipped(SHIPPED, "model", "install leuko-edge again, or name a model ", Hint.NAME_MODEL, ".")


def shipped(name: str, what: str, *cure: str | Hint) -> Path:
    """Path of a `.tflite` file that comes with leuko-edge: in the wheel inside the package, in a checkout in `models/`.

    `ModelError` where it is in neither.
    """
    package = Path(__file__).resolve().parents[1]
    places = (package / "models", package.parents[1] / "models")
    for folder in places:
        if (path := folder / f"{name}.tflite").is_file():
            return path
    looked = " and ".join(map(str, places))
    raise ModelError(f"The {what} that comes with leuko-edge is missing ({name}.tflite, looked for in {looked})", *cure)


def load_verified(
    model_path: str | os.PathLike[str] | None = None, *, certified: bool = True, trusted: str | None = None
) -> tuple[ModelCard, bytes]:
    """The card and the model's bytes, after checking that they belong together.

    The file is read once; the bytes that were hashed are those returned, so nothing can change between check and use.
    `model_path` None takes the shipped model. `ModelError` for a missing or unreadable model or card, a card that is
    incomplete or names unknown classes, a model whose SHA-256 is not the card's, and one whose card has no certificate
    of this model. Only what makes certificates, `leuko-check`, passes `certified=False`. `trusted` is a file of public
    keys, one of which must have signed a model that is not the shipped one (see `signature`).
    """
    path = shipped_model() if model_path is None else Path(model_path)
    content = card_file.network(path, WHOSE)
    written = card_file.read(path.with_suffix(".json"), WHOSE)
    card = ModelCard.parse(written, path.with_suffix(".json"))
    found = card_file.check_hash(content, card.sha256, path, WHOSE)
    problem = certificates.problem(card.certificate, found, card.classes)
    sealed = card.certificate.get("card", certificates.decisive(vars(card)))  # older certificates have none
    if problem is None and sealed != certificates.decisive(vars(card)):
        problem = "its card was changed after it was certified"
    if certified and problem:
        raise ModelError(
            f"The model {path} cannot be used: {problem}",
            "make one on the cells that leuko-train cells wrote, with: "
            f"leuko-check --cells CELLS --quantized {shlex.quote(str(path))} --certify",
        )
    if trusted and not _is_shipped(path):
        signature.check(path, content, written, trusted)
    return card, content


def _is_shipped(path: Path) -> bool:
    try:
        return path.samefile(shipped_model())
    except (OSError, ModelError):
        return False
