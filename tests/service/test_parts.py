"""The parts of the service by themselves, and its unit file."""

import dataclasses
import io
import json
import os
import pty
import pwd
import shutil
import socket
import subprocess
import time

import cv2
import numpy as np
import pytest
from conftest import ROOT
from snapshots import COUNTS, snapshot

from leuko_edge.camera.newest import FROZEN_AFTER, Newest
from leuko_edge.cli import main
from leuko_edge.config import load
from leuko_edge.decision import Decision
from leuko_edge.errors import CamerasRefused, EnvironmentBroken, Hint, SourceLost
from leuko_edge.live.engine import Engine
from leuko_edge.live.goal import Goal
from leuko_edge.live.session_info import information, misfit
from leuko_edge.live.snapshot import Outline
from leuko_edge.model.classify import Classifier, FixedClassifier
from leuko_edge.screen.pages import FAULT
from leuko_edge.service import loop, sentences
from leuko_edge.service.backoff import Pauses
from leuko_edge.service.console import DeviceFace
from leuko_edge.service.journal import Journal
from leuko_edge.service.key_socket import Control, send, send_names
from leuko_edge.service.reporter import Teller
from leuko_edge.service.resume import check_room, last_open, take_up
from leuko_edge.service.runtime_lock import RuntimeLock
from leuko_edge.service.status import Status, StatusFile, as_json, from_json
from leuko_edge.service.systemd import Notifier
from leuko_edge.service.view_file import look
from leuko_edge.service.view_writer import ViewWriter
from leuko_edge.session import Action, Advice, End, Light
from leuko_edge.store import SessionInfo, SessionStore, StoreFull, errors
from leuko_edge.tally import Differential
from leuko_edge.types import Frame

UNIT = ROOT / "deploy" / "leuko-edge.service"
FILM = SessionInfo(source="a.avi", source_details={"kind": "video", "width": 640, "height": 480}, model_sha256="1")


@pytest.fixture
def manager(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening


def heard(manager: socket.socket) -> list[str]:
    words = []
    while True:
        try:
            words.append(manager.recv(4096).decode())
        except BlockingIOError:
            return words


def test_after_the_opening_of_a_camera_the_watchdog_has_its_usual_patience_again(manager, tmp_path):
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "8000000"})
    notifier.patience(40)
    notifier.ready("counting")
    notifier.ready("again")
    notifier.patience(40)
    notifier.alive()
    notifier.alive()
    assert heard(manager) == [
        "EXTEND_TIMEOUT_USEC=40000000",
        "READY=1\nSTATUS=counting\nERRNO=0",
        "WATCHDOG_USEC=40000000\nWATCHDOG=1",
        "WATCHDOG_USEC=8000000\nWATCHDOG=1",
    ]


def test_a_watchdog_that_is_another_process_s_is_not_fed_and_a_manager_that_is_gone_is_no_error(manager, tmp_path):
    told = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}
    notifier = Notifier(told)
    notifier.ready("counting")
    notifier.alive()
    assert heard(manager) == ["READY=1\nSTATUS=counting\nERRNO=0"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as late:
        notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "late")})
        notifier.ready("counting")
        late.bind(str(tmp_path / "late"))
        notifier.ready("counting")
        assert late.recv(99).startswith(b"READY=1")  # said until it was heard
    assert not Notifier({}).supervised


