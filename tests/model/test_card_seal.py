"""A card that does not belong to its model gives confident nonsense, never an error: what is noticed of it."""

import json
import shutil
from pathlib import Path

import pytest

from leuko_edge.camera.tuning import Tuning
from leuko_edge.errors import EnvironmentBroken, ModelError
from leuko_edge.model import certificate
from leuko_edge.model.card import load_verified

ASSETS = Path(__file__).resolve().parents[1] / "assets"


@pytest.fixture
def model(tmp_path):
    for ending in (".tflite", ".json"):
        shutil.copy(ASSETS / f"tiny{ending}", tmp_path / f"m{ending}")
    return tmp_path / "m.tflite"


def change(model, **fields):
    path = model.with_suffix(".json")
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_two_classes_that_changed_places_are_noticed(model):
    card, _ = load_verified(model)
    first, second, *others = card.classes
    change(model, classes=[second, first, *others])
    with pytest.raises(ModelError, match="of classes in another order"):
        load_verified(model)


def test_a_window_that_was_changed_after_certifying_is_noticed(model):
    card, _ = load_verified(model)
    sealed = card.certificate | {"card": certificate.decisive(vars(card))}
    change(model, certificate=sealed)
    load_verified(model)
    change(model, window_um=card.window_um * 2, um_per_px=card.um_per_px * 2)
    with pytest.raises(ModelError, match="changed after it was certified"):
        load_verified(model)


@pytest.mark.parametrize("name", ["x" * 201, "a\x1b[2J", "two\nlines"])
def test_a_name_is_one_short_line(model, name):
    change(model, name=name)
    with pytest.raises(ModelError, match="one line of at most 200"):
        load_verified(model)


def test_a_card_or_a_tuning_of_absurd_size_is_not_read(model, tmp_path):
    with model.with_suffix(".json").open("ab") as file:
        file.truncate(200_000_000)
    with pytest.raises(ModelError, match="is not JSON"):
        load_verified(model)
    tuning = tmp_path / "t.json"
    with tuning.open("wb") as file:
        file.truncate(200_000_000)
    with pytest.raises(EnvironmentBroken, match="is damaged"):
        Tuning.load(tuning)
    tuning.write_text("[" * 100_000)
    with pytest.raises(EnvironmentBroken, match="is damaged"):
        Tuning.load(tuning)
