import csv
import json
import math
import os
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from drawn import counted_cell

from leuko_edge.errors import Reason
from leuko_edge.pipeline import Outcome
from leuko_edge.plain_text import is_one_line, readable
from leuko_edge.results import report
from leuko_edge.results.report import CSV_COLUMNS, About, CsvReport, JsonReport
from leuko_edge.sources.pictures import LeftOut
from leuko_edge.tally import Tally
from leuko_edge.types import Cell, CountedCell, PictureResult, Prediction, Quality, Scale, Skip


def picture(index: int, *labels: str) -> Outcome:
    cells = tuple(
        counted_cell(label, number=number, counted=label in ("neutrophil", "monocyte"))
        for number, label in enumerate(labels, start=1)
    )
    result = PictureResult(f"{index}.png", 640, 480, Scale(0.1234567, "red cells", 9), Quality(0.5), cells)
    return Outcome(index, result)


def lost(index: int) -> Outcome:
    result = PictureResult(f"{index}.png", 0, 0, None, Quality(math.nan, False, Skip.LOST))
    return Outcome(index, result, refused="the file is empty (0 bytes)", reason=Reason.EMPTY)


def written(path, *outcomes: Outcome) -> dict:
    tally, sink = Tally(), JsonReport(str(path), "leuko", "abc", "slide-7")
    for outcome in outcomes:
        tally.add(outcome.result)
        sink.add(outcome)
    sink.finish(tally, tally.differential())
    return json.loads(path.read_text())


def test_the_fields_are_those_of_the_house(tmp_path):
    found = written(tmp_path / "r.json", picture(0, "neutrophil", "platelet", "unidentified"))
    old = ["schema", "model", "source", "images", "frames", "differential"]
    assert list(found) == [*old, "not_counted", "warnings", "notice", "program", "counted_at"]
    assert found["schema"] == "leuko-edge/1" and found["source"] == "slide-7"
    assert found["model"] == {"name": "leuko", "sha256": "abc"}
    image = found["images"][0]
    assert list(image) == ["path", "width", "height", "um_per_px", "quality", "cells"]
    quality = {"focus": 0.5, "counted": True, "reason": None, "code": None, "sentence": None}
    assert image["quality"] == quality and image["um_per_px"] == 0.12346
    first = {"id": 1, "box": [40, 30, 38, 38], "label": "neutrophil", "confidence": 0.98, "counted": True}
    assert image["cells"][0] == first and list(image["cells"][0]) == list(first)
    assert [cell["counted"] for cell in image["cells"]] == [True, False, False]


LATER = ("smudges_per_100_wbc", "abnormal")


def test_the_differential_says_count_share_interval_range_and_flag(tmp_path):
    found = written(tmp_path / "r.json", picture(0, *["neutrophil"] * 10, *["monocyte"] * 10, "erythroblast"))
    differential = found["differential"]
    assert list(differential) == ["counted", "classes", "nrbc_per_100_wbc", "unidentified", "excluded", *LATER]
    assert differential["classes"]["neutrophil"] == {
        "count": 10,
        "percent": 50.0,
        "ci95": [27.2, 72.8],
        "reference": [40, 60],
        "flag": "normal",
    }
    assert differential["classes"]["monocyte"]["flag"] == "high"
    assert differential["nrbc_per_100_wbc"] == 5.0 and differential["excluded"] == {"platelet": 0, "artefact": 0}


def test_captured_is_counted_and_skipped_together(tmp_path):
    frames = written(tmp_path / "r.json", picture(0), lost(1), picture(2))["frames"]
    assert frames == {"captured": 3, "counted": 2, "skipped": {"moving": 0, "defocused": 0, "clipped": 0, "lost": 1}}


def test_pictures_stand_in_the_order_given_whenever_they_were_done(tmp_path):
    found = written(tmp_path / "r.json", picture(2), lost(0), picture(1))
    assert [image["path"] for image in found["images"]] == ["0.png", "1.png", "2.png"]


def test_what_is_not_known_is_null_and_the_json_is_strict(tmp_path):
    found = written(tmp_path / "r.json", lost(0))
    image = found["images"][0]
    assert (image["width"], image["um_per_px"], image["quality"]["focus"]) == (None, None, None)
    assert image["quality"]["reason"] == "lost" and found["differential"]["classes"]["basophil"]["percent"] is None
    assert "NaN" not in (tmp_path / "r.json").read_text()


def test_a_guessed_scale_says_how_sure_it_is_and_warns(tmp_path):
    guess = picture(0, "neutrophil")
    guess = replace(guess, result=replace(guess.result, scale=Scale(0.1, "assumed", within=1.5)))
    found = written(tmp_path / "r.json", guess, picture(1, "neutrophil"))
    assert found["images"][0]["um_per_px_within"] == 1.5 and "um_per_px_within" not in found["images"][1]
    (warned,) = found["warnings"]
    assert "1 picture is a guess, right to within a factor of 1.5" in warned and "--um-per-px" in warned