def test_pauses_grow_to_a_minute_and_are_short_again_after_steady_counting():
    pauses = Pauses()
    assert [pauses.after_fault() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    pauses.frame(1000.0)
    pauses.frame(1009.0)
    assert pauses.after_fault() == 60  # it came and went again: the same fault still
    for now in range(2000, 2022):
        pauses.frame(float(now))
    assert pauses.after_fault() == 1


def test_a_camera_that_freezes_after_every_opening_is_tried_with_growing_pauses():
    pauses, now, waited = Pauses(), 0.0, []
    for _ in range(4):
        for _ in range(int(FROZEN_AFTER) + 2):  # the same picture, until that is noticed
            now += 1
            pauses.frame(now)
        waited.append(pauses.after_fault())
    assert waited == [1, 2, 4, 8]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            SourceLost("camera x was unplugged", "plug it in again", Hint.START_AGAIN),
            "camera x was unplugged; plug it in again",
        ),
        (errors.full("/d"), str(errors.full("/d")).removesuffix(", then --resume")),
        (
            SourceLost("no\ncamera", "name it ", Hint.NAME_CAMERA),
            "no camera; name it as camera.source in the configuration",
        ),
        (
            CamerasRefused(SourceLost("x is busy", "name one ", Hint.NAME_CAMERA), SourceLost("y was unplugged")),
            "x is busy; name one as camera.source in the configuration; y was unplugged",
        ),
        (SourceLost("bad\x1b[2J"), "bad�[2J"),
    ],
)
def test_a_fault_does_not_tell_to_start_what_starts_by_itself(error, told):
    assert sentences.fault(error) == told


def test_the_status_says_how_many_of_how_many_and_what_the_camera_sees():
    assert sentences.counting(snapshot()) == "session 12: 87 of 200 leukocytes, neutrophil 60 %, still, sharp"
    assert sentences.counting(snapshot({}, paused=True)) == "session 12: 0 of 200 leukocytes, paused"
    asked = snapshot(decisions=(Decision.parse("eosinophil>5").standing(12, 120),), paused=True)
    assert sentences.counting(asked).endswith("%, eosinophil above 5 %? count about 174 more (12 of 120), paused")
    dark = sentences.counting(snapshot(light=Light.DARK, target=None, precision=15.0))
    assert dark.endswith("light too dark") and "goal 15" in dark


def test_the_fields_of_the_status_are_those_of_its_schema():
    data = as_json(Status("counting", "well", snapshot=snapshot(advice=Advice.GO_BACK, done=End.TARGET)))
    told = ["state", "said", "fault", "retry_in", "question", "database"]
    assert list(data) == ["schema", *told, "session", "differential"]
    assert set(data["session"]) == {
        *("session", "sample", "operator", "source", "simulated", "target", "precision", "widest", "areas", "warning"),
        *("frames_per_second", "advice", "light", "focus", "motion", "in_view", "waiting", "um_per_px", "paused"),
        *("done", "end", "elapsed", "frames", "last", "slide_awaited", "decisions"),
    }
    said = [data["session"][name] for name in ("advice", "done", "end", "light")]
    assert said == ["lost: hold still, or go back a little", "target of 200 cells reached", "target", "good"]


def test_a_status_read_back_draws_the_same(tmp_path):
    told = snapshot(decisions=(Decision("blast", 0.0).standing(0, 87),))
    shown = dataclasses.replace(
        told,
        bgr=np.zeros((9, 9, 3), np.uint8),
        outlines=(Outline(np.zeros((3, 2)), None, 0.0, False),),
    )
    status = Status("counting", "all is well", question="Sign?", snapshot=shown)
    back = from_json(json.loads(json.dumps(as_json(status))))
    last = back.snapshot.last
    assert back.snapshot == told and last == told.last
    assert back.snapshot.differential == Differential.from_counts(COUNTS) and back.question == "Sign?"
    with pytest.raises(ValueError, match="leuko-edge-status/9"):
        from_json({**as_json(status), "schema": "leuko-edge-status/9"})


