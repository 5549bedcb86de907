import hashlib
import json
import shutil
from dataclasses import fields, replace
from pathlib import Path

import pytest
from tiny import TINY, TINY_FLOAT

from leuko_edge.cli import main
from leuko_edge.errors import ModelError
from leuko_edge.model import card as cards
from leuko_edge.model import certificate
from leuko_edge.model.card import ModelCard, load_verified, shipped_model
from leuko_edge.model.classify import Classifier


@pytest.fixture
def model(tmp_path):
    """A copy of the tiny model with its card, to be damaged."""
    shutil.copy(TINY.with_suffix(".json"), tmp_path)
    return Path(shutil.copy(TINY, tmp_path))


def rewrite(model, **changes):
    path = model.with_suffix(".json")
    raw = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in raw.items() if value != "gone"}))


def refusal(model):
    with pytest.raises(ModelError) as caught:
        load_verified(model, certified=True)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_verified_model_comes_with_its_card_and_its_bytes(model):
    card, content = load_verified(model)
    assert hashlib.sha256(content).hexdigest() == card.sha256
    assert card.classes[0] == "neutrophil" and len(card.leukocytes) == 6


def test_a_renamed_model_stays_valid(model):
    renamed = model.rename(model.with_name("other.tflite"))
    model.with_suffix(".json").rename(renamed.with_suffix(".json"))
    assert load_verified(renamed)[0].name == "tiny"


def test_a_card_survives_saving_and_loading(tmp_path):
    card = replace(ModelCard.load(TINY.with_suffix(".json")), certificate={"agreement": {"cells": 7}})
    card.save(tmp_path / "card.json")
    assert ModelCard.load(tmp_path / "card.json") == card
    assert [path.name for path in tmp_path.iterdir()] == ["card.json"]


def test_a_changed_model_is_refused(model):
    content = bytearray(model.read_bytes())
    content[-1] ^= 1
    model.write_bytes(content)
    assert "not the one its card was written for" in refusal(model)


def test_a_missing_model_and_a_folder_are_named(tmp_path):
    assert "no model at" in refusal(tmp_path / "absent.tflite")
    assert "is a folder" in refusal(tmp_path)


def test_a_model_without_a_card_is_refused(model):
    model.with_suffix(".json").unlink()
    assert "has no card" in refusal(model)


def other(digit):
    return digit * 64


def test_the_certificate_of_a_pair_holds_for_both_of_it(model):
    assert load_verified(model, certified=True)[0].certificate["quantized"]["name"] == "tiny"
    assert load_verified(TINY_FLOAT, certified=True)[0].certificate["float"]["name"] == "tiny-float16"


def test_a_model_without_a_certificate_is_refused_and_the_way_to_one_is_told(model):
    rewrite(model, certificate={})
    assert load_verified(model, certified=False)
    assert "has no certificate" in refusal(
        model
    ) and f"leuko-check --cells CELLS --quantized {model} --certify" in refusal(model)


def test_what_counts_cells_takes_certified_models_only(model):
    rewrite(model, certificate={})
    for use in (load_verified, Classifier.from_path):
        with pytest.raises(ModelError, match="has no certificate"):
            use(model)
    assert load_verified(TINY_FLOAT)[0].name == "tiny-float16"  # the float twin may count, certified with the other


def test_version_verbose_shows_the_certificate_or_refuses(model, capsys):
    assert main.main(["--version", "--verbose", "--model", str(model)]) == 0
    assert "largest shift of the differential: " in capsys.readouterr().out
    rewrite(model, certificate={})
    assert main.main(["--version", "--verbose", "--model", str(model)]) == 4
    assert "has no certificate" in capsys.readouterr().err


def test_a_certificate_of_other_models_is_refused(model):
    made = ModelCard.load(model.with_suffix(".json")).certificate
    for side in ("float", "quantized"):
        made[side]["sha256"] = other("a")
    rewrite(model, certificate=made)
    assert "its certificate is of other models (aaaaaaaaaaaa… and aaaaaaaaaaaa…)" in refusal(model)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda c: c.pop("by_class"), "incomplete"),
        (lambda c: c["by_class"].pop("monocyte"), "incomplete"),
        (lambda c: c["by_class"]["monocyte"].pop("bias_ci95"), "incomplete"),
        (lambda c: c["by_class"]["monocyte"].update(ci95=[1.0, "high"]), "incomplete"),
        (lambda c: c["by_class"]["monocyte"].update(agreed=2), "incomplete"),
        (lambda c: c.update(by_class=7), "incomplete"),
        (lambda c: c.pop("largest_shift"), "incomplete"),
        (lambda c: c.update(largest_shift={"class": "monocyte"}), "incomplete"),
        (lambda c: c["data"].update(sha256="?"), "incomplete"),
        (lambda c: c.pop("commit"), "incomplete"),
        (lambda c: c.pop("quantized"), "incomplete"),
        (lambda c: c.update(schema="leuko-certificate/0"), "not of this version"),
    ],
)
def test_a_damaged_certificate_is_refused(model, damage, sentence):
    made = ModelCard.load(model.with_suffix(".json")).certificate
    damage(made)
    rewrite(model, certificate=made)
    assert f"its certificate is {sentence}" in refusal(model)