def test_numbers_from_numpy_are_numbers(tmp_path):
    cell = Cell(tuple(np.array([1, 2, 3, 4])), (np.float32(2), np.float32(4)), np.zeros((3, 2), np.int32))
    entry = CountedCell(1, cell, Prediction("neutrophil", np.float32(0.5), (0.5,)), True)
    outcome = Outcome(0, PictureResult("a", 9, 9, Scale(np.float32(0.1), "given"), Quality(np.float32(0.25)), (entry,)))
    assert written(tmp_path / "r.json", outcome)["images"][0]["cells"][0]["box"] == [1, 2, 3, 4]


def test_standard_output_gets_the_same_document(tmp_path, capsys):
    tally, sink = Tally(), JsonReport("-", "leuko", "abc", "slide-7")
    sink.finish(tally, tally.differential())
    assert json.loads(capsys.readouterr().out)["images"] == []


def test_csv_has_a_row_for_each_cell(tmp_path):
    sink, tally = CsvReport(str(tmp_path / "r.csv")), Tally()
    for outcome in (picture(1, "neutrophil", "platelet"), lost(2), picture(0, "monocyte")):
        sink.add(outcome)
    sink.finish(tally, tally.differential())
    with open(tmp_path / "r.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [(row["path"], row["id"], row["label"], row["counted"]) for row in rows] == [
        ("0.png", "1", "monocyte", "true"),
        ("1.png", "1", "neutrophil", "true"),
        ("1.png", "2", "platelet", "false"),
        ("2.png", "", "", ""),
    ]
    assert (rows[3]["reason"], rows[3]["sentence"]) == ("empty", "the file is empty (0 bytes)")
    assert all("Not a medical device" in row["notice"] and row["program"].startswith("leuko-edge ") for row in rows)
    assert all(datetime.fromisoformat(row["counted_at"]).tzinfo for row in rows)
    assert rows[0]["centre_x"] == "59.0" and rows[0]["scale_origin"] == "red cells" and rows[0]["width"] == "38"
    assert all(column in report.__doc__ for column in CSV_COLUMNS)


def test_an_old_report_survives_a_failed_one(tmp_path, monkeypatch):
    path = tmp_path / "r.json"
    path.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        report.write(str(path), "new")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["r.json"]


def test_a_link_is_written_through_not_replaced(tmp_path):
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    report.write(str(tmp_path / "link.json"), "new")
    assert (tmp_path / "real.json").read_text() == "new" and (tmp_path / "link.json").is_symlink()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs Linux's /dev/full")
def test_a_device_is_written_to_not_replaced():
    with pytest.raises(OSError, match="No space"):
        report.write("/dev/full", "text")
    assert not os.path.isfile("/dev/full")


def test_names_that_no_terminal_can_print_become_readable():
    assert readable("a\x1b[31m\n.png") == "a\ufffd[31m\ufffd.png"
    assert readable(os.fsdecode(b"caf\xe9.png")) == "caf\ufffd.png"
    assert readable("Zellen µ 3.png") == "Zellen µ 3.png"
    assert readable("a\u202egnp.exe") == "a\ufffdgnp.exe"


@pytest.mark.parametrize("name", ["山田\u3000太郎.png", "no\u00a0break.png", "म\u200dक.png"])
def test_spaces_and_joiners_of_other_scripts_are_letters(name, tmp_path):
    assert readable(name) == name and is_one_line(name)
    found = written(tmp_path / "r.json", Outcome(0, PictureResult(name, 9, 9, None, Quality(0.5))))
    assert found["images"][0]["path"] == name


def test_a_path_with_a_line_break_comes_out_of_the_json_as_it_is(tmp_path):
    found = written(tmp_path / "r.json", Outcome(0, PictureResult("a\nb.png", 9, 9, None, Quality(0.5))))
    assert found["images"][0]["path"] == "a\nb.png" and not is_one_line("a\nb")


def test_the_report_says_what_was_not_counted_and_why_and_what_a_reader_must_not_miss(tmp_path):
    left = [LeftOut("slide/a.gif", "this format is not read", Reason.UNKNOWN_FORMAT)]
    about, tally = About(left, warn_share=0.1), Tally()
    sinks = (
        JsonReport(str(tmp_path / "r.json"), "leuko", "abc", "slide", about),
        CsvReport(str(tmp_path / "r.csv"), about),
    )
    outcomes = picture(0, *["neutrophil"] * 10, *["unidentified"] * 10), lost(1)
    for outcome in outcomes:
        tally.add(outcome.result)
        for sink in sinks:
            sink.add(outcome)
    for sink in sinks:
        sink.finish(tally, tally.differential())
    found = json.loads((tmp_path / "r.json").read_text())
    assert found["not_counted"] == [
        {"path": "slide/a.gif", "code": "unknown_format", "sentence": "this format is not read"},
        {"path": "1.png", "code": "empty", "sentence": "the file is empty (0 bytes)"},
    ]
    assert found["images"][1]["quality"]["code"] == "empty" and "50 %" in found["warnings"][0]
    with open(tmp_path / "r.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["path"] for row in rows if row["reason"]] == ["slide/a.gif", "1.png"]
    assert all(row["warning"] == found["warnings"][0] for row in rows)
