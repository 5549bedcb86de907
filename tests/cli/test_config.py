"""`leuko-edge config`, and what the configuration does to the other commands."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from conftest import ROOT

from leuko_edge.cli import count as counting
from leuko_edge.cli import main
from leuko_edge.cli.request import Request
from leuko_edge.config import CountSettings, load, loading
from leuko_edge.config.example import example
from leuko_edge.config.keys import table
from leuko_edge.config.settings import SessionSettings

DEMO = ["--demo"]
VIDEO = ["--video", "stage.avi"]
IMAGE = ["--image", "a.png"]


@pytest.fixture(autouse=True)
def system(tmp_path, monkeypatch) -> Path:
    """The system's file, not there yet; nothing of this machine's own settings is in force."""
    for name in (key.variable for key in table().values()):
        monkeypatch.delenv(name, raising=False)
    for variable in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    file = tmp_path / "leuko-edge.toml"
    monkeypatch.setattr(loading, "SYSTEM", str(file))
    return file


@pytest.fixture
def counted(monkeypatch) -> list[Request]:
    """What counting is begun with."""
    seen: list[Request] = []
    monkeypatch.setattr(counting, "count", lambda request: seen.append(request) or 0)
    return seen


SET = """
camera.source = "/dev/video7"
camera.size = [800, 600]
count.target = 150
count.um_per_px = 0.05
count.threads = 3
model.path = "/m.tflite"
session.database = "/s.sqlite3"
session.operator = "AB"
reference.monocyte = [0, 9.5]
"""


def test_photographs_take_model_threads_scale_and_ranges(system, counted):
    system.write_text(SET)
    assert main.main(IMAGE) == 0
    (request,) = counted
    assert (request.images, request.threads, request.settings.model.path) == (("a.png",), 3, "/m.tflite")
    assert request.settings.count == CountSettings(None, None, None, 0.05, 3)
    assert request.settings.reference["monocyte"] == (0, 9.5) and request.settings.reference["neutrophil"] == (40, 60)
    assert (request.settings.session.database, request.settings.session.operator, request.keep) == (None, None, False)


def test_photographs_that_are_kept_take_place_and_operator_too(system, counted):
    system.write_text(SET)
    assert main.main([*IMAGE, "--sample", "1"]) == main.main([*IMAGE, "--operator", "CD", "--no-session"]) == 0
    first, second = counted
    assert (first.settings.session, first.sample) == (SessionSettings("/s.sqlite3", "AB"), "1")
    assert first.keep and not second.keep


def test_a_film_takes_the_goal_the_place_and_the_operator_too(system, counted):
    system.write_text(SET)
    assert main.main(VIDEO) == 0
    (request,) = counted
    assert (request.video, request.settings.count) == ("stage.avi", CountSettings(150, None, None, 0.05, 3))
    assert request.settings.session == SessionSettings("/s.sqlite3", "AB")


def test_the_camera_alone_is_the_configured_one_with_its_size(system, counted):
    system.write_text(SET)
    assert main.main(["--camera", "--sample", "1"]) == main.main(["--camera", "/dev/video9"]) == 0
    first, second = counted
    sources = [request.settings.camera.source for request in counted]
    assert (sources, first.sample, second.sample) == (["/dev/video7", "/dev/video9"], "1", "")
    assert first.settings.camera.size == (800, 600) and first.settings.session.database == "/s.sqlite3"
    system.unlink()
    assert main.main(["--camera"]) == 0 and counted[-1].settings.camera.source == "auto"


def test_the_demo_keeps_its_own_scale_end_and_place(system, counted):
    system.write_text(SET)
    assert main.main(DEMO) == 0
    (request,) = counted
    assert (request.settings.model.path, request.threads) == ("/m.tflite", 3)
    assert request.settings.count == CountSettings(None, None, None, None, 3)
    assert request.settings.session == SessionSettings(None, None)
    assert main.main([*DEMO, "--target", "5", "--um-per-px", "auto", "--database", "d"]) == 0
    assert counted[-1].settings.count == CountSettings(5, None, None, None, 3)
    assert counted[-1].settings.session.database == "d"


def test_flags_are_strongest(system, counted):
    system.write_text(SET)
    flags = ["--precision", "12", "--um-per-px", "0.2", "--threads", "1", "--model", "x.tflite"]
    flags += ["--database", "d.sqlite3", "--operator", "", "--reference", "monocyte=1-2"]
    assert main.main([*VIDEO, *flags]) == 0
    settings = counted[0].settings
    assert settings.count == CountSettings(None, 12, None, 0.2, 1)
    assert (settings.model.path, settings.session) == ("x.tflite", SessionSettings("d.sqlite3", ""))
    assert settings.reference["monocyte"] == (1, 2)


def test_a_configured_scale_can_be_left_to_the_red_cells(system, counted):
    system.write_text(SET)
    assert main.main([*IMAGE, "--um-per-px", "auto"]) == 0
    assert counted[0].settings.count.um_per_px is None


def test_a_resumed_session_keeps_its_goal_and_operator(system, counted):
    system.write_text(SET)
    assert main.main([*VIDEO, "--resume"]) == main.main([*VIDEO, "--resume", "3", "--precision", "9"]) == 0
    first, second = counted
    assert (first.resume, first.settings.count) == (0, CountSettings(None, None, None, 0.05, 3))
    assert (second.resume, second.settings.count) == (3, CountSettings(None, 9, None, 0.05, 3))
    assert first.settings.session == SessionSettings("/s.sqlite3", None)
    afterwards = first.afterwards  # another slide begins as if nothing had been resumed
    assert main.main(VIDEO) == 0 and counted[-1].afterwards is None
    assert (afterwards.count, afterwards.session) == (counted[-1].settings.count, counted[-1].settings.session)


@pytest.mark.parametrize("words", [["--decide", "blast>0"], ["--reference", "monocyte=1-2"], ["--operator", "AB"]])
def test_what_a_session_began_with_is_not_given_again(words, capsys):
    assert main.main([*VIDEO, "--resume", *words]) == 2
    assert f"{words[0]} was given when the session began" in capsys.readouterr().err


def test_a_configuration_that_cannot_be_used_stops_the_count_with_its_sentence(system, counted, capsys):
    system.write_text("[count]\ntarget = 0\n")
    for arguments in (IMAGE, VIDEO, DEMO, ["config"], ["sessions"], ["export", "1", "--json", "-"]):
        assert main.main(arguments) == 2
        out, err = capsys.readouterr()
        assert (out, err) == (
            "",
            f"leuko-edge: {system}, line 2: count.target: a whole number from 1 to 100000 is needed, got 0\n",
        )
    assert not counted
    assert main.main(["--version"]) == main.main(["--help"]) == 0  # must not need one


def test_a_variable_that_sets_nothing_stops_the_count_and_the_nearest_is_named(counted, capsys, monkeypatch):
    monkeypatch.setenv("LEUKO_EDGE_COUNT_TARGTE", "3")
    for arguments in (IMAGE, [*IMAGE, "--quiet"], ["config"]):
        assert main.main(arguments) == 2
        out, err = capsys.readouterr()
        assert out == "" and err.endswith(
            "LEUKO_EDGE_COUNT_TARGTE is no setting; did you mean LEUKO_EDGE_COUNT_TARGET?\n"
        )
    assert not counted


def test_sessions_are_looked_for_where_the_configuration_says(tmp_path, capsys, monkeypatch):
    named = tmp_path / "named.toml"
    named.write_text('session.database = "s.sqlite3"')
    for arguments in (["sessions", "--config", str(named)], ["--config", str(named), "sessions"]):
        assert main.main([*arguments, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["database"] == str(tmp_path / "s.sqlite3")
    assert main.main(["export", "1", "--json", "-", "--config", str(named)]) == 4
    assert str(tmp_path / "s.sqlite3") in capsys.readouterr().err
    monkeypatch.setenv("LEUKO_EDGE_SESSION_DATABASE", "/nowhere/s.sqlite3")
    assert main.main(["sessions"]) == 0
    assert "/nowhere/s.sqlite3" in capsys.readouterr().out
    assert main.main(["sessions", "--database", str(tmp_path / "absent")]) == 4


def test_config_shows_each_value_and_where_it_comes_from(system, capsys, monkeypatch):
    system.write_text("[camera]\nfps = 15")
    monkeypatch.setenv("LEUKO_EDGE_SESSION_OPERATOR", "[bold]AB")
    monkeypatch.setenv("COLUMNS", "200")
    assert main.main(["config", "--target", "50", "--reference", "basophil=0-3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines if " " in line}
    assert rows["camera.fps"].split() == ["15", f"{system}:2"]
    assert rows["session.operator"].split() == ['"[bold]AB"', "LEUKO_EDGE_SESSION_OPERATOR"]
    assert rows["count.target"].split() == ["50", "--target"]
    assert rows["reference.basophil"].split() == ["[0,", "3]", "--reference"]
    assert rows["camera.size"].split() == ["[1280,", "960]", "default"]
    assert rows["count.threads"].split() == ["all", "cores", "default"]
    assert set(table()) <= set(rows)
    assert f"{system}: read" in lines


def test_config_for_other_programs(system, capsys, monkeypatch):
    system.write_text("[camera]\nfps = 15")
    assert main.main(["config", "--json", "--camera", "picamera2"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "leuko-edge-config/1" and set(found["settings"]) == set(table())
    assert found["settings"]["camera.fps"] == {"value": 15, "origin": f"{system}:2"}
    assert found["settings"]["camera.source"] == {"value": "picamera2", "origin": "--camera"}
    assert found["settings"]["count.target"] == {"value": None, "origin": "default"}
    assert found["files"][0] == {"path": str(system), "read": True} and not found["files"][1]["read"]
    assert found["notices"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--target", "0"], "a whole number from 1 to 100000 is needed, got 0"),
        (["--target", "5", "--precision", "5"], "two goals"),
        (["--reference", "nutrophil=1-2"], "there is no class 'nutrophil'"),
        (["--config", "absent.toml"], "there is no configuration at absent.toml"),
        (["--json", "--example"], "not allowed with"),
    ],
)
def test_config_refuses_what_counting_refuses(arguments, said, capsys):
    assert main.main(["config", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == "" and said in err and "Traceback" not in err


def test_the_example_in_deploy_is_what_the_command_prints(capsys):
    assert main.main(["config", "--example"]) == 0
    text = capsys.readouterr().out
    assert text == (ROOT / "deploy" / "leuko-edge.toml").read_text(encoding="utf-8")


def test_the_example_has_every_setting_and_switches_none_on(system):
    system.write_text(example())
    assert {load(environ={}).origin(name) for name in table()} == {"default"}
    switches = [line for line in example().splitlines() if line.startswith("#") and line[1:2].isalpha()]
    assert len(switches) == len(table()) and max(map(len, example().splitlines())) <= 100


def test_each_line_of_the_example_counts_once_its_mark_is_taken_away(system):
    for name in table():
        setting = name.split(".")[1]
        (line,) = (line for line in example().splitlines() if line.startswith(f"#{setting} = "))
        text = example().replace(line, line[1:])
        system.write_text(text)
        found = load(environ={})
        assert found.origin(name) == f"{system}:{text.splitlines().index(line[1:]) + 1}"
        value = tomllib.loads(line[1:])[setting]
        assert found[name] == (tuple(value) if isinstance(value, list) else value)


def test_a_command_whose_module_is_missing_is_one_sentence(capsys, monkeypatch):
    monkeypatch.setitem(main.COMMANDS, "config", "absent")
    assert main.main(["config"]) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("leuko-edge: a part of the installation is missing") and "absent" in line
