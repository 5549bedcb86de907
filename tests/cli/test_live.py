"""Live counting from the command line: the demo, films, sessions kept and gone on with, and what can go wrong."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from leuko_edge.cli import live, live_end, main
from leuko_edge.model.classify import Classifier, FixedClassifier, simulated_card
from leuko_edge.screen.face import Face
from leuko_edge.session import Action
from leuko_edge.simulate import STEADY, SlideFilm, Smear, driven, serpentine

EDGE = Path(__file__).resolve().parents[2] / "edge"
WITH_FIXED_CLASSIFIER = """
import sys
from leuko_edge.cli import main
from leuko_edge.model import classify
classify.Classifier.from_path = lambda *_, **__: classify.FixedClassifier("neutrophil")
sys.exit(main.main())
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """No session of a test is put among the user's; every cell that the finder is sure of is a neutrophil."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    card = replace(simulated_card(), confidence_threshold=0.3)
    doubtful = FixedClassifier("neutrophil", confidence=0.45, card=card)  # of what the finder doubts, not enough
    monkeypatch.setattr(Classifier, "from_path", lambda *_, **__: doubtful)


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> tuple[Path, int]:
    """(a film of a stage over a simulated smear, how many cells it shows whole)."""
    size, view = (1088, 816), (640, 480)
    smear = Smear(5, {"neutrophil": 5}, width=size[0], height=size[1], um_per_px=0.2)
    path = tmp_path_factory.mktemp("video") / "stage.avi"
    film = SlideFilm(smear, driven(serpentine(size, view), STEADY, np.random.default_rng(0)), view=view)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 15, view)
    for frame in film:
        writer.write(frame.bgr)
    writer.release()
    return path, len(film.seen_whole())


def command(*arguments: object, **more: object) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", WITH_FIXED_CLASSIFIER, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(EDGE), "COLUMNS": "120"},
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more},
    )


def test_the_demo_says_simulated_and_shows_truth_beside_count(capsys):
    assert main.main(["--demo", "--seed", "3", "--cells", "4"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("SIMULATED") and "true" in out and "Drawn beside the leukocytes" in out
    assert "4 cells counted" in out and "SIMULATED" in err
    assert not os.path.exists(os.environ["XDG_STATE_HOME"])  # no patient's


def test_a_film_is_counted_and_its_session_kept(video, tmp_path, capsys):
    report = tmp_path / "r.json"
    sheets, cells = tmp_path / "sheets", tmp_path / "cells.csv"
    arguments = ["--video", video[0], "--sample", "S-1", "--operator", "AB", "--json", report, "--crops", sheets]
    assert main.main([str(part) for part in [*arguments, "--csv", cells]]) == 0
    out, _ = capsys.readouterr()
    result = json.loads(report.read_text())
    assert result["differential"]["counted"] == video[1] == 5
    frames = result["frames"]
    assert frames["captured"] == frames["counted"] + sum(frames["skipped"].values()) + frames["dropped"]
    assert result["session"]["sample"] == "S-1" and os.listdir(sheets)
    assert [row.split(",")[4] for row in cells.read_text().splitlines()[1:]].count("true") == 5
    assert f"{video[1]} cells counted" in out
    assert main.main(["sessions", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)["sessions"]
    assert listed["sample"] == "S-1" and listed["state"] == "closed"


def test_a_busy_machine_costs_a_recorded_film_no_frame(video, tmp_path, monkeypatch):
    monkeypatch.setattr(Face, "show", lambda self, snapshot: time.sleep(0.1))  # a frame and a half of the film
    report = tmp_path / "r.json"
    assert main.main(["--video", str(video[0]), "--json", str(report)]) == 0
    frames = json.loads(report.read_text())["frames"]
    film = cv2.VideoCapture(str(video[0]))
    assert (frames["captured"], frames["dropped"]) == (film.get(cv2.CAP_PROP_FRAME_COUNT), 0)


def test_the_export_of_a_session_is_what_the_run_gave(video, tmp_path):
    first, second = tmp_path / "1.json", tmp_path / "2.json"
    assert main.main(["--video", str(video[0]), "--quiet", "--json", str(first)]) == 0
    assert main.main(["export", "1", "--json", str(second)]) == 0
    assert json.loads(first.read_text()) == json.loads(second.read_text())


def test_a_target_stops_the_count(video, tmp_path):
    report = tmp_path / "r.json"
    assert main.main(["--video", str(video[0]), "--target", "2", "--quiet", "--json", str(report)]) == 0
    assert 2 <= json.loads(report.read_text())["differential"]["counted"] < 5


def test_what_the_count_is_to_tell_is_said_at_its_end_and_kept_with_the_session(video, tmp_path, capsys):
    report = tmp_path / "r.json"
    asked = ["--decide", "neutrophil>50,blast>0", "--json", str(report)]
    assert main.main(["--video", str(video[0]), *asked]) == 0
    out, _ = capsys.readouterr()
    assert "neutrophil above 50 %? count about" in out and "(5 of 5)" in out
    assert "blast present? count about 294 more to tell 1 % (none of 5)" in out
    told = json.loads(report.read_text())["session"]["decisions"]
    assert [(one["class"], one["above"], one["answer"], one["of"]) for one in told] == [
        ("neutrophil", 50, "open", 5),
        ("blast", 0, "open", 5),
    ]
    assert main.main(["--video", str(video[0]), "--decide", "blasts>0"]) == 2
    assert 'is needed, got "blasts"' in capsys.readouterr().err


def test_who_signs_is_told_how_to_teach_the_site(video, monkeypatch, capsys):
    monkeypatch.setattr(live, "has_keyboard", lambda: True)
    monkeypatch.setattr(Face, "sign_or_go_on", lambda self: Action("sign"))
    monkeypatch.setattr(
        live_end, "offer", lambda record, *_: f"the offer of session {record.summary.id}, {record.signed_by}"
    )
    assert main.main(["--video", str(video[0]), "--target", "2", "--operator", "A. B."]) == 0
    assert "the offer of session 1, A. B." in capsys.readouterr().err


def test_an_interrupted_session_is_kept_and_gone_on_with(tmp_path, video, capsys):
    database = tmp_path / "d.sqlite3"
    process = command("--demo", "--cells", "1000", "--database", database)
    deadline = time.monotonic() + 60
    while not cells_in(database) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and b"interrupted" in err and b"--resume 1" in err and b"Traceback" not in err
    before = cells_in(database)
    assert before > 0 and f"{before} cell".encode() in out
    capsys.readouterr()
    more = ["--resume", "--database", str(database), "--target", str(before + 2), "--quiet"]
    assert command("--demo", "--cells", "1000", *more).wait(60) == 0
    assert cells_in(database) >= before + 2
    assert main.main(["--video", str(video[0]), "--resume", "1", "--database", str(database)]) == 2
    assert "not counted together" in capsys.readouterr().err
    other = command("--demo", "--cells", "1000", "--seed", "9", "--resume", "1", "--database", database)
    assert b"another simulated slide" in other.communicate(timeout=60)[1] and other.returncode == 2


def test_a_session_is_not_gone_on_with_on_another_film(video, tmp_path, capsys):
    other, moved = tmp_path / "other.avi", tmp_path / "moved" / video[0].name
    moved.parent.mkdir()
    for copy in (other, moved):
        copy.write_bytes(video[0].read_bytes())
    assert main.main(["--video", str(video[0]), "--target", "2", "--quiet"]) == 0
    assert main.main(["--video", str(other), "--resume", "1", "--quiet"]) == 2
    said = capsys.readouterr().err
    assert "session 1 cannot be gone on with, because it was of another film" in said and str(video[0]) in said
    assert main.main(["sessions", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sessions"][0]["state"] == "closed"  # as it was
    assert main.main(["--video", str(moved), "--resume", "1", "--quiet"]) == 0  # the same one


def test_a_session_that_never_began_is_not_kept(video, capsys, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert main.main(["--video", str(video[0]), "--window"]) == 4
    assert "--window needs" in capsys.readouterr().err
    assert main.main(["sessions", "--json"]) == 0 and not json.loads(capsys.readouterr().out or "{}").get("sessions")


def test_another_slide_is_another_session_and_the_first_keeps_its_count(video, tmp_path, monkeypatch, capsys):
    """As keys would ask for it: after some frames n and n, then i with a sample and p."""
    seen = {"shown": 0}

    def actions(face: Face) -> list[Action]:
        seen["shown"] += 1
        asked = {
            18: Action("quit", next_slide=True),
            20: Action("identify", sample="S-2", operator="CD"),
            21: Action("pause"),
        }
        return [asked[seen["shown"]]] if seen["shown"] in asked else []

    monkeypatch.setattr(Face, "actions", actions)
    report, sheets = tmp_path / "r.json", tmp_path / "sheets"
    arguments = ["--video", video[0], "--sample", "S-1", "--operator", "AB", "--json", report, "--crops", sheets]
    assert main.main([str(part) for part in arguments]) == 0
    first, second = json.loads(report.read_text()), json.loads((tmp_path / "r-2.json").read_text())
    counted = [one["differential"]["counted"] for one in (first, second)]
    assert all(counted) and sum(counted) >= video[1]
    named = [(one["session"]["sample"], one["session"]["operator"], one["session"]["id"]) for one in (first, second)]
    assert named == [("S-1", "AB", 1), ("S-2", "CD", 2)]
    assert os.listdir(sheets) and os.listdir(tmp_path / "sheets-2")
    out = capsys.readouterr().out
    assert all(f"{count} cell{'s' * (count != 1)} counted" in out for count in counted)


def test_a_session_is_named_until_it_is_signed(video, capsys):
    assert main.main(["--video", str(video[0]), "--target", "2", "--quiet"]) == 0
    assert main.main(["sessions", "name", "1", "--sample", "S-9", "--operator", "AB"]) == 0
    assert main.main(["export", "1", "--json", "-"]) == 0
    session = json.loads(capsys.readouterr().out.split("is named\n")[1])["session"]
    assert (session["sample"], session["operator"]) == ("S-9", "AB")
    changes = [(event["kind"], event["from"], event["to"]) for event in session["events"] if "from" in event]
    assert ("sample", "", "S-9") in changes and ("operator", "", "AB") in changes
    assert main.main(["sessions", "name", "7", "--sample", "S"]) == 2
    assert "there is no session 7" in capsys.readouterr().err
    assert main.main(["sessions", "name", "1"]) == 2


def cells_in(database: Path) -> int:
    shown = subprocess.run(
        [sys.executable, "-m", "leuko_edge.cli.main", "sessions", "--database", str(database), "--json"],
        env={**os.environ, "PYTHONPATH": str(EDGE)},
        capture_output=True,
    )
    sessions = json.loads(shown.stdout)["sessions"] if shown.returncode == 0 else []
    return sessions[0]["cells"] if sessions else 0


def test_on_a_terminal_keys_are_heard_and_the_terminal_is_put_back(tmp_path):
    leader, follower = pty.openpty()
    process = command("--demo", "--cells", "1000", stdin=follower, stdout=follower, stderr=follower)
    seen = b""
    while b"\x1b[?1049h" not in seen:
        seen += os.read(leader, 100_000)
    os.write(leader, b"qn")
    os.close(follower)
    try:
        while True:
            seen += os.read(leader, 100_000)
    except OSError:  # the other end is closed
        pass
    assert process.wait(60) == 0
    assert b"\x1b[?1049l" in seen and b"SIMULATED" in seen.split(b"\x1b[?1049l")[-1]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--camera", "/dev/video77"], 4, "/dev/video77"),
        (["--video", "none.avi"], 2, "none.avi"),
        (["--video", "x", "--image", "y"], 2, "together"),
        (["--image", "y", "--target", "3"], 2, "--target"),
        (["--demo", "--target", "3", "--precision", "5"], 2, "two goals"),
        (["--demo", "--resume", "7", "--database", "none.sqlite3"], 2, "no session to resume"),
        (["export", "1", "--json", "-"], 4, ""),
    ],
)
def test_what_cannot_be_counted_is_one_sentence(arguments, code, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main.main(arguments) == code
    err = capsys.readouterr().err
    assert said in err and "Traceback" not in err
