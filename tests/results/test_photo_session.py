"""Photographs kept as sessions, by the command itself."""

import csv
import json
import os

import pytest
from drawn import encoded, smear

from leuko_edge.cli import count as counting
from leuko_edge.cli import main as command
from leuko_edge.cli.count import Classifier
from leuko_edge.errors import UsageError
from leuko_edge.model.classify import FixedClassifier
from leuko_edge.store import SessionStore
from leuko_edge.store.archive import Archive

LABELS = ("neutrophil", "neutrophil", "monocyte", "platelet")
SOME_LOST = 5  # the exit code where a picture could not be used


@pytest.fixture
def slide(tmp_path, monkeypatch):
    """A folder of three photographs and a broken one, and a classifier that says what LABELS say."""
    monkeypatch.setattr(Classifier, "from_path", lambda *_, **__: FixedClassifier(*LABELS))
    monkeypatch.setenv("LEUKO_EDGE_COUNT_THREADS", "1")  # names come in the order of the pictures
    folder = tmp_path / "slides" / "S-1"
    folder.mkdir(parents=True)
    for number in range(3):
        (folder / f"{number}.png").write_bytes(encoded(smear(seed=number), ".png"))
    (folder / "9.png").write_bytes(b"no picture")
    return folder


@pytest.fixture
def database(tmp_path):
    return str(tmp_path / "sessions.sqlite3")


def count(slide, database, *more):
    return command.main(["--image", str(slide), "--database", database, *more])


def record(database, session=1):
    with Archive(database) as archive:
        return archive.record(session)


def test_photographs_with_a_sample_are_a_closed_session_with_the_same_counts_as_the_report(slide, database, tmp_path):
    report = tmp_path / "r.json"
    assert count(slide, database, "--sample", "4711", "--operator", "AB", "--json", str(report)) == SOME_LOST
    kept, told = record(database), json.loads(report.read_text())
    assert (kept.info.sample, kept.info.operator, kept.info.kind, kept.summary.state) == (
        *("4711", "AB"),
        *("photographs", "closed"),
    )
    assert kept.differential().counted == told["differential"]["counted"] == 3
    assert [cell.label for cell in kept.cells] == [cell["label"] for image in told["images"] for cell in image["cells"]]
    assert [list(cell.box) for cell in kept.cells] == [c["box"] for image in told["images"] for c in image["cells"]]
    assert (kept.accounts.captured, kept.accounts.counted, dict(kept.accounts.skipped)) == (4, 3, {"lost": 1})
    assert kept.um_per_px == pytest.approx(0.375, rel=0.1)


def test_each_photograph_is_kept_with_a_view_of_it_or_the_reason_why_it_was_not_counted(slide, database):
    count(slide, database, "--sample", "1")
    pictures = record(database).pictures
    assert [os.path.basename(picture.path) for picture in pictures] == ["0.png", "1.png", "2.png", "9.png"]
    assert [bool(picture.refused) for picture in pictures] == [False, False, False, True]
    with Archive(database) as archive:
        assert archive.view(1, 1).startswith(b"\xff\xd8") and archive.view(1, 4) is None
        assert archive.crop(1, 1).shape == (64, 64, 3)


def test_an_exported_row_names_the_photograph_of_its_cell(slide, database, tmp_path):
    count(slide, database, "--sample", "1")
    file = tmp_path / "cells.csv"
    assert command.main(["export", "1", "--database", database, "--csv", str(file)]) == 0
    rows = list(csv.DictReader(file.open()))
    assert [os.path.basename(row["path"]) for row in rows] == ["0.png", "1.png", "2.png"]


def test_without_a_word_for_the_record_nothing_is_kept(slide, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("LEUKO_EDGE_SESSION_OPERATOR", "AB")
    assert command.main(["--image", str(slide)]) == SOME_LOST
    assert command.main(["--image", str(slide), "--sample", "1", "--no-session"]) == SOME_LOST
    assert not (tmp_path / "state").exists()
    assert command.main(["--image", str(slide), "--sample", "1"]) == SOME_LOST
    kept = record(tmp_path / "state" / "leuko-edge" / "sessions.sqlite3")
    assert (kept.info.sample, kept.info.operator) == ("1", "AB")


def test_recursive_is_a_session_for_each_folder_and_a_row_each_in_the_csv(slide, database, tmp_path):
    other = slide.parent / "S-2" / "deeper"
    other.mkdir(parents=True)
    (other / "a.png").write_bytes(encoded(smear(seed=7), ".png"))
    assert count(slide.parent, database, "--recursive") == SOME_LOST
    file = tmp_path / "samples.csv"
    assert command.main(["sessions", "--database", database, "--csv", str(file)]) == 0
    rows = list(csv.DictReader(file.open()))
    assert [(row["sample"], row["counted"], row["neutrophil"]) for row in rows] == [
        *(("S-1", "3", "2"), ("deeper", "1", "1"))
    ]
    assert rows[1]["neutrophil_percent"] == "100.00" and rows[1]["state"] == "closed"


@pytest.mark.parametrize(
    "words",
    [("--recursive", "--sample", "1"), ("--recursive", "--no-session"), ("--recursive", "--json", "-"), ("--window",)],
)
def test_what_does_not_fit_photographs_is_refused_with_the_option_named(slide, database, words, capsys):
    assert count(slide, database, *words) == 2
    assert words[0] in capsys.readouterr().err.splitlines()[-1]
    assert not os.path.exists(database)


def test_photographs_are_not_counted_on_with_resume(slide, database):
    count(slide, database, "--sample", "1")
    with pytest.raises(UsageError, match="photographs"):
        SessionStore.resume(database, 1)


def test_a_count_that_breaks_off_keeps_what_it_had_and_says_so(slide, database, monkeypatch):
    from leuko_edge.cli import count as counting

    class Broken(counting.Pipeline):
        def run(self, source):
            outcomes = super().run(source)
            yield next(outcomes)
            raise KeyboardInterrupt

    monkeypatch.setattr(counting, "Pipeline", Broken)
    assert count(slide, database, "--sample", "1") == 130
    kept = record(database)
    assert kept.summary.state == "closed" and len(kept.cells) == 1 and kept.events[-1].kind == "interrupted"


@pytest.mark.parametrize(
    ("codes", "whole"), [([0, 0], 0), ([3, 3], 3), ([0, 3], 5), ([3, 0, 5], 5), ([0, 4, 3], 4), ([5], 5)]
)
def test_the_exit_code_of_several_samples_is_that_of_what_was_counted_of_all(codes, whole, tmp_path, monkeypatch):
    for number in range(len(codes)):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "a.png").touch()
    given = iter(codes)
    monkeypatch.setattr(counting, "_count_folder", lambda *_: next(given))
    assert command.main(["--image", str(tmp_path), "--recursive"]) == whole
