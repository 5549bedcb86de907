import json

import numpy as np
import pytest

pytest.importorskip("tensorflow")
from made_cells import made_cells

from leuko_edge.types import CLASSES
from leuko_train.data import laboratories
from leuko_train.evaluation import report as evaluation_report
from leuko_train.metrics import answers as measures
from leuko_train.metrics.answers import Answers

TRAINED = {
    "settings": {"seed": 1, "exclude_labs": ["south"]},
    "provenance": {"commit": "abc"},
    "temperature": 1.0,
    "confidence_threshold": 0.5,
}


def probabilities(labels: list[str], confidence: float = 0.92) -> np.ndarray:
    rest = (1 - confidence) / (len(CLASSES) - 1)
    found = np.full((len(labels), len(CLASSES)), rest)
    found[np.arange(len(labels)), [CLASSES.index(name) for name in labels]] = confidence
    return found


def answers(truth: list[str], said: list[str], temperature: float = 1.0) -> Answers:
    numbers = np.array([CLASSES.index(name) for name in truth])
    return Answers(probabilities(said), numbers, np.arange(len(truth)), temperature)


def figures(truth: list[str], said: list[str], threshold: float = 0.0, temperature: float = 1.0) -> dict:
    return measures.measure(answers(truth, said, temperature), threshold)


def test_five_classes_asks_only_for_true_leukocytes_of_the_five():
    found = figures(["neutrophil", "lymphocyte", "platelet"], ["neutrophil", "lymphocyte", "artefact"])
    assert found["five"]["balanced_accuracy"] == 1 and found["five"]["cells"] == 2
    assert found["nine"]["balanced_accuracy"] == pytest.approx(2 / 3)


def test_an_answer_outside_the_five_is_wrong():
    found = figures(["neutrophil", "neutrophil"], ["neutrophil", "immature_granulocyte"])
    assert found["five"]["balanced_accuracy"] == 0.5


def test_a_laboratory_without_the_five_has_no_such_figure():
    assert "five" not in figures(["platelet"], ["platelet"])


def test_cells_below_the_threshold_are_rejected():
    assert figures(["monocyte"], ["monocyte"], threshold=0.95)["rejected"] == 1
    assert figures(["monocyte"], ["monocyte"], threshold=0.9)["rejected"] == 0


def test_leukocytes_set_aside_are_counted_among_leukocytes():
    found = figures(["monocyte", "platelet"], ["monocyte", "platelet"], threshold=0.95)
    assert found["rejected_leukocytes"] == 1
    assert figures(["platelet"], ["platelet"])["rejected_leukocytes"] is None


def test_one_lost_basophil_is_told_apart_from_the_classes_that_have_enough_cells():
    found = figures(["neutrophil"] * 6 + ["basophil"], ["neutrophil"] * 6 + ["neutrophil"])["five"]
    assert found["balanced_accuracy"] == 0.5 and found["balanced_accuracy_enough"] == 1
    assert found["classes_too_few"] == ["basophil"]


def test_a_class_that_was_never_missed_still_has_doubt():
    found = figures(["lymphocyte"] * 17, ["lymphocyte"] * 17)["nine"]["per_class"]
    low, high = found["recall_ci95"][CLASSES.index("lymphocyte")]
    assert high == 1 and low == pytest.approx(0.8157, abs=1e-4)  # Wilson's of 17 of 17


def test_calibration_is_told_before_and_after_the_runs_own_temperature():
    found = figures(["monocyte", "monocyte"], ["monocyte", "basophil"], temperature=2.0)["nine"]
    assert found["calibration_error_untempered"] == pytest.approx(0.92 - 0.5)
    assert found["calibration_error"] < found["calibration_error_untempered"]


def test_the_least_sure_tenth_is_set_aside():
    sure, unsure = probabilities(["monocyte"] * 9), probabilities(["basophil"], 0.4)
    truth = np.full(10, CLASSES.index("monocyte"))
    found = measures.measure(Answers(np.concatenate([unsure, sure]), truth, np.arange(10), 1.0), 0.0)["nine"]
    assert found["accuracy"] == 0.9 and found["accuracy_least_sure_aside"] == 1
    assert [at["accuracy"] for at in found["coverage"]] == [0.9, 0.9, 1, 1]


def test_the_mean_over_laboratories_weighs_each_alike():
    good, bad = answers(["monocyte"] * 30, ["monocyte"] * 30), answers(["monocyte"] * 2, ["basophil"] * 2)
    value, (low, high) = measures.mean_balanced([good, bad])
    assert value == low == high == 0.5


def test_copies_and_unchecked_labels_are_no_laboratory():
    found = laboratories.groups(["tecom", "kaggle", "pbc", "bccd", "simulated", "ours"])
    assert found == {"bccd": ("bccd", "kaggle"), "ours": ("ours",), "pbc": ("pbc",)}


def test_the_report_goes_by_laboratory_and_says_what_was_left_out_of_training(tmp_path, capsys):
    cells = made_cells()
    chosen = np.flatnonzero(cells.splits == "test")
    raw = probabilities([CLASSES[label] for label in cells.labels[chosen]])
    given = Answers(raw, cells.labels[chosen], cells.sources[chosen], 1.0)
    named = {"model": "model", "split": "test"}
    evaluation_report.write(tmp_path / "out", named, given, cells.labs[chosen], TRAINED, 0.5, cells.sha256)
    written = json.loads((tmp_path / "out" / "report.json").read_text())
    assert written["labs"]["north"]["nine"]["balanced_accuracy"] == 1
    assert written["mean"]["nine"]["laboratories"] == ["north", "south"]
    assert written["trained"]["exclude_labs"] == ["south"]
    assert written["provenance"]["data_sha256"] == cells.sha256
    printed = capsys.readouterr().out
    assert "| south | 9 |" in printed and "| south | 5 |" in printed
    for name in ("reliability.png", "coverage.png", "confusion.png"):
        assert (tmp_path / "out" / name).stat().st_size > 1000
