"""Several networks' answers averaged, from folders as `travel` leaves them."""

import json

import numpy as np
import pytest

pytest.importorskip("keras", reason="training needs leuko-edge[train]")
from made_cells import made_cells

from leuko_edge.errors import UsageError
from leuko_edge.types import CLASSES
from leuko_train.cli import main
from leuko_train.data import cell_set


def trained(out, rows, raw, of="ab" * 32):
    """A folder that `travel` wrote without the laboratory north."""
    folder = out / "as-told" / "north"
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(
        json.dumps({"temperature": 1.0, "confidence_threshold": 0.2, "settings": {"data_sha256": of}})
    )
    np.savez(folder / "answers.npz", rows=rows, raw=raw)
    return out


def sure_of(labels, share):
    """(n, classes): `share` for the class named, the rest for the others."""
    raw = np.full((len(labels), len(CLASSES)), (1 - share) / (len(CLASSES) - 1))
    raw[np.arange(len(labels)), labels] = share
    return raw


@pytest.fixture
def cells(monkeypatch):
    made = made_cells(144)
    monkeypatch.setattr(cell_set, "load", lambda folder: made)
    return made


def figures(printed):
    """Balanced accuracy of five classes, by network."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in printed.splitlines() if "| north |" in line]
    return {row[2]: (int(row[3]), float(row[4])) for row in rows}


def test_the_surer_of_two_networks_prevails_on_the_cells_that_both_were_asked_about(cells, tmp_path, capsys):
    north = np.flatnonzero(cells.labs == "north")
    truth = cells.labels[north]
    right = trained(tmp_path / "right", north, sure_of(truth, 0.9))
    fewer = north[3:][::-1]
    wrong = trained(tmp_path / "wrong", fewer, sure_of((cells.labels[fewer] + 1) % 5, 0.5))
    told = ["committee", "--cells", "CELLS", "--left-out", "north", "--out", str(right), str(wrong)]
    assert main(told) == 0
    found = figures(capsys.readouterr().out)
    assert {name: count for name, (count, _) in found.items()} == dict.fromkeys(found, len(north) - 3)
    assert found["right"][1] == found["all averaged"][1] == 100 and found["wrong"][1] == 0


def test_a_folder_without_the_training_is_named(cells, tmp_path, capsys):
    north = np.flatnonzero(cells.labs == "north")
    right = trained(tmp_path / "right", north, sure_of(cells.labels[north], 0.9))
    told = ["committee", "--cells", "CELLS", "--left-out", "north", "--out", str(right), str(tmp_path / "none")]
    assert main(told) == UsageError.exit_code
    assert "without north; run leuko-train travel" in capsys.readouterr().err


def test_answers_about_other_cells_are_refused(cells, tmp_path, capsys):
    out = trained(tmp_path / "old", np.arange(9), sure_of(cells.labels[:9], 0.9), of="cd" * 32)
    assert main(["committee", "--cells", "CELLS", "--left-out", "north", "--out", str(out), str(out)]) == 2
    assert "other cells" in capsys.readouterr().err
