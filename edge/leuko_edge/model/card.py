"""The model card: what a `.tflite` file is, what it was trained on, and how its answers are to be read.

A card is a JSON file beside its model, with the same name. The runtime refuses a model without one, and one whose
bytes are not those that the card was written for: a label order or a crop window that does not belong to a network
gives confident nonsense, never an error. It refuses a model without a certificate too: nobody would know what
quantisation did to it.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import Hint, ModelError
from ..files import write_whole
from ..tally import WARN_SHARE
from ..types import CLASSES, LEUKOCYTES
from ..vision.crop import CROP_VERSION
from . import certificate as certificates
from . import signature
from .tta import TURNS

SCHEMA = "leuko-edge-card/1"
SHIPPED = "leuko-vgg16-half-plain-int8"
LONGEST_NAME = 200
LARGEST = 20_000_000  # bytes of a card; a thousand centres of a thousand numbers take less
EXCLUDED_THRESHOLD = 0.9
"""Of cards from before it was chosen on laboratories left out."""
_NUMBERS = re.compile(r"(?<=\[)\n\s*-?\d[-+.\d\se,]*(?=\])")
_SCALE_TOLERANCE = 1e-3  # relative; um_per_px is window_um / input_size, written out for people


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
    centres: tuple[tuple[float, ...], ...] = ()  # (m, k) of the known classes among the model's features; none: ()
    distance_threshold: float | None = None  # farther than this from every centre: unidentified; None: never
    excluded_threshold: float = EXCLUDED_THRESHOLD  # a platelet or artefact as wide as a leukocyte must be so sure
    abnormal_threshold: float | None = None  # a normal leukocyte likelier abnormal than this: unidentified; None: never
    warn_share: float = WARN_SHARE  # of unidentified among white cells; above it a person should review them
    crop_version: int = CROP_VERSION  # of the cropping code that its training cells were cut by
    training: dict[str, Any] = field(default_factory=dict)
    certificate: dict[str, Any] = field(default_factory=dict)  # what `leuko-check --certify` measured
    licences: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if problem := _problem(self):
            raise ModelError(f"The card of model {self.name!r} cannot be used: {problem}.")

    @classmethod
    def load(cls, json_path: str | os.PathLike[str]) -> ModelCard:
        """Read a card; `ModelError` says what is wrong with it. Fields that this version does not know are ignored."""
        path = Path(json_path)
        return cls.parse(_read(path), path)

    @classmethod
    def parse(cls, content: bytes, path: Path) -> ModelCard:
        """The card of what its file `path` holds; `ModelError` as of `load`."""
        try:
            if len(content) > LARGEST:
                raise ValueError("no card is so large")
            raw = json.loads(content.decode("utf-8"))
        except (ValueError, RecursionError):  # not UTF-8, not JSON, or absurdly deep
            raise ModelError(f"The model's card {path} is not JSON", "fetch it again with its model.") from None
        if not isinstance(raw, Mapping) or raw.get("schema") != SCHEMA:
            raise ModelError(f"{path} is not a model card of this version (its schema should be {SCHEMA!r}).")
        return cls._from_mapping(raw, path)

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
                raise ModelError(f"The model's card {path} has a wrong {name!r}: {value!r}.")
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


_LATER = ("turns", "centres", "distance_threshold", "excluded_threshold", "abnormal_threshold", "warn_share")
"""Fields that a card may lack, from before there were any."""
_JSON_TYPES: dict[str, Any] = {
    **dict.fromkeys(("name", "file", "sha256", "network", "quantization"), str),
    **dict.fromkeys(("classes", "leukocytes", "centres"), list),
    **dict.fromkeys(
        ("window_um", "um_per_px", "confidence_threshold", "temperature", "warn_share", "excluded_threshold"),
        (int, float),
    ),
    **dict.fromkeys(("distance_threshold", "abnormal_threshold"), (int, float, type(None))),
    **dict.fromkeys(("input_size", "crop_version", "turns"), int),
    **dict.fromkeys(("training", "certificate", "licences"), dict),
}


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(LARGEST + 1)
    except FileNotFoundError:
        raise ModelError(
            f"The model has no card: {path} is missing", "put the card that came with the model beside it."
        ) from None
    except OSError as error:
        raise ModelError(f"The model's card {path} cannot be read: {error.strerror or error}.") from None


def _problem(card: ModelCard) -> str | None:
    unknown = [name for name in (*card.classes, *card.leukocytes) if name not in CLASSES]
    if unknown:
        return f"it names classes that leuko-edge does not know ({', '.join(unknown)})"
    names = {"name": card.name, "file": card.file, "network": card.network, "quantization": card.quantization}
    for field_name, text in names.items():
        if len(text) > LONGEST_NAME or not text.isprintable():
            return f"its {field_name} must be one line of at most {LONGEST_NAME} characters"
    if len(card.classes) < 2 or len(set(card.classes)) != len(card.classes):
        return "its classes must be at least two, each named once"
    expected = [name for name in card.classes if name in LEUKOCYTES]
    if sorted(card.leukocytes) != sorted(expected):
        return f"its leukocytes should be {', '.join(expected)}"
    if not (8 <= card.input_size <= 1024 and 0 < card.window_um < 1000):
        return f"a crop of {card.window_um} µm on {card.input_size} pixels makes no sense"
    if not abs(card.um_per_px * card.input_size / card.window_um - 1) < _SCALE_TOLERANCE:
        return f"{card.input_size} pixels of {card.um_per_px} µm are not its window of {card.window_um} µm"
    if card.turns not in TURNS:
        return f"a cell can be shown {', '.join(map(str, TURNS))} ways round, not {card.turns}"
    if card.crop_version != CROP_VERSION:
        return f"it was trained on crops of version {card.crop_version}, this leuko-edge cuts version {CROP_VERSION}"
    if not (0 <= card.confidence_threshold < 1 and 0.01 <= card.temperature <= 100):
        return "its confidence threshold must be in [0, 1) and its temperature between 0.01 and 100"
    return _problem_of_doubt(card)


def _problem_of_doubt(card: ModelCard) -> str | None:
    widths = {len(row) for row in card.centres}
    if card.centres and (len(widths) != 1 or 0 in widths):
        return "its centres must be rows of equally many numbers"
    if not all(math.isfinite(value) for row in card.centres for value in row):
        return "its centres must be finite numbers"
    if card.distance_threshold is not None and not card.centres:
        return "it has a distance threshold but no centres to measure a distance from"
    if card.distance_threshold is not None and not 0 < card.distance_threshold < math.inf:
        return "its distance threshold must be above 0, or null for none"
    if not 0 <= card.excluded_threshold <= 1:
        return "its threshold for platelets and artefacts must be in [0, 1]"
    if card.abnormal_threshold is not None and not 0 <= card.abnormal_threshold <= 1:
        return "its threshold for abnormal cells must be in [0, 1], or null for none"
    if not 0 < card.warn_share <= 1:
        return "its share of unidentified cells to warn above must be above 0 and at most 1"
    return None


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
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"There is no model at {path}", "name a .tflite file that has its card beside it.") from None
    except IsADirectoryError:
        raise ModelError(f"{path} is a folder", "name the .tflite file in it.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise ModelError(f"The model {path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    written = _read(path.with_suffix(".json"))
    card = ModelCard.parse(written, path.with_suffix(".json"))
    found = hashlib.sha256(content).hexdigest()
    if found != card.sha256.lower():
        raise ModelError(
            f"The model {path} is not the one its card was written for (SHA-256 {found[:12]}…, the card says "
            f"{card.sha256[:12]}…)",
            "fetch model and card together again.",
        )
    problem = certificates.problem(card.certificate, found, card.classes)
    sealed = card.certificate.get("card", certificates.decisive(vars(card)))  # older certificates have none
    if problem is None and sealed != certificates.decisive(vars(card)):
        problem = "its card was changed after it was certified"
    if certified and problem:
        raise ModelError(
            f"The model {path} cannot be used: {problem}",
            f"make one on labelled cells with: leuko-check FOLDER --quantized {path.name} --certify",
        )
    if trusted and not _is_shipped(path):
        signature.check(path, content, written, trusted)
    return card, content


def _is_shipped(path: Path) -> bool:
    try:
        return path.samefile(shipped_model())
    except (OSError, ModelError):
        return False