def test_attach_tells_a_running_service_from_a_silent_a_faulty_and_a_missing_one(tmp_path, capsys, monkeypatch):
    folder = tmp_path / "run"
    file = StatusFile(folder)
    file.write(Status("counting", "session 12: 87 of 200", snapshot=snapshot()))
    assert (folder / "status.json").stat().st_mode & 0o777 == 0o640
    assert main.main(["attach", "--folder", str(folder), "--once"]) == 0
    out = capsys.readouterr().out
    assert "87 of 200 cells: neutrophil 52 (59.8 %)" in out and "COUNTING" in out and "Not a medical device" in out
    assert main.main(["attach", "--folder", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["differential"]["classes"]["neutrophil"]["count"] == 52
    file.write(Status("fault", "fault: no camera; trying again in 4 s", "no camera", 3.5))
    assert main.main(["attach", "--folder", str(folder), "--once"]) == 4
    assert "no camera; trying again in 4 s" in capsys.readouterr().out
    file.write(Status("counting", "session 12"), fresh=-7)
    assert main.main(["attach", "--folder", str(folder), "--once"]) == 4
    assert "silent for 7 s" in capsys.readouterr().err
    (folder / "status.json").write_text("{")
    assert main.main(["attach", "--folder", str(folder)]) == 4
    assert "no status that this version knows" in capsys.readouterr().err
    file.remove()
    assert main.main(["attach", "--folder", str(folder), "--json"]) == 4
    assert "systemctl start leuko-edge" in capsys.readouterr().err


def test_keys_from_elsewhere_come_one_by_one_with_the_login_of_who_pressed_them_and_nothing_else_does(tmp_path):
    control, me = Control(tmp_path), pwd.getpwuid(os.getuid()).pw_name
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o660
    for key in ("q", "esc", "\x1b", "two", "ü", "enter", "7"):
        send(tmp_path, key)
    assert control.poll() == [(key, me) for key in ("q", "esc", "ü", "enter", "7")] and control.poll() == []
    send_names(tmp_path, sample="S-2")
    send_names(tmp_path, sample="S-2", operator="CD")
    named = [Action("identify", sample="S-2"), Action("identify", sample="S-2", operator="CD")]
    assert control.poll() == [(action, me) for action in named]
    for wrong in ({"sample": "a\nb"}, {"sample": 7}, {"notes": "x"}, {}, {"sample": "x" * 300}):
        send(tmp_path, json.dumps(wrong))
    assert control.poll() == []
    control.close()
    assert not os.listdir(tmp_path) and Control(None).poll() == []


def test_only_the_services_own_user_presses_a_key_for_somebody_else(tmp_path, monkeypatch):
    control, me = Control(tmp_path), pwd.getpwuid(os.getuid()).pw_name
    send(tmp_path, "y", "Dr. Å")
    send(tmp_path, "y", "two\nlines")
    assert control.poll() == [("y", "Dr. Å"), ("y", me)]
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    send(tmp_path, "y", "Dr. Å")
    assert control.poll() == [("y", me)]
    control.close()


def test_the_cameras_picture_is_made_only_while_somebody_looks_and_small(tmp_path, monkeypatch):
    view, now = ViewWriter(tmp_path), [100.0]
    monkeypatch.setattr("leuko_edge.service.view_writer.time.monotonic", lambda: now[0])
    frame = np.random.default_rng(0).integers(0, 255, (960, 1280, 3), np.uint8)
    view.frame(frame)
    assert not (tmp_path / "view.jpg").exists()
    assert look(tmp_path) is None
    now[0] += 1
    view.frame(frame)
    seen = cv2.imdecode(np.frombuffer(look(tmp_path), np.uint8), cv2.IMREAD_COLOR)
    assert seen.shape == (480, 640, 3)
    now[0] += 60
    os.utime(tmp_path / "view.asked", (0, 0))  # the wall clock went back: a look is a look
    view.frame(frame)
    assert (tmp_path / "view.jpg").exists()
    now[0] += 60
    view.frame(frame)
    assert not (tmp_path / "view.jpg").exists()
    view.remove()
    view.frame(frame)
    ViewWriter(tmp_path / "not there").frame(frame)
    assert look(tmp_path) is None and not os.listdir(tmp_path)


def test_a_session_of_a_person_with_a_login_is_signed_from_elsewhere_by_that_person_alone(tmp_path, monkeypatch):
    said = io.StringIO()
    control = Control(None)
    face = DeviceFace(control, Journal(said, {}))
    for operator, who, signs in (("root", "daemon", False), ("daemon", "daemon", True), ("A. B.", "daemon", True)):
        face.show(dataclasses.replace(snapshot(), operator=operator))
        face.ask_to_sign()
        monkeypatch.setattr(control, "poll", lambda who=who: [("y", who)])
        asked = face.actions()
        assert [(action.kind, action.who) for action in asked] == ([("sign", who)] if signs else [])
        assert bool(face.question) != signs  # it is still asked
    assert said.getvalue() == "daemon may not sign: the session is root's; sign as root\n"


def test_a_second_service_in_a_runtime_folder_is_told_of_the_first(tmp_path):
    first = RuntimeLock(tmp_path)
    with pytest.raises(EnvironmentBroken, match=f"another leuko-edge serve .process {os.getpid()}. runs in"):
        RuntimeLock(tmp_path)
    first.close()
    assert not os.listdir(tmp_path)
    RuntimeLock(tmp_path).close()


def test_a_status_that_is_none_of_ours_is_a_sentence(tmp_path, capsys):
    file = tmp_path / "status.json"
    StatusFile(tmp_path).write(Status("counting", "all\x1b]0;owned\x07 well", snapshot=snapshot()))
    assert main.main(["attach", "--folder", str(tmp_path), "--once"]) == 0
    assert "\x1b" not in capsys.readouterr().out
    good = json.loads(file.read_text())
    wrong = [good | {"session": 7}, good | {"said": 7}, good | {"differential": []}, good | {"until": "x"}, [], "x"]
    for value in (*(json.dumps(value) for value in wrong), "[" * 100000, "x" * 2_000_000, "\xff"):
        file.write_bytes(value.encode("latin-1"))
        for how in ("--once", "--json"):
            code = main.main(["attach", "--folder", str(tmp_path), how])
            told = capsys.readouterr()
            assert code == 4 or (how == "--json" and code == 0), value[:80]
            assert code == 0 or "no status that this version knows" in told.err
    file.unlink()
    os.mkfifo(file)
    assert main.main(["attach", "--folder", str(tmp_path), "--once"]) == 4
    assert "no ordinary file" in capsys.readouterr().err


def test_the_newest_session_is_gone_on_with_where_it_is_open_and_no_older_one(tmp_path):
    database = str(tmp_path / "s.sqlite3")
    said: list[str] = []
    assert last_open(database) is None and take_up(database, FILM, said.append) is None
    SessionStore.create(database, FILM).close("open")
    with take_up(database, FILM, said.append) as store:
        assert store.id == 1
        store.close("open")
    with SessionStore.create(database, FILM) as store:
        store.sign("AB", time.time())
    assert last_open(database) is None and take_up(database, FILM, said.append) is None and not said


def test_a_count_of_photographs_that_was_killed_is_nothing_to_the_camera(tmp_path):
    database = str(tmp_path / "s.sqlite3")
    SessionStore.create(database, FILM).close("open")
    SessionStore.create(database, dataclasses.replace(FILM, kind="photographs")).close("open")
    with take_up(database, FILM, [].append) as store:
        assert store.id == 1


def test_a_session_of_other_pictures_is_closed_with_the_reason_and_not_mixed(tmp_path):
    database = str(tmp_path / "s.sqlite3")
    SessionStore.create(database, FILM).close("open")
    said: list[str] = []
    other = dataclasses.replace(FILM, source_details={"kind": "video", "width": 1280, "height": 960})
    assert take_up(database, other, said.append) is None and last_open(database) is None
    assert said == [
        "session 1 is not gone on with, because the camera's pictures had another size; it is closed, not signed, and "
        "all its cells are kept"
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"model_sha256": "2"},
        {"model_name": "leuko at KLINIK-2"},
        {"thresholds": {"confidence": 0.9}},
        {"simulated": True},
        {"source": "b.avi"},
        {"source_details": {"kind": "v4l2", "width": 640, "height": 480}},
    ],
)
def test_what_must_not_be_counted_together(change):
    assert misfit(FILM, dataclasses.replace(FILM, **change)) and not misfit(FILM, dataclasses.replace(FILM, notes="n"))


