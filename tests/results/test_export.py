import argparse
import csv
import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_session import ACCOUNTS, INFO, START, new_cell
from rich.console import Console

from leuko_edge.cli import export, sessions
from leuko_edge.errors import NothingCountable, UsageError
from leuko_edge.results import picture_folder, session_list, session_pictures
from leuko_edge.results.session_report import CSV_COLUMNS, csv_text, json_text
from leuko_edge.store import SessionStore, StoreError, schema
from leuko_edge.store.archive import Archive
from leuko_edge.types import Skip

LABELS = ("neutrophil", "neutrophil", "lymphocyte", "erythroblast", "platelet", "monocyte")


@pytest.fixture
def database(tmp_path):
    """One signed session: cell 2 named an eosinophil by a person, cell 6 undone."""
    path = tmp_path / "state" / "sessions.sqlite3"
    with SessionStore.create(path, INFO, START) as store:
        store.settings(um_per_px=0.1, gate={"focus": 0.4})
        for number, label in enumerate(LABELS, start=1):
            store.add_cell(new_cell(label, number), ACCOUNTS)
        store.reclassify(2, "eosinophil", "A. B.", START + 50)
        store.undo_last("A. B.", START + 51)
        store.event("new slide", "", "A. B.", START + 52)
        store.sign("Dr. C", START + 60)
    return path


def run(database, *arguments: object) -> int:
    """The command line as the program will give it."""
    parser = argparse.ArgumentParser()
    words = parser.add_subparsers()
    for command in (sessions, export):
        command.add_parsers(words)
    options = parser.parse_args([*map(str, arguments), *(["--database", str(database)] if database else [])])
    return options.run(options)


def record(database, session=1):
    with Archive(database) as archive:
        return archive.record(session)


def test_the_json_has_the_fields_of_the_house_and_the_session(database):
    found = json.loads(json_text(record(database)))
    assert list(found) == ["schema", "model", "source", "frames", "differential", "session"]
    assert found["schema"] == "leuko-edge/1" and found["source"] == "/dev/video0"
    assert found["model"] == {"name": "leuko", "sha256": "abc"}
    session = found["session"]
    assert (session["id"], session["sample"], session["operator"], session["notes"]) == (
        *(1, "S-17", "A. B."),
        "second slide",
    )
    assert (session["started_at"], session["state"]) == ("2023-11-14T22:13:20.000Z", "signed")
    assert session["signed"] == {"by": "Dr. C", "at": "2023-11-14T22:14:20.000Z"}
    assert (session["um_per_px"], session["gate"], session["target"]) == (0.1, {"focus": 0.4}, 100)
    assert (session["cells"], session["undone"], session["changed"]) == (5, 1, 1)
    assert session["notice"].startswith("Not a medical device")


def test_the_differential_is_of_what_stands(database):
    differential = json.loads(json_text(record(database)))["differential"]
    assert differential["counted"] == 3 and differential["nrbc_per_100_wbc"] == 33.33
    assert differential["excluded"] == {"platelet": 1, "artefact": 0}
    eosinophil = differential["classes"]["eosinophil"]
    assert eosinophil == {"count": 1, "percent": 33.33, "ci95": [0.84, 90.57], "reference": [1, 4], "flag": None}
    assert differential["classes"]["monocyte"]["count"] == 0


def test_the_flags_are_by_the_ranges_and_classes_of_the_session(tmp_path):
    info = replace(INFO, ranges={"monocyte": (0, 100)}, leukocytes=("monocyte", "basophil"))
    with SessionStore.create(tmp_path / "s", info, START) as store:
        for _ in range(20):
            store.add_cell(new_cell("monocyte"), ACCOUNTS)
    classes = json.loads(json_text(record(tmp_path / "s")))["differential"]["classes"]
    assert list(classes) == ["monocyte", "basophil"]
    assert classes["monocyte"]["flag"] == "normal" and classes["basophil"]["reference"] is None


