"""A card that does not belong to its model gives confident nonsense, never an error: what is noticed of it."""

import json
import shutil
from pathlib import Path

import pytest

from leuko_edge.camera.tuning import Tuning
from leuko_edge.cli.main import main
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


@pytest.mark.parametrize("value", [None, "x", 3.5, [], {}])
@pytest.mark.parametrize("part", ["largest_shift", "agreement", "data", "by_class", "intervals", "command"])
def test_a_certificate_that_says_nothing_to_a_person_is_incomplete_whatever_stands_in_it(model, part, value):
    card, _ = load_verified(model)
    broken = {name: kept for name, kept in card.certificate.items() if name != part}
    if part not in ("intervals", "command"):
        broken[part] = value
    change(model, certificate=broken)
    with pytest.raises(ModelError, match="certificate"):
        load_verified(model)


def test_what_a_foreign_card_says_obeys_no_terminal(model, capsys):
    card, _ = load_verified(model)
    change(model, training={"by": "\x1b[2J\u202egnirts"}, certificate=card.certificate | {"command": "\x1b]0;x\x07"})
    assert main(["--version", "--verbose", "--model", str(model)]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said and "\x07" not in said and "\u202e" not in said
