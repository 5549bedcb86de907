"""A control's file: what is read, what is refused, and how one is made of reviewed photographs."""

import json
import shutil
import time

import pytest

from leuko_edge.cli.main import main
from leuko_edge.errors import UsageError
from leuko_edge.qc import control as controls
from leuko_edge.store.archive import Archive
from leuko_edge.store.review import Review

CELL = {"picture": "a.png", "x": 1, "y": 2, "class": "neutrophil"}
FILE = {
    "schema": controls.SCHEMA,
    "name": "lot 7",
    "cells": [CELL],
    "signs": {"light": 200},
    "usual": {"light": [1, 2]},
}


def test_what_is_written_is_read_again_and_is_the_same_control(tmp_path):
    (tmp_path / "control.json").write_text(json.dumps(FILE))
    known = controls.load(str(tmp_path))
    assert known.name == "lot 7" and known.cells[0].label == "neutrophil" and known.differential == {"neutrophil": 100}
    controls.save(known, str(tmp_path / "again.json"))
    again = controls.load(str(tmp_path / "again.json"))
    assert again == known and again.sha256 == known.sha256


def test_another_known_cell_makes_another_control(tmp_path):
    shas = []
    for y in (2, 3):
        (tmp_path / "control.json").write_text(json.dumps(FILE | {"cells": [CELL | {"y": y}]}))
        shas.append(controls.load(str(tmp_path)).sha256)
    assert shas[0] != shas[1]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"schema": "other"}, "'leuko-edge-control/1' is needed"),
        ({"cells": []}, "neither known cells nor a known differential"),
        ({"cells": [{"picture": "a"}]}, "'x' is not there"),
        ({"cells": [CELL | {"class": "cat"}]}, "'cat' is no class"),
        ({"cells": [CELL | {"class": "platelet"}]}, "'platelet' is no class of cells to be found again"),
        ({"cells": [CELL | {"x": "1"}]}, "should be a number"),
        ({"cells": [CELL | {"x": 1e999}]}, "should be a number"),
        ({"cells": [], "differential": {"cells": 100, "classes": {"neutrophil": 50}}}, "adds up to 50 %"),
        ({"usual": {"light": [1, 0]}}, "above 0"),
        ({"usual": {"light": 1}}, "cannot unpack"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_file(tmp_path, changed, said):
    file = tmp_path / "control.json"
    file.write_text(json.dumps(FILE | changed))
    with pytest.raises(UsageError, match=said) as refused:
        controls.load(str(tmp_path))
    assert str(file) in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"schema": 3}', "\x00", '{"schema": "leuko-edge-control/1", "cells": 3}']
)
def test_what_is_no_control_at_all_is_refused(tmp_path, text):
    (tmp_path / "control.json").write_text(text)
    with pytest.raises(UsageError):
        controls.load(str(tmp_path))


def test_a_control_is_made_of_a_signed_session_of_its_photographs(control, tmp_path, capsys):
    mine, database = tmp_path / "mine", tmp_path / "s.sqlite3"
    shutil.copytree(control, mine)
    (mine / "control.json").unlink()
    assert main(["--image", str(mine), "--sample", "control", "--database", str(database), "--quiet"]) == 0
    learn = ["qc", "--learn", str(mine), "--session", "1", "--database", str(database)]
    assert main(learn) == 2 and "is not signed" in capsys.readouterr().err
    Review(database).sign(1, "AB", time.time())
    with Archive(database) as archive:
        record = archive.record(1)
    assert main(learn) == 0
    known = controls.load(str(mine))
    white = [cell for cell in record.standing if cell.label not in ("platelet", "artefact", "unidentified")]
    assert len(known.cells) == len(white) and known.signs["found"] == 1.0 and known.signs["light"] > 100
    assert main(["qc", "--control", str(mine), "--database", str(database)]) == 0
