import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from drawn import smear
from tiny import COLOURS, FAR, FAR_FLOAT, TINY, TINY_FLOAT

from leuko_convert import check
from leuko_convert.agreement import compare
from leuko_convert.labelled import class_of, from_folder
from leuko_edge.errors import ModelError, NothingCountable, UsageError
from leuko_edge.model.card import ModelCard, load_verified
from leuko_edge.model.classify import simulated_card
from leuko_edge.types import CLASSES, UNIDENTIFIED, Prediction


def predictions(*labels, confidence=0.9):
    rest = (1 - confidence) / (len(CLASSES) - 1)
    return [
        Prediction(label, confidence, tuple(confidence if name == label else rest for name in CLASSES))
        for label in labels
    ]


def indices(*labels):
    return np.array([CLASSES.index(label) for label in labels])


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("NEUTROPHIL", "neutrophil"),
        ("Neutrophils", "neutrophil"),
        ("ig", "immature_granulocyte"),
        ("Immature granulocytes", "immature_granulocyte"),
        ("EOS", "eosinophil"),
        ("baso", "basophil"),
        ("nRBC", "erythroblast"),
        ("artifacts", "artefact"),
        ("masks", None),
        ("", None),
    ],
)
def test_folder_names_mean_classes(name, label):
    assert class_of(name) == label


def test_accuracy_agreement_and_loss_are_those_counted_by_hand():
    truth = indices("neutrophil", "neutrophil", "neutrophil", "monocyte")
    found = compare(
        CLASSES,
        truth,
        predictions("neutrophil", "neutrophil", "neutrophil", "lymphocyte"),
        predictions("neutrophil", "neutrophil", "eosinophil", "monocyte"),
    )
    assert (found.reference.accuracy, found.quantized.accuracy) == (0.75, 0.75)
    assert (found.reference.balanced, found.quantized.balanced) == (0.5, pytest.approx(5 / 6))
    assert found.loss_points == 0  # balanced gained, accuracy is the same
    assert found.agreement["agreed"] == 2
    rows = found.by_class
    assert (rows["neutrophil"]["cells"], rows["neutrophil"]["agreed"]) == (3, 2)
    assert rows["neutrophil"]["bias_points"] == -25 and rows["eosinophil"]["bias_points"] == 25
    assert rows["platelet"]["share"] is None and rows["platelet"]["bias_points"] is None


def test_the_bias_is_that_of_the_differential_as_shown():
    unsure = [replace(predictions("monocyte", confidence=0.4)[0], label=UNIDENTIFIED)]
    four = ("neutrophil", "neutrophil", "lymphocyte", "monocyte")
    found = compare(CLASSES, indices(*four), predictions(*four), predictions(*four[:3]) + unsure)
    assert found.agreement["share"] == 1  # the likeliest class is the same
    assert found.by_class["neutrophil"]["bias_points"] == pytest.approx(100 * 2 / 3 - 50)
    assert found.largest_shift["class"] == "monocyte" and found.largest_shift["points"] == -25


def test_cells_of_one_photograph_say_less_than_as_many_of_their_own():
    """Ten photographs of ten cells; in one of them all cells change."""
    before = predictions(*["neutrophil", "monocyte"] * 50)
    after = predictions(*["neutrophil"] * 10, *["neutrophil", "monocyte"] * 45)
    truth, photographs = indices(*["neutrophil"] * 100), np.repeat(np.arange(10), 10)
    single, grouped = (compare(CLASSES, truth, before, after, sources) for sources in (None, photographs))
    widths = [np.ptp(one.agreement["ci95"]) for one in (single, grouped)]
    shifts = [np.ptp(one.largest_shift["ci95"]) for one in (single, grouped)]
    assert grouped.largest_shift["points"] == pytest.approx(5)
    assert widths[1] > 1.2 * widths[0] and shifts[1] > 1.2 * shifts[0]
    low, high = grouped.largest_shift["ci95"]
    assert low <= 5 <= high