def test_captured_is_counted_skipped_and_dropped_together(database):
    frames = json.loads(json_text(record(database)))["frames"]
    assert frames == {
        "captured": 13,
        "counted": 7,
        "skipped": {**dict.fromkeys(Skip, 0), **ACCOUNTS.skipped},
        "dropped": 3,
    }
    assert frames["captured"] == frames["counted"] + sum(frames["skipped"].values()) + frames["dropped"]


def test_the_history_says_who_changed_what_and_when(database):
    events = json.loads(json_text(record(database)))["session"]["events"]
    assert events == [
        {
            **{"at": "2023-11-14T22:14:10.000Z", "who": "A. B.", "kind": "reclassified"},
            **{"cell": 2, "from": "neutrophil", "to": "eosinophil"},
        },
        {"at": "2023-11-14T22:14:11.000Z", "who": "A. B.", "kind": "undone", "cell": 6},
        {"at": "2023-11-14T22:14:12.000Z", "who": "A. B.", "kind": "new slide"},
        {"at": "2023-11-14T22:14:20.000Z", "who": "Dr. C", "kind": "signed"},
    ]


def test_a_simulated_session_says_so(tmp_path):
    SessionStore.create(tmp_path / "s", replace(INFO, simulated=True), START).close()
    session = json.loads(json_text(record(tmp_path / "s")))["session"]
    assert session["simulated"] is True and session["notice"].startswith("SIMULATED")
    with Archive(tmp_path / "s") as archive:
        assert "SIMULATED" in shown(archive.sessions())


def test_the_csv_has_a_row_for_each_cell_the_undone_ones_too(database):
    found = list(csv.DictReader(io.StringIO(csv_text(record(database)))))
    assert tuple(found[0]) == CSV_COLUMNS and len(found) == 6
    assert found[0] == {
        **{"path": "/dev/video0", "id": "1", "label": "neutrophil", "confidence": "0.7500", "counted": "true"},
        **{"x": "400", "y": "300", "width": "100", "height": "100", "centre_x": "450.0", "centre_y": "350.0"},
        **{"um_per_px": "0.1", "area": "1", "slide_x": "200.0", "slide_y": "150.0", "frame": "41", "views": "4"},
        **{"model_label": "neutrophil", "changed_by": "", "undone": "false", "seen_at": "2023-11-14T22:13:21.000Z"},
    }
    changed, undone = found[1], found[5]
    assert (changed["label"], changed["model_label"], changed["changed_by"]) == ("eosinophil", "neutrophil", "A. B.")
    assert (undone["label"], undone["counted"], undone["undone"]) == ("monocyte", "false", "true")
    assert [row["counted"] for row in found[2:5]] == ["true", "false", "false"]


def test_export_writes_all_that_is_asked_for(database, tmp_path):
    names = [tmp_path / name for name in ("r.json", "r.csv", "maps", "crops")]
    options = zip(("--json", "--csv", "--annotate", "--crops"), names, strict=True)
    assert run(database, "export", 1, *(word for pair in options for word in pair)) == 0
    assert json.loads(names[0].read_text())["differential"]["counted"] == 3
    assert len(names[1].read_text().splitlines()) == 7
    assert [file.name for file in names[2].glob("*.png")] == ["area-1.png"]
    assert sorted(file.stem for file in names[3].glob("*.png")) == [
        *("eosinophil", "erythroblast", "lymphocyte"),
        *("neutrophil", "platelet"),
    ]


def test_a_second_export_into_a_folder_leaves_nothing_of_the_first(database, tmp_path):
    folder = tmp_path / "crops"
    assert run(database, "export", 1, "--crops", folder, "--annotate", folder) == 0
    with SessionStore.create(database, INFO, START) as store:
        store.add_cell(new_cell("basophil"), ACCOUNTS)
    assert run(database, "export", 2, "--crops", folder) == 0
    assert [file.name for file in folder.glob("*.png")] == ["basophil.png"]