def test_a_camera_that_comes_back_at_another_port_goes_on():
    def camera(name):
        about = {"kind": "v4l2", "name": name, "path": name, "width": 640, "height": 480}
        return dataclasses.replace(FILM, source=name, source_details=about)

    assert not misfit(camera("/dev/video0"), camera("/dev/video2"))


def test_without_room_no_session_is_begun(tmp_path, monkeypatch):
    check_room(str(tmp_path / "s.sqlite3"))
    monkeypatch.setattr(errors, "room", lambda path: errors.STOP_BYTES - 1)
    with pytest.raises(StoreFull, match="is full"):
        check_room(str(tmp_path / "s.sqlite3"))


def test_the_record_of_a_session_is_the_same_from_the_command_line_and_from_the_service():
    from leuko_edge.model.classify import simulated_card

    source = Newest("cam", lambda: None)
    info = information(source, simulated_card(), Goal(200), {"neutrophil": (1.0, 2.0)}, operator="AB")
    assert (info.target, info.operator, info.source, info.ranges) == (200, "AB", "cam", {"neutrophil": (1.0, 2.0)})
    assert info.model_sha256 == simulated_card().sha256 and info.window_um == 24.0 and not info.simulated


def test_the_journal_has_a_line_for_every_tenth_cell_and_its_priority(tmp_path):
    with open(tmp_path / "journal", "w+") as stream:
        journal = Journal(stream, {"JOURNAL_STREAM": "8:1"})
        for count in range(8, 33, 2):
            journal.frame(snapshot({"neutrophil": count}, warning="the disk is filling" if count > 20 else ""))
        stream.seek(0)
        lines = stream.read().splitlines()
    assert lines[0].startswith("<6>leuko-edge · sample S-117") and lines[0].endswith("not for diagnosis.")
    assert [line.split(":")[0] for line in lines[1:]] == ["<6>session 12"] * 2 + ["<4>session 12", "<6>session 12"]
    assert lines[1].endswith("basophil 0 (0.0 %), immature granulocyte 0 (0.0 %)") and "disk is filling" in lines[3]