def test_no_change_at_all_is_not_certainty():
    few, many = (
        compare(CLASSES, indices(*labels), predictions(*labels), predictions(*labels))
        for labels in (["neutrophil", "monocyte"] * 4, ["neutrophil", "monocyte"] * 400)
    )
    for found, width in ((few, 0.3694), (many, 0.0046)):  # 1 - 0.025 ** (1 / n), Clopper and Pearson
        low, high = found.largest_shift["ci95"]
        assert (low, high) == pytest.approx((-100 * width, 100 * width), abs=0.02)
        assert found.agreement["ci95"] == pytest.approx([1 - width, 1], abs=2e-4)
    assert few.by_class["basophil"]["ci95"] == [0, 1]  # nothing is known of a class without cells


def test_a_check_says_by_how_much_a_normal_differential_would_be_off():
    truth = ["neutrophil"] * 10 + ["lymphocyte"] * 10
    wrong = ["eosinophil"] * 2 + truth[2:]
    found = compare(CLASSES, indices(*truth), predictions(*truth), predictions(*wrong)).normal_differential
    assert found["class"] in ("neutrophil", "eosinophil") and abs(found["points"]) == pytest.approx(0.2 * 5700 / 88)
    low, high = found["largest_ci95"]
    assert 0 <= low <= abs(found["points"]) <= high
    platelets = predictions("platelet")
    assert compare(CLASSES, indices("platelet"), platelets, platelets).normal_differential is None


def test_a_loss_in_either_accuracy_counts():
    truth = indices(*["neutrophil"] * 9, "basophil")
    found = compare(CLASSES, truth, predictions(*["neutrophil"] * 9, "basophil"), predictions(*["neutrophil"] * 10))
    assert found.loss_points == pytest.approx(50)  # one of ten cells, but one of two classes


def test_the_surest_disagreement_comes_first():
    truth = indices("monocyte", "monocyte", "monocyte")
    before = predictions("monocyte") + predictions("monocyte", confidence=0.6) + predictions("monocyte")
    found = compare(CLASSES, truth, before, predictions("lymphocyte", "basophil", "monocyte"))
    worst = found.worst(["a.png", "b.png", "c.png"])
    assert [row["file"] for row in worst] == ["a.png", "b.png"]
    assert worst[0]["float"] == "monocyte" and worst[0]["quantized"] == "lymphocyte"
    assert found.worst(["a.png", "b.png", "c.png"], 1) == worst[:1]


def test_unidentified_cells_agree_by_their_likeliest_class():
    unsure = [replace(predictions("monocyte", confidence=0.4)[0], label=UNIDENTIFIED)]
    found = compare(CLASSES, indices("monocyte"), predictions("monocyte"), unsure)
    assert found.agreement["share"] == 1 and found.shown_agreement == 0
    assert found.quantized.unidentified == 1


@pytest.fixture
def folder(tmp_path):
    """Drawn smears of one white cell each, under two names of classes."""
    root = tmp_path / "labelled"
    for number, name in enumerate(["NEU", "monocytes", "NEU", "monocytes"]):
        (root / name).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / name / f"{number}.png"), smear(seed=number))
    return root


@pytest.fixture
def models(tmp_path):
    """The tiny pair under the names that belong together, free to be changed."""
    for source, name in ((TINY, "m-int8"), (TINY_FLOAT, "m-float16")):
        for suffix in (".tflite", ".json"):
            shutil.copy(source.with_suffix(suffix), tmp_path / (name + suffix))
    return tmp_path / "m-int8.tflite"


def strip(models):
    """Cards as the converter writes them, without a certificate."""
    for path in (models.with_suffix(".json"), models.with_name("m-float16.json")):
        replace(ModelCard.load(path), certificate={}).save(path)


def run(models, *words):
    return check.main([*map(str, words), "--quantized", str(models)])