def test_a_certificate_is_shown_class_by_class():
    shown = list(certificate.lines(ModelCard.load(TINY.with_suffix(".json")).certificate))
    assert "quantized: tiny, SHA-256 " + ModelCard.load(TINY.with_suffix(".json")).sha256 in shown
    assert any(
        line.startswith("  monocyte: 100.00% of 1 cells alike") and "differential +0.00" in line for line in shown
    )
    assert any(line.startswith("  platelet: ") and "differential" not in line for line in shown)
    assert any("commit " in line for line in shown) and any("photographs" in line for line in shown)


@pytest.mark.parametrize("text", ["", "{", "\udcff", "[" * 100_000, "9" * 5000])
def test_a_card_that_is_not_json_is_refused(model, text):
    model.with_suffix(".json").write_bytes(text.encode(errors="surrogateescape"))
    assert "is not JSON" in refusal(model)


@pytest.mark.parametrize("text", ["null", "[]", '{"schema": "leuko-edge-card/9"}'])
def test_json_that_is_no_card_of_this_version_is_refused(model, text):
    model.with_suffix(".json").write_text(text)
    assert "is not a model card of this version" in refusal(model)


def test_a_card_from_before_there_were_turns_means_one(model):
    rewrite(model, turns="gone")
    assert load_verified(model, certified=True)[0].turns == 1


def test_a_card_from_before_there_were_distances_has_none(model):
    rewrite(model, centres="gone", distance_threshold="gone", warn_share="gone")
    card = load_verified(model)[0]
    assert (card.centres, card.distance_threshold, card.warn_share) == ((), None, 0.15)


LATER = {
    "turns",
    "early_exit",
    "centres",
    "distance_threshold",
    "excluded_threshold",
    "abnormal_threshold",
    "warn_share",
}
"""Fields that a card from before there were any lacks."""


@pytest.mark.parametrize("name", sorted({each.name for each in fields(cards.ModelCard)} - LATER))
def test_a_card_without_one_of_its_fields_is_refused(model, name):
    rewrite(model, **{name: "gone"})
    assert f"incomplete: it has no '{name}'" in refusal(model)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"input_size": "64"}, "wrong 'input_size'"),
        ({"input_size": True}, "wrong 'input_size'"),
        ({"classes": [1, 2]}, "wrong 'classes'"),
        ({"classes": ["neutrophil", "megakaryocyte"]}, "does not know (megakaryocyte)"),
        ({"classes": ["neutrophil", "neutrophil"], "leukocytes": ["neutrophil"]}, "each named once"),
        ({"leukocytes": ["neutrophil", "platelet"]}, "its leukocytes should be"),
        ({"window_um": 30.0}, "are not its window of 30.0 µm"),
        ({"um_per_px": 10**400}, "are not its window"),
        ({"window_um": -24.0}, "makes no sense"),
        ({"temperature": 0}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"confidence_threshold": 1.0}, "threshold"),
        ({"crop_version": 0}, "trained on crops of version 0"),
        ({"centres": [[1.0, 2.0], [1.0]]}, "rows of equally many numbers"),
        ({"centres": [[]]}, "rows of equally many numbers"),
        ({"centres": [[1.0, "far"]]}, "lists of numbers are expected"),
        ({"centres": [[1.0, True]]}, "lists of numbers are expected"),
        ({"centres": [[1.0, 10**400]]}, "must be finite"),
        ({"centres": [1.0, 2.0]}, "lists of numbers are expected"),
        ({"distance_threshold": 2.0}, "no centres to measure"),
        ({"centres": [[1.0]], "distance_threshold": 0}, "must be above 0"),
        ({"centres": [[1.0]], "distance_threshold": float("nan")}, "must be above 0"),
        ({"centres": [[1.0]], "distance_threshold": "2"}, "wrong 'distance_threshold'"),
        ({"warn_share": 0}, "to warn above"),
        ({"warn_share": 1.5}, "to warn above"),
    ],
)
def test_a_card_that_makes_no_sense_is_refused_with_the_reason(model, changes, sentence):
    rewrite(model, **changes)
    assert sentence in refusal(model)


def test_fields_of_a_later_version_are_ignored(model):
    rewrite(model, colour_management="none")
    assert load_verified(model)[0].name == "tiny"


def test_the_shipped_model_is_found_in_the_wheel_or_in_the_checkout(tmp_path, monkeypatch):
    package = tmp_path / "edge" / "leuko_edge"
    monkeypatch.setattr(cards, "__file__", str(package / "model" / "card.py"))
    with pytest.raises(ModelError, match=rf"{cards.SHIPPED}\.tflite.*--model"):
        shipped_model()
    for folder in (tmp_path / "models", package / "models"):
        folder.mkdir(parents=True)
        shutil.copy(TINY, folder / f"{cards.SHIPPED}.tflite")
        assert shipped_model() == folder / f"{cards.SHIPPED}.tflite"
