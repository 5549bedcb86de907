import json

import numpy as np
import pytest

pytest.importorskip("tensorflow")
from made_cells import made_cells

from leuko_edge.types import CLASSES
from leuko_train import evaluate

TRAINED = {
    "settings": {"seed": 1, "exclude_labs": ["south"]},
    "provenance": {"commit": "abc"},
    "temperature": 1.0,
    "confidence_threshold": 0.5,
}


def answers(labels: list[str], confidence: float = 0.92) -> np.ndarray:
    rest = (1 - confidence) / (len(CLASSES) - 1)
    found = np.full((len(labels), len(CLASSES)), rest)
    found[np.arange(len(labels)), [CLASSES.index(name) for name in labels]] = confidence
    return found


def figures(truth: list[str], said: list[str], threshold: float = 0.0) -> dict:
    numbers = np.array([CLASSES.index(name) for name in truth])
    return evaluate.of_lab(answers(said), numbers, np.arange(len(truth)), threshold)


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


def test_the_report_goes_by_laboratory_and_says_what_was_left_out_of_training(tmp_path, capsys):
    cells = made_cells()
    chosen = np.flatnonzero(cells.splits == "test")
    raw = answers([CLASSES[label] for label in cells.labels[chosen]])
    evaluate.write(tmp_path / "out", "model", "test", cells, chosen, raw, TRAINED, 0.5)
    written = json.loads((tmp_path / "out" / "report.json").read_text())
    assert written["labs"]["north"]["nine"]["balanced_accuracy"] == 1
    assert written["trained"]["exclude_labs"] == ["south"]
    assert written["provenance"]["data_sha256"] == cells.sha256
    assert "| south | 9 |" in capsys.readouterr().out
    assert (tmp_path / "out" / "reliability.png").stat().st_size > 1000