@pytest.mark.parametrize("change", ["another", "changed", "no list"])
def test_pictures_that_no_known_run_wrote_are_neither_mixed_nor_removed(change, database, tmp_path):
    folder = tmp_path / "crops"
    assert run(database, "export", 1, "--crops", folder) == 0
    if change == "another":
        (folder / "mine.PNG").write_bytes(b"a picture")
    elif change == "changed":
        (folder / "neutrophil.png").write_bytes(b"drawn over")
    else:
        (folder / picture_folder.LIST).unlink()
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    for option in ("--crops", "--annotate"):
        with pytest.raises(UsageError, match="holds pictures that no known run of leuko-edge wrote"):
            run(database, "export", 1, option, folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_a_map_shows_each_cell_where_it_lies(database):
    with Archive(database) as archive:
        whole = archive.record(1)
        bgr = session_pictures.draw_map(archive, whole, whole.standing)
    violet = np.all(np.abs(bgr.astype(int) - (140, 60, 110)) < 12, axis=2)
    _, _, found, centres = cv2.connectedComponentsWithStats(cv2.erode(violet.astype(np.uint8), np.ones((9, 9))))
    centres = centres[1:][found[1:, cv2.CC_STAT_AREA] > 200]
    steps = [(cell.x - whole.cells[0].x, cell.y - whole.cells[0].y) for cell in whole.standing]
    first = centres[centres[:, 0].argmin()]
    for step in steps:
        assert np.hypot(*(centres - first - step).T).min() < 60, step  # a name may cover a crop's edge


def test_a_map_is_bounded_whatever_the_slide_and_a_crowded_area_is_cut_into_bands(tmp_path, monkeypatch):
    monkeypatch.setattr(session_pictures, "MAP_CELLS", 2)
    monkeypatch.setattr(session_pictures, "MAP_SIDE", 900)
    with SessionStore.create(tmp_path / "s", INFO, START) as store:
        for number, (area, x, y) in enumerate([(1, 0, 0), (1, 2e6, 9e5), (1, 1e5, 1e5), (2, 5, 5)], start=1):
            store.add_cell(new_cell(number=number, area=area, x=float(x), y=float(y), contour=None), ACCOUNTS)
    assert run(tmp_path / "s", "export", 1, "--annotate", tmp_path / "maps") == 0
    sizes = {file.name: cv2.imread(str(file)).shape for file in (tmp_path / "maps").glob("*.png")}
    assert sorted(sizes) == ["area-1-2.png", "area-1.png", "area-2.png"]
    assert max(max(size) for size in sizes.values()) <= 2 * 1000  # enlarged at most twice for its names


def test_cells_without_crop_or_scale_are_exported_all_the_same(tmp_path):
    with SessionStore.create(tmp_path / "s", replace(INFO, window_um=None), START) as store:
        store.add_cell(new_cell(crop=None, contour=None), ACCOUNTS)
    assert run(tmp_path / "s", "export", 1, "--annotate", tmp_path / "m", "--crops", tmp_path / "c") == 0
    assert (tmp_path / "m" / "area-1.png").is_file() and (tmp_path / "c" / "neutrophil.png").is_file()


def test_a_running_session_is_read_beside_its_writer(tmp_path, capsys):
    with SessionStore.create(tmp_path / "s", INFO, START) as store:
        store.add_cell(new_cell(), ACCOUNTS)
        assert run(tmp_path / "s", "export", 1, "--json", "-") == 0
        assert json.loads(capsys.readouterr().out)["session"]["state"] == "open"
        assert store.add_cell(new_cell(number=2), ACCOUNTS) == 2


def test_a_file_that_may_only_be_read_is_read_and_left_as_it_was(database, monkeypatch):
    (database.parent / "sessions.sqlite3.lock").unlink()
    before = database.read_bytes()
    monkeypatch.setattr(schema.os, "access", lambda *_: False)  # as root, the permissions themselves would not do
    assert len(record(database).cells) == 6
    assert database.read_bytes() == before and list(database.parent.iterdir()) == [database]


def test_a_session_without_a_counted_cell_is_written_and_said(tmp_path):
    with SessionStore.create(tmp_path / "s", INFO, START) as store:
        store.add_cell(new_cell("platelet"), ACCOUNTS)
    with pytest.raises(NothingCountable, match="session 1 has no counted white cell") as caught:
        run(tmp_path / "s", "export", 1, "--json", tmp_path / "r.json")
    assert caught.value.exit_code == 3 and json.loads((tmp_path / "r.json").read_text())["differential"]["counted"] == 0


def test_what_cannot_be_exported_is_one_sentence(database, tmp_path):
    for arguments, sentence in (
        ((1,), "name what to export"),
        ((9, "--json", "-"), "there is no session 9"),
        ((1, "--csv", "-"), "--csv needs a file name"),
        ((1, "--csv", tmp_path / "a", "--json", tmp_path / "a"), "the same file"),
        ((1, "--json", database), "holds the sessions themselves"),
    ):
        with pytest.raises(UsageError, match=sentence):
            run(database, "export", *arguments)
    with pytest.raises(StoreError, match="there is no session database at"):
        run(tmp_path / "nowhere", "export", 1, "--json", "-")
    assert len(record(database).cells) == 6


def test_an_output_that_fails_is_named_and_the_others_are_written(database, tmp_path, capsys):
    (tmp_path / "file").touch()
    names = ("--csv", tmp_path / "file" / "r.csv", "--crops", tmp_path / "file", "--json", tmp_path / "r.json")
    assert run(database, "export", 1, *names) == 4
    first, second = capsys.readouterr().err.splitlines()
    assert "r.csv could not be written" in first and "file could not be written" in second
    assert (tmp_path / "r.json").is_file()


def shown(sessions, width=140) -> str:
    console = Console(file=io.StringIO(), width=width)
    session_list.show(console, "sessions.sqlite3", sessions)
    return console.file.getvalue()


def test_the_list_shows_each_session_and_its_state(database):
    SessionStore.create(database, replace(INFO, sample="[bold]S-18", operator=""), START).close("open")
    SessionStore.create(database, INFO, START).close()
    with Archive(database) as archive:
        first, second, third = shown(archive.sessions()).splitlines()[2:]
    assert first.split()[0] == "1" and "S-17" in first and " 3 " in first and "signed" in first
    assert "[bold]S-18" in second and "open (--resume)" in second and "–" in second
    assert "not signed" in third and "/dev/video0" in third


def test_the_list_for_other_programs(database, capsys):
    assert run(database, "sessions", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "leuko-edge-sessions/1" and found["database"] == str(database)
    [session] = found["sessions"]
    assert (session["id"], session["state"], session["cells"], session["sample"]) == (1, "signed", 3, "S-17")


def test_no_session_yet_is_no_error_unless_a_file_was_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert run(None, "sessions") == 0
    assert "No session has been counted yet" in capsys.readouterr().out
    assert run(None, "sessions", "--json") == 0
    assert json.loads(capsys.readouterr().out)["sessions"] == []
    with pytest.raises(StoreError, match="there is no session database at"):
        run(tmp_path / "nowhere", "sessions")
    assert not list(tmp_path.iterdir())


def test_the_grammar_loads_nothing_heavy():
    code = (
        "import argparse, sys\nfrom leuko_edge.cli import export, sessions\n"
        "words = argparse.ArgumentParser().add_subparsers()\n"
        "sessions.add_parsers(words)\nexport.add_parsers(words)\nprint(*sys.modules)"
    )
    edge = Path(__file__).resolve().parents[2] / "edge"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(edge)}, capture_output=True, text=True, check=True
    )
    assert not {name.split(".")[0] for name in done.stdout.split()} & {"numpy", "cv2", "rich", "ai_edge_litert"}


@pytest.mark.parametrize("name", ["=cmd()", "+1", "-1", "@a", "\t=1", "\r=1"])
def test_no_name_becomes_a_formula_of_a_spreadsheet(tmp_path, name):
    path = tmp_path / "s.sqlite3"
    info = replace(INFO, sample=name, operator=name, source=name)
    with SessionStore.create(path, info, START) as store:
        store.add_cell(new_cell(x=-5.0), ACCOUNTS)
        store.reclassify(1, "monocyte", name, START)
    with Archive(path) as archive:
        record = archive.record(1)
    for text in (csv_text(record), session_list.csv_text([record])):
        for cell in next(csv.reader(text.splitlines()[1:])):
            assert cell[:1] not in ("=", "+", "@", "\t", "\r") and (cell[:1] != "-" or float(cell) < 0)