def test_each_picture_gives_the_cell_nearest_to_its_middle(folder):
    found = from_folder(folder, simulated_card())
    assert found.crops.shape == (4, 64, 64, 3)
    assert found.names == ("NEU/0.png", "NEU/2.png", "monocytes/1.png", "monocytes/3.png")
    assert [CLASSES[i] for i in found.labels] == ["neutrophil"] * 2 + ["monocyte"] * 2
    assert not found.missed and found.described == "labelled"
    violet = found.crops[:, 28:36, 28:36].reshape(-1, 3).mean(axis=0)
    assert violet[0] < 150 and violet[2] > violet[1]  # RGB, the nucleus in the middle


def test_every_cell_of_a_field_can_be_taken(folder):
    cv2.imwrite(str(folder / "NEU" / "two.png"), smear(640, 480, white_cells=4, seed=9))
    nearest, every = (from_folder(folder, simulated_card(), every=one) for one in (False, True))
    assert len(every.labels) > len(nearest.labels) == 5


def test_pictures_without_a_cell_and_unknown_folders_are_told(folder):
    cv2.imwrite(str(folder / "NEU" / "empty.png"), smear(white_cells=0))
    (folder / "NEU" / "broken.png").write_bytes(b"\x89PNG")
    (folder / "masks").mkdir()
    found = from_folder(folder, simulated_card())
    assert len(found.labels) == 4
    assert {name for name, _ in found.missed} == {"NEU/empty.png", "NEU/broken.png", "masks/"}


def test_a_folder_without_classes_or_cells_is_refused(tmp_path):
    (tmp_path / "NEU").mkdir()
    with pytest.raises(NothingCountable):
        from_folder(tmp_path, simulated_card())
    with pytest.raises(UsageError, match="no subfolder named after a class"):
        from_folder(tmp_path / "NEU", simulated_card())
    with pytest.raises(UsageError, match="not a folder"):
        from_folder(tmp_path / "absent", simulated_card())


def test_a_pair_that_measures_distances_is_certified_and_keeps_them(folder, tmp_path):
    for source, name in ((FAR, "m-int8"), (FAR_FLOAT, "m-float16")):
        shutil.copy(source, tmp_path / f"{name}.tflite")
        replace(ModelCard.load(source.with_suffix(".json")), certificate={}).save(tmp_path / f"{name}.json")
    assert run(tmp_path / "m-int8.tflite", folder, "--certify") == 0
    card, _ = load_verified(tmp_path / "m-int8.tflite")
    assert card.centres == ModelCard.load(FAR.with_suffix(".json")).centres and card.distance_threshold == 3


def test_models_of_other_centres_do_not_belong_together(folder, models, capsys):
    shutil.copy(FAR, models)
    shutil.copy(FAR.with_suffix(".json"), models.with_suffix(".json"))
    assert run(models, folder) == ModelError.exit_code
    assert "their cards differ in centres" in capsys.readouterr().err


def test_a_good_pair_passes_and_says_all_it_measured(folder, models, tmp_path, capsys):
    assert run(models, folder, "--json", tmp_path / "out.json") == 0
    shown = capsys.readouterr().out
    assert "within the tolerance" in shown and "agreement 100.00%" in shown
    assert shown.count("immature granulocyte") == 2 and all(len(line) <= 80 for line in shown.splitlines())
    assert "largest shift of the differential: " in shown and "+0.00 points (95 % interval" in " ".join(shown.split())
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["agreement"]["cells"] == 4 and found["passed"]
    assert found["float"]["sha256"] == load_verified(TINY_FLOAT)[0].sha256
    for side in ("float", "quantized"):
        assert found[side]["ms_per_cell"] > 0
        assert found[side]["per_class"]["neutrophil"]["cells"] == 2
    assert found["float"]["megabytes"] == pytest.approx(TINY_FLOAT.stat().st_size / 1e6)


