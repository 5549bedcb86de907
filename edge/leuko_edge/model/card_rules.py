"""What the values of a model's card must be to each other and to this leuko-edge."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..types import CLASSES, LEUKOCYTES
from ..vision.crop import CROP_VERSION
from .tta import TURNS

if TYPE_CHECKING:
    from .card import ModelCard

LONGEST_NAME = 200
_SCALE_TOLERANCE = 1e-3  # relative; um_per_px is window_um / input_size, written out for people


def problem(card: ModelCard) -> str | None:
    """Why the card cannot be used, as the end of a sentence; None where it can."""
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
    if card.early_exit is not None and not 0 < card.early_exit <= 1:
        return "a first way round that stands needs a probability above 0 and at most 1, or null for none"
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
