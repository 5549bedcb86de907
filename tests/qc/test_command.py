"""`leuko-edge qc` from its command line: a control passes as it was, and what has changed is told by its name."""

import json
import shutil

import pytest
from qc_control import write

from leuko_edge.cli import qc_sources
from leuko_edge.cli.main import main
from leuko_edge.store.archive import Archive
from leuko_edge.store.quality import Quality


def qc(tmp_path, *words):
    """(exit code, the test's JSON)."""
    report = tmp_path / "qc.json"
    code = main(["qc", *map(str, words), "--database", str(tmp_path / "s.sqlite3"), "--json", str(report)])
    return code, json.loads(report.read_text())


def test_the_control_passes_as_it_was_and_is_kept_as_a_test_and_not_as_a_session(control, tmp_path, capsys):
    code, report = qc(tmp_path, "--control", control, "--operator", "AB")
    assert code == 0 and report["passed"] and report["findings"] == []
    assert report["cells"]["found"] == report["cells"]["known"] >= 40
    assert "PASSED" in capsys.readouterr().out
    (run,) = Quality(tmp_path / "s.sqlite3").runs()
    assert run.passed and run.operator == "AB" and not run.drawn and run.control == "drawn"
    with Archive(tmp_path / "s.sqlite3") as archive:
        assert archive.sessions() == ()


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ("dimmed", "dark"),
        ("blurred", "blurred"),
        ("blue-shifted", "background_bluer"),
        ("enlarged", "cells_larger"),
    ],
)
def test_what_has_changed_fails_the_test_with_its_own_code_and_a_cure(slide, control, tmp_path, capsys, damage, code):
    today = write(tmp_path / "today", slide, damage)
    exit_code, report = qc(tmp_path, "--control", control, "--image", today)
    failing = [finding for finding in report["findings"] if finding["fails"]]
    assert exit_code == 4 and code in [finding["code"] for finding in failing]
    assert all(finding["cure"] for finding in failing)
    if damage == "dimmed":  # changes no cell, so that nothing else is said
        assert len(report["findings"]) == 1
    assert "FAILED" in capsys.readouterr().out
    assert not Quality(tmp_path / "s.sqlite3").runs()[0].passed


def test_a_known_cell_that_is_not_there_any_more_is_missed(control, tmp_path):
    mine = shutil.copytree(control, tmp_path / "mine")
    known = json.loads((mine / "control.json").read_text())
    known["cells"] += [{"picture": "drawn-01.png", "x": x, "y": 3, "class": "neutrophil"} for x in (5, 790)]
    (mine / "control.json").write_text(json.dumps(known))
    code, report = qc(tmp_path, "--control", mine)
    assert code == 4 and [finding["code"] for finding in report["findings"]] == ["cells_missed"]
    assert report["cells"]["known"] - report["cells"]["found"] == 2


def test_a_photograph_that_cannot_be_counted_fails_the_test(control, tmp_path):
    mine = shutil.copytree(control, tmp_path / "mine")
    (mine / "drawn-02.png").write_bytes(b"no picture")
    code, report = qc(tmp_path, "--control", mine)
    assert code == 4 and {"pictures_lost", "cells_missed"} <= {finding["code"] for finding in report["findings"]}
    assert [one["picture"] for one in report["lost"]] == ["drawn-02.png"]


def test_other_photographs_of_the_slide_are_compared_by_its_differential(slide, control, tmp_path):
    today = write(tmp_path / "today", slide)
    for file in today.glob("*.png"):
        file.rename(today / f"other-{file.name}")
    code, report = qc(tmp_path, "--control", control, "--image", today)
    assert code == 0 and report["cells"]["known"] == 0

    known = json.loads((control / "control.json").read_text())
    known |= {"cells": [], "differential": {"cells": 200, "classes": {"lymphocyte": 90, "neutrophil": 10}}}
    (tmp_path / "control.json").write_text(json.dumps(known))
    code, report = qc(tmp_path, "--control", tmp_path / "control.json", "--image", today)
    assert code == 4 and {finding["code"] for finding in report["findings"]} == {"other_differential"}
    assert {finding["sign"] for finding in report["findings"]} == {"lymphocyte", "neutrophil"}


def test_the_drawn_control_needs_nothing_and_is_marked_as_drawn(slide, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(qc_sources, "DrawnSlide", lambda: slide)  # drawn once for all tests
    code, report = qc(tmp_path, "--drawn")
    assert code == 0 and report["control"] == report["control"] | {"name": "drawn", "drawn": True}
    capsys.readouterr()
    assert main(["qc", "--list", "--database", str(tmp_path / "s.sqlite3")]) == 0
    assert "passed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "there is no control to test"),
        (("--control", "nowhere"), "cannot be read"),
        (("--drawn", "--control", "x"), "two controls"),
        (("--drawn", "--image", "x"), "cannot be tested together"),
        (("--session", "3"), "goes with --learn"),
        (("--learn", "nowhere"), "cannot be read"),
        (("--learn", "nowhere", "--session", "3"), "is no folder"),
        (("--charts", "--list"), "two things"),
        (("--charts",), "was never tested here"),
    ],
)
def test_what_makes_no_sense_is_said(tmp_path, capsys, words, said):
    assert main(["qc", *words, "--database", str(tmp_path / "s.sqlite3")]) == 2
    assert said in capsys.readouterr().err