def test_json_on_standard_output_leaves_the_table_to_standard_error(folder, models, capsys):
    assert run(models, folder, "--json", "-") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["schema"] == "leuko-check/1"
    assert "tolerance" in err


@pytest.mark.parametrize("limit", [("--tolerance", "-0.1"), ("--agreement", "100.1"), ("--shift", "-0.1")])
def test_beyond_any_tolerance_the_exit_code_is_one(folder, models, limit, capsys):
    before = models.with_suffix(".json").read_text()
    assert run(models, folder, *limit, "--certify") == 1
    assert "beyond the tolerance" in capsys.readouterr().out
    assert models.with_suffix(".json").read_text() == before


def test_the_certificate_goes_into_the_card_without_the_machines_folders(folder, models):
    strip(models)
    assert run(models, folder, "--certify") == 0
    card, _ = load_verified(models, certified=True)  # still the card of this model
    assert card.certificate["agreement"]["cells"] == 4
    assert card.certificate["by_class"]["artefact"]["agreed"] == 4
    assert card.certificate["data"]["name"] == "labelled" and len(card.certificate["data"]["sha256"]) == 64
    assert card.certificate["command"] == "leuko-check labelled --certify --quantized m-int8.tflite"
    assert card.certificate["data"]["sources"] == 4
    assert card.certificate["by_class"]["neutrophil"]["bias_ci95"][0] < 0
    twin = load_verified(models.with_name("m-float16.tflite"), certified=True)[0]
    assert twin.certificate == card.certificate and twin.sha256 == card.certificate["float"]["sha256"]
    assert str(folder.parent) not in models.with_suffix(".json").read_text()


def test_a_cell_set_is_checked_on_its_test_split(models, monkeypatch, tmp_path):
    labels = np.arange(9)
    crops = np.stack([np.full((144, 144, 3), COLOURS[CLASSES[i]], np.uint8) for i in labels])
    cells = SimpleNamespace(
        crops=crops,
        labels=labels,
        splits=np.array(["train"] + ["test"] * 8),
        paths=np.array([f"{i}.png" for i in labels]),
        labs=np.array(["north", "south", "south"] * 3),
        sources=np.array(["1", "1", "2"] * 3),  # photograph 1 of two laboratories is not the same
        sha256="cd" * 32,
    )
    monkeypatch.setattr("leuko_train.data.cell_set", SimpleNamespace(load=lambda _: cells), raising=False)
    assert run(models, "--cells", tmp_path / "set", "--json", tmp_path / "out.json") == 0
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["data"] == {
        "name": "set, split test",
        "cells": 8,
        "sources": 3,
        "sha256": "cd" * 32,
        "missed": [],
    }
    assert found["quantized"]["accuracy"] == 1.0
    assert run(models, "--cells", tmp_path / "set", "--split", "validation") == 3


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([], 2),
        (["x", "--cells", "y"], 2),
        (["absent"], 2),
        (["x", "--threads", "0"], 2),
        (["x", "--float", "absent.tflite"], 4),
        (["x", "--quantised", "y"], 2),
        (["--finder", "--rnu", "y"], 2),
    ],
)
def test_wrong_usage_and_missing_models_are_one_sentence(models, capsys, words, code):
    assert run(models, *words) == code
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("leuko-check: ") and err.count("\n") == 1


def test_models_that_do_not_belong_together_are_refused(folder, models, capsys):
    path = models.with_name("m-float16.json")
    card = ModelCard.load(path)
    replace(card, window_um=32.0, um_per_px=0.5).save(path)
    assert run(models, folder) == 4
    assert "differ in window_um" in capsys.readouterr().err


def test_the_command_in_a_certificate_names_files_only_and_can_be_copied(folder, models, capsys):
    spaced = folder.rename(folder.with_name("b c"))
    assert run(models, spaced, "--certify", "--json", "-") == 0
    command = load_verified(models)[0].certificate["command"]
    assert command == "leuko-check 'b c' --certify --json - --quantized m-int8.tflite"