def test_a_display_that_cannot_be_had_or_is_lost_stops_nothing(tmp_path):
    leader, follower = pty.openpty()
    with open(tmp_path / "journal", "w+") as stream:
        face = DeviceFace(Control(None), Journal(stream, {}))
        for wanted in (str(tmp_path / "none"), str(tmp_path / "journal"), os.ttyname(follower)):
            face.open(wanted)
        os.close(follower)
        face.show(snapshot())
        drawn = b""
        while b"neutrophil" not in drawn:
            drawn += os.read(leader, 65536)
        os.close(leader)
        face.tell("FAULT", ["no camera"], FAULT)
        assert face.pressed() == [] and face.actions() == []
        face.show(snapshot())
        face.close("bye")
        stream.seek(0)
        none, not_one, gone = stream.read().splitlines()
    assert "No such file" in none and "is not a terminal" in not_one and gone.startswith("the display is gone")


def test_a_film_that_cannot_be_played_is_one_sentence_and_no_fault_to_wait_for(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    assert main.main(["serve", "--display", "none", "--video", str(tmp_path / "none.avi")]) == 2
    assert "none.avi cannot be opened" in capsys.readouterr().err and not os.listdir(tmp_path)


@pytest.mark.parametrize(("supervised", "hangs"), [(True, True), (True, False), (False, True)])
def test_only_a_driver_that_hangs_ends_the_program_and_only_where_it_is_started_anew(
    supervised, hangs, tmp_path, monkeypatch, manager
):
    tries = []

    class Camera:
        name, live, dropped = "cam", True, 0

        def __enter__(self):
            tries.append(self)
            heard(manager)
            if len(tries) == 20:
                raise KeyboardInterrupt
            raise SourceLost("no picture came from the camera for 5 seconds")

    Camera.hangs = hangs
    monkeypatch.setattr(loop, "open_source", lambda kind, value, **wishes: Camera())
    monkeypatch.setattr(Classifier, "from_path", lambda *wanted: FixedClassifier("neutrophil"))
    monkeypatch.setattr(DeviceFace, "pressed", lambda self: ["x"])  # no pause is waited for
    told = {"NOTIFY_SOCKET": str(tmp_path / "notify")} if supervised else {}
    journal = Journal(io.StringIO(), {})
    teller = Teller(Notifier(told), StatusFile(None), DeviceFace(Control(None), journal), journal)
    environ = {"HOME": str(tmp_path), "LEUKO_EDGE_SERVICE_DISPLAY": "none"}
    flags = {"session.database": str(tmp_path / "s.sqlite3")}
    with pytest.raises(EnvironmentBroken if supervised and hangs else KeyboardInterrupt) as ended:
        loop.Service(teller, lambda: load(None, environ, flags).typed()).run()
    assert len(tries) == (6 if supervised and hangs else 20)
    assert ended.type is KeyboardInterrupt or "started anew" in str(ended.value)


def test_a_defect_is_told_once_with_its_traceback_and_the_session_that_meets_it_is_closed(tmp_path, monkeypatch):
    class Camera:
        name, live, dropped, hangs = "cam", True, 0, False

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def describe(self):
            return {"kind": "test", "width": 64, "height": 48}

        def __iter__(self):
            while True:
                yield Frame(0, time.time(), np.zeros((48, 64, 3), np.uint8))

    met = []

    def look(engine, frame):
        met.append(engine.store.id)
        if len(met) > 5:
            raise KeyboardInterrupt
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(loop, "open_source", lambda kind, value, **wishes: Camera())
    monkeypatch.setattr(Classifier, "from_path", lambda *wanted: FixedClassifier("neutrophil"))
    monkeypatch.setattr(Engine, "look", look)
    monkeypatch.setattr(DeviceFace, "pressed", lambda self: ["x"])  # no pause is waited for
    said = io.StringIO()
    journal = Journal(said, {})
    file = StatusFile(tmp_path / "run")
    teller = Teller(Notifier({}), file, DeviceFace(Control(None), journal), journal)
    environ = {"HOME": str(tmp_path), "LEUKO_EDGE_SERVICE_DISPLAY": "none"}
    flags = {"session.database": str(tmp_path / "s.sqlite3")}
    with pytest.raises(KeyboardInterrupt):
        loop.Service(teller, lambda: load(None, environ, flags).typed()).run()
    lines = said.getvalue()
    assert met == [1, 1, 2, 2, 2, 2]  # the second session did not bring it: it is not ended for it
    assert lines.count("Traceback") == 1 and "ZeroDivisionError: a defect" in lines
    assert "leuko-edge has a defect (ZeroDivisionError in test_parts.py" in lines
    assert "session 1 is closed, not signed, and all its cells are kept" in lines
    assert json.loads((tmp_path / "run" / "status.json").read_text())["fault"].startswith("leuko-edge has a defect")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_the_unit_is_locked_down_and_systemd_understands_it(tmp_path):
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=15", UNIT]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-300:]
    here = tmp_path / UNIT.name  # where the program is not installed, that alone would be found
    here.write_text(UNIT.read_text().replace("/usr/local/bin/leuko-edge", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", here], capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr


def test_a_camera_that_is_plugged_in_after_the_unit_started_is_allowed_too():
    """systemd makes char-video4linux a rule only where the kernel has that kind of device when the unit starts."""
    lines = UNIT.read_text().splitlines()
    assert {"Wants=modprobe@videodev.service", "After=modprobe@videodev.service"} <= set(lines)


def test_the_unit_gives_the_cameras_and_the_console_and_nothing_else():
    lines = UNIT.read_text().splitlines()
    allowed = [line.partition("=")[2] for line in lines if line.startswith("DeviceAllow=")]
    assert allowed == ["char-video4linux rw", "char-media rw", "char-dma_heap rw", "/dev/tty1 rw"]
    assert {"DevicePolicy=closed", "Type=notify", "Restart=on-failure", "User=leuko-edge"} <= set(lines)
