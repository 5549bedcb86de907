"""What `leuko-edge doctor` says of a machine: of its board, clock, disk, sessions, rights, service and settings."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from configured import configured
from made_session import INFO, new_cell
from tiny import ASSETS, TINY

from leuko_edge.config import loading
from leuko_edge.doctor import Finding, Machine, board, clock, libraries, model, permissions, settings, systemd_unit
from leuko_edge.doctor import database as sessions
from leuko_edge.doctor.settings import Settings
from leuko_edge.errors import LeukoError
from leuko_edge.service.status import FRESH, Status, as_json
from leuko_edge.session import Accounts
from leuko_edge.store import SessionStore

NOW = datetime.fromisoformat("2026-11-20T10:00:00+00:00").timestamp()
GB = 1_000_000_000
PI = "Raspberry Pi 4 Model B Rev 1.4"


@pytest.fixture
def machine(tmp_path):
    """Makes a machine whose files, commands and disk are those given; it tells nothing else."""

    def make(files: dict[str, str] | None = None, said: dict[str, str] | None = None, **about: object) -> Machine:
        root = tmp_path / "root"
        for path, text in (files or {}).items():
            file = root / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        root.mkdir(exist_ok=True)
        given = {"now": lambda: NOW, "user": "pi", "groups": frozenset({"video"}), "environ": {}, "statvfs": disk()}
        return Machine(root, lambda words: (said or {}).get(words[0]), **{**given, **about})

    return make


def disk(free: int = 20 * GB, flags: int = 0, inodes: int = 1000):
    return lambda _: SimpleNamespace(
        f_bavail=free // 4096, f_frsize=4096, f_blocks=30 * GB // 4096, f_flag=flags, f_files=2000, f_favail=inodes
    )


def states(findings: list[Finding]) -> dict[str, str]:
    return {finding.name: finding.state for finding in findings}


def of(findings: list[Finding], name: str) -> Finding:
    [found] = [finding for finding in findings if finding.name == name]
    return found


def test_a_finding_that_is_not_good_says_what_to_do():
    with pytest.raises(ValueError, match="what to do"):
        Finding("disk", "bad", "full")


# Program


def test_a_32_bit_python_is_bad_and_the_64_bit_system_is_named():
    [found] = libraries.check_python(libraries.Python((3, 11, 2), 32, "armv7l", "/opt"))
    assert found.state == "bad" and "64-bit" in found.advice


def test_an_old_python_is_bad():
    [found] = libraries.check_python(libraries.Python((3, 9, 2), 64, "aarch64", "/opt"))
    assert found.state == "bad" and "3.11" in found.advice


@pytest.mark.parametrize(
    ("versions", "python", "names"),
    [
        ({"numpy": "1.24.2", "opencv": "4.12.0"}, (3, 11), ["OpenCV with NumPy"]),
        ({"numpy": "1.24.2", "opencv": "4.11.0"}, (3, 11), []),
        ({"numpy": "2.2.4", "opencv": "5.0.0", "picamera2": "0.3.31"}, (3, 13), []),
        ({"numpy": "2.2.4", "opencv": "4.12.0", "picamera2": "0.3.31"}, (3, 11), ["picamera2 with NumPy"]),
        ({"numpy": "2.0.0", "opencv": "4.12.0", "tflite-runtime": "2.14.0"}, (3, 11), ["tflite-runtime with NumPy"]),
        ({"numpy": "2.0.0", "opencv": "5.0.0", "tflite-runtime": "2.14.0", "ai-edge-litert": "2.3.0"}, (3, 11), []),
        ({"numpy": "1.26.4", "opencv": "4.11.0", "tflite-runtime": "2.14.0", "picamera2": "0.3.31"}, (3, 11), []),
    ],
)
def test_known_bad_pairs_of_versions_are_named_and_others_are_not(versions, python, names):
    found = libraries.pairs(versions, python)
    assert [finding.name for finding in found] == names
    assert all(finding.state == "bad" and "pip install" in finding.advice for finding in found)


def test_the_libraries_of_this_machine_load():
    assert states(libraries.check_libraries())["NumPy and OpenCV"] == "good"
    assert states(libraries.check_litert()) == {"LiteRT": "good"}


# Model


def test_the_shipped_model_is_whole_and_names_drawn_cells():
    found = states(model.check_model(None))
    assert found["model"] == found["model runs"] == "good"


def test_a_certificate_is_summed_up_and_none_is_bad_because_counting_refuses_the_model(tmp_path):
    found = of(model.check_model(str(TINY)), "certificate")
    assert found.state == "good" and "100.00 % of 9 cells" in found.found
    card = json.loads((ASSETS / "tiny.json").read_text())
    (tmp_path / "tiny.json").write_text(json.dumps({**card, "certificate": {}}))
    (tmp_path / "tiny.tflite").write_bytes(TINY.read_bytes())
    found = of(model.check_model(str(tmp_path / "tiny.tflite")), "certificate")
    assert found.state == "bad" and "no certificate" in found.found


def test_a_model_that_names_the_drawn_cells_otherwise_is_bad():
    found = of(model.check_model(str(TINY)), "model runs")  # the tiny one knows flat colours only
    assert found.state == "bad" and model.PROBE in found.found


def test_a_broken_card_and_a_changed_model_are_bad(tmp_path):
    file = tmp_path / "tiny.tflite"
    file.write_bytes(TINY.read_bytes())
    (tmp_path / "tiny.json").write_text("{")
    [found] = model.check_model(str(file))
    assert found.state == "bad" and "not JSON" in found.found
    (tmp_path / "tiny.json").write_text((ASSETS / "tiny.json").read_text())
    file.write_bytes(TINY.read_bytes() + b"\0")
    [found] = model.check_model(str(file))
    assert found.state == "bad" and "SHA-256" in found.found and "fetch model and card together" in found.advice


# Settings


def test_a_broken_configuration_is_bad_and_the_sentence_names_its_line(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('[camera]\nsource = "auto"\nfps = "many"\n')
    [found] = settings.check_settings(settings.read(str(file), {}))
    assert found.state == "bad" and "line 3" in found.found + found.advice


def test_what_is_set_is_told_with_where_it_comes_from(tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "SYSTEM", str(tmp_path / "none.toml"))
    environ = {"HOME": str(tmp_path), "LEUKO_EDGE_CAMERA_SOURCE": "/dev/video3"}
    [found] = settings.check_settings(settings.read(None, environ))
    assert found.found == "camera.source = /dev/video3 (LEUKO_EDGE_CAMERA_SOURCE)"


def test_a_variable_that_sets_nothing_is_bad_and_the_nearest_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "SYSTEM", str(tmp_path / "none.toml"))
    [found] = settings.check_settings(settings.read(None, {"HOME": str(tmp_path), "LEUKO_EDGE_CAMERA_SORCE": "auto"}))
    assert found.state == "bad" and "LEUKO_EDGE_CAMERA_SOURCE" in found.advice


def test_a_camera_without_tuning_is_a_warning(tmp_path):
    kept = {"session.database": str(tmp_path / "sessions.sqlite3")}
    assert states(settings.check_tuning(Settings(configured(kept)))) == {"tuning": "warning"}
    kept["camera.tuning"] = str(tmp_path / "camera.json")  # as on a device fresh from install.sh
    named = Settings(configured(kept))
    assert states(settings.check_tuning(named)) == {"tuning": "warning"}


def test_a_tuning_that_cannot_be_read_ends_in_its_sentence(tmp_path):
    (tmp_path / "camera.json").write_text("{")
    with pytest.raises(LeukoError, match="tuning"):  # which becomes a finding where checks are run
        settings.check_tuning(Settings(configured({"camera.tuning": str(tmp_path / "camera.json")})))


def test_a_film_needs_no_tuning(tmp_path):
    film = Settings(configured({"camera.source": str(tmp_path), "session.database": str(tmp_path / "s.sqlite3")}))
    assert states(settings.check_tuning(film)) == {"tuning": "skipped"}


# Sessions and disk


@pytest.fixture
def database(tmp_path) -> Path:
    """Two sessions of two cells, one ended and one left open."""
    path = tmp_path / "state" / "sessions.sqlite3"
    for state in ("closed", "open"):
        with SessionStore.create(path, INFO) as store:
            for number in (1, 2):
                store.add_cell(new_cell(number=number), Accounts(number))
            store.close(state)
    return path


def at(database: Path) -> Settings:
    return Settings(configured({"session.database": str(database)}))


def test_sessions_are_counted_looked_through_and_left_as_they_are(machine, database):
    before = {file.name: file.read_bytes() for file in database.parent.iterdir()}
    here = machine(now=time.time)
    found = sessions.check_sessions(here, at(database))
    assert set(states(found).values()) == {"good"}
    assert of(found, "sessions").found.startswith(f"2 with 4 cells in {database}, 1 open; whole")
    size = database.stat().st_size
    assert f"about {20 * GB // 4096 * 4096 / (size / 2):.0f} more sessions" in of(found, "disk").found
    assert {file.name: file.read_bytes() for file in database.parent.iterdir()} == before


def test_a_database_that_is_being_written_is_read_beside_its_writer(machine, database):
    with SessionStore.create(database, INFO) as store:
        store.add_cell(new_cell(), Accounts(1))
        found = of(sessions.check_sessions(machine(now=time.time), at(database)), "sessions")
    assert found.state == "good" and found.found.startswith("3 with 5 cells")


def test_several_open_sessions_are_a_warning(machine, database):
    for _ in range(2):
        SessionStore.create(database, INFO).close("open")
    assert states(sessions.check_sessions(machine(now=time.time), at(database)))["open sessions"] == "warning"


def test_sessions_of_the_future_are_a_warning_that_the_clock_went_back(machine, database):
    found = sessions.check_sessions(machine(now=lambda: time.time() - 86_400), at(database))
    assert states(found)["times of sessions"] == "warning"


def test_what_another_user_keeps_to_himself_is_skipped_and_not_taken_for_absent(machine, database, monkeypatch):
    stat = os.stat

    def refuse(path, **how):
        if path == str(database):
            raise PermissionError(13, "Permission denied")
        return stat(path, **how)

    monkeypatch.setattr(os, "stat", refuse)  # this test may run as root
    [found] = sessions.check_sessions(machine(), Settings(configured({"session.database": str(database)})))
    assert found.state == "skipped" and "sudo" in found.advice


def test_no_database_yet_is_good_and_none_is_made(machine, tmp_path):
    found = sessions.check_sessions(machine(), at(tmp_path / "deep" / "er" / "sessions.sqlite3"))
    assert states(found) == {"sessions": "good", "disk": "good", "writing": "good"}
    assert not (tmp_path / "deep").exists()


def test_a_damaged_database_is_bad(machine, database):
    content = bytearray(database.read_bytes())
    content[4096:] = b"\x5a" * (len(content) - 4096)
    database.write_bytes(content)
    found = of(sessions.check_sessions(machine(), at(database)), "sessions")
    assert found.state == "bad" and "copy" in found.advice


def test_a_newer_database_is_bad_and_an_empty_file_is_none_yet(machine, database, tmp_path):
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA user_version = 99")
    newer = of(sessions.check_sessions(machine(), at(database)), "sessions")
    assert (newer.state, newer.advice) == ("bad", "update leuko-edge") and "version 99" in newer.found
    (tmp_path / "empty.sqlite3").touch()
    empty = of(sessions.check_sessions(machine(), at(tmp_path / "empty.sqlite3")), "sessions")
    assert empty.state == "good" and empty.found.startswith("none yet")


def test_another_programs_database_is_bad(machine, tmp_path):
    with closing(sqlite3.connect(tmp_path / "theirs.sqlite3")) as connection:
        connection.execute("CREATE TABLE holiday (day TEXT)")
    found = of(sessions.check_sessions(machine(), at(tmp_path / "theirs.sqlite3")), "sessions")
    assert found.state == "bad" and "no session database" in found.found


@pytest.mark.parametrize(
    ("state", "statvfs"),
    [
        ("bad", disk(free=5_000_000)),
        ("warning", disk(free=40_000_000)),
        ("bad", disk(flags=os.ST_RDONLY)),
        ("bad", disk(inodes=0)),
        ("good", disk()),
    ],
)
def test_a_full_a_filling_and_a_read_only_disk_are_told(machine, database, state, statvfs):
    found = of(sessions.check_sessions(machine(statvfs=statvfs), at(database)), "disk")
    assert found.state == state and bool(found.advice) == (state != "good")


# Clock


@pytest.mark.parametrize(
    ("files", "said", "state", "word"),
    [
        ({}, {"timedatectl": "yes\n"}, "good", "from the network"),
        ({}, {"timedatectl": "no\n"}, "warning", "no clock of its own"),
        ({"/dev/rtc0": "", "/sys/class/rtc/rtc0/since_epoch": f"{NOW - 3:.0f}\n"}, {}, "good", "(RTC)"),
        (
            {"/dev/rtc0": "", "/sys/class/rtc/rtc0/since_epoch": "86400"},
            {"timedatectl": "yes\n"},
            "warning",
            "hours off",
        ),
    ],
)
def test_a_clock_that_nothing_sets_is_a_warning(machine, files, said, state, word):
    [found] = clock.check_clock(machine(files, said), installed_at=NOW - 1e6)
    assert found.state == state and word in found.found


def test_a_clock_before_the_installation_is_a_warning_even_where_it_seems_set(machine):
    [found] = clock.check_clock(machine(said={"timedatectl": "yes\n"}), installed_at=NOW + 1e6)
    assert found.state == "warning" and "before leuko-edge was installed" in found.found


# Board


def test_a_cool_raspberry_pi_is_good(machine):
    files = {
        "/proc/device-tree/model": f"{PI}\0",
        "/sys/class/thermal/thermal_zone0/temp": "48312\n",
        "/sys/devices/platform/soc/soc:firmware/get_throttled": "0\n",
        "/proc/meminfo": "MemTotal: 3884000 kB\nMemAvailable: 3000000 kB\nSwapTotal: 102396 kB\nSwapFree: 102396 kB\n",
        "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
        "/sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq": "1800000\n",
    }
    found = board.check_board(machine(files))
    assert set(states(found).values()) == {"good"}
    assert of(found, "board").found.startswith(PI) and of(found, "temperature").found == "48 °C"
    assert of(found, "processor speed").found == "governor ondemand, up to 1800 MHz"


@pytest.mark.parametrize(("millidegrees", "state"), [("69000", "good"), ("72000", "warning"), ("81000", "bad")])
def test_heat_is_told_by_the_hottest_zone(machine, millidegrees, state):
    zones = {"/sys/class/thermal/thermal_zone0/temp": "40000", "/sys/class/thermal/thermal_zone1/temp": millidegrees}
    assert states(board.check_board(machine(zones)))["temperature"] == state


@pytest.mark.parametrize(
    ("bits", "state", "words", "advice"),
    [
        ("0x0", "good", "none since power-on", ""),
        ("0x50000", "warning", "undervoltage since power-on, throttled since power-on", "power supply"),
        ("0x50005", "bad", "undervoltage now, throttled now", "power supply"),
        ("0x80008", "bad", "soft temperature limit now", "heat sink"),
        ("0xf000f", "bad", "ARM frequency capped now", "heat sink"),
    ],
)
def test_the_firmwares_throttling_is_read_bit_by_bit(machine, bits, state, words, advice):
    found = of(board.check_board(machine(said={"vcgencmd": f"throttled={bits}\n"})), "throttling")
    assert found.state == state and words in found.found and advice in found.advice


def test_throttling_is_read_from_the_kernel_where_vcgencmd_is_not_there(machine):
    files = {"/sys/devices/platform/soc/soc:firmware/get_throttled": "50000\n"}
    assert states(board.check_board(machine(files)))["throttling"] == "warning"


def test_little_memory_much_swap_and_a_slow_governor_are_warnings(machine):
    little = {"/proc/meminfo": "MemTotal: 900000 kB\nMemAvailable: 200000 kB\n"}
    assert states(board.check_board(machine(little)))["memory"] == "warning"
    swapped = {
        "/proc/meminfo": "MemTotal: 900000 kB\nMemAvailable: 500000 kB\nSwapTotal: 500000 kB\nSwapFree: 100000 kB\n",
        "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
    }
    found = states(board.check_board(machine(swapped)))
    assert found["memory"] == found["processor speed"] == "warning"


def test_a_machine_that_tells_nothing_is_no_fault(machine):
    assert {state for _, state in states(board.check_board(machine())).items()} == {"good", "skipped"}


# Permissions


def test_closed_camera_devices_are_bad_and_the_reason_is_named(machine, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # this test may run as root
    files = {"/dev/video0": "", "/dev/media0": "", "/etc/group": "video:x:44:pi\n"}
    for about, word in (
        ({"groups": frozenset({"pi"})}, "log out and in again"),
        ({"groups": frozenset({"pi", "video"})}, "raspberrypi-sys-mods"),
        ({"groups": frozenset({"pi"}), "user": "eva"}, "usermod -aG video eva"),
    ):
        [found] = permissions.check_rights(machine(files, **about), None, Settings())
        assert found.state == "bad" and word in found.advice and "/dev/video0" in found.found


SERVICE_USER = {
    "/etc/passwd": "leuko-edge:x:990:990::/var/lib/leuko-edge:/bin/false\n",
    "/etc/group": "video:x:44:pi\n",
}


def test_the_services_user_needs_the_group_of_the_cameras_from_itself_or_from_its_unit(machine):
    here = machine(SERVICE_USER)
    found = of(permissions.check_rights(here, service(machine, User="leuko-edge"), Settings()), "service user")
    assert found.state == "bad" and "usermod -aG video leuko-edge" in found.advice
    for asked, group in (
        (service(machine, User="leuko-edge", SupplementaryGroups="video"), "video:x:44:pi\n"),
        (service(machine, User="leuko-edge"), "video:x:44:pi,leuko-edge\n"),
    ):
        here = machine({**SERVICE_USER, "/etc/group": group})
        assert states(permissions.check_rights(here, asked, Settings()))["service user"] == "good"


def test_a_service_without_its_user_is_bad_and_one_of_root_a_warning(machine):
    for user, state in (("leuko-edge", "bad"), ("", "warning")):
        assert (
            states(permissions.check_rights(machine(), service(machine, User=user), Settings()))["service user"]
            == state
        )


def test_the_terminal_that_is_named_must_be_there_and_belong_to_the_running_service(machine):
    drawn, running = Settings(configured({"service.display": "/dev/tty1"})), service(machine, User="leuko-edge")
    assert states(permissions.check_rights(machine(SERVICE_USER), running, drawn))["display"] == "warning"
    here = machine({**SERVICE_USER, "/dev/tty1": ""})
    assert states(permissions.check_rights(here, running, drawn))["display"] == "warning"
    mine = {**SERVICE_USER, "/etc/passwd": f"leuko-edge:x:{os.getuid()}:990::/var/lib/leuko-edge:/bin/false\n"}
    assert states(permissions.check_rights(machine(mine), running, drawn))["display"] == "good"
    assert "display" not in states(permissions.check_rights(machine(mine), running, Settings()))


# Service


def service(machine, **said: str) -> systemd_unit.Unit | None:
    answers = {"LoadState": "loaded", "ActiveState": "active", "SubState": "running", "UnitFileState": "enabled"}
    answers |= {"NRestarts": "0", "WatchdogUSec": "30s", "StatusText": "session 3: 41 of 100 leukocytes", **said}
    return systemd_unit.ask(machine(said={"systemctl": "".join(f"{key}={value}\n" for key, value in answers.items())}))


def test_no_systemd_and_no_unit_are_no_fault(machine):
    for asked in (systemd_unit.ask(machine()), service(machine, LoadState="not-found")):
        assert states(systemd_unit.check_unit(asked, machine())) == {"service": "skipped"}


@pytest.mark.parametrize(
    ("said", "name", "state", "word"),
    [
        ({}, "service", "good", "41 of 100"),
        (
            {"ActiveState": "failed", "Result": "watchdog", "StatusText": "the disk is full"},
            "service",
            "bad",
            "the disk is full",
        ),
        ({"ActiveState": "activating", "SubState": "auto-restart"}, "service", "warning", "auto-restart"),
        ({"ActiveState": "inactive", "StatusText": ""}, "service", "warning", "inactive"),
        ({"NRestarts": "3"}, "service", "warning", "3 times"),
        ({"UnitFileState": "disabled"}, "starts at power-on", "warning", "disabled"),
        ({"WatchdogUSec": "0"}, "watchdog", "warning", "none"),
        ({}, "watchdog", "good", "30s"),
    ],
)
def test_the_unit_is_told_as_systemd_has_it(machine, said, name, state, word):
    found = of(systemd_unit.check_unit(service(machine, **said), machine()), name)
    assert found.state == state and word in found.found


def test_a_service_that_runs_but_cannot_count_is_bad_with_its_own_sentence(machine):
    status = "no camera was found; trying again in 8 s"
    for active in ("active", "activating"):  # it is ready with its first frame
        found = of(
            systemd_unit.check_unit(
                service(machine, ActiveState=active, StatusText=status, StatusErrno="11", MainPID="7"), machine()
            ),
            "service",
        )
        assert found.state == "bad" and "no camera was found" in found.found


def test_what_the_service_sees_is_told_while_it_is_fresh(machine):
    session = {"frames_per_second": 24.62, "light": "good"}
    status = {**as_json(Status("counting", "well")), "session": session, "until": time.monotonic() + FRESH}
    for published, told in ((status, True), ({**status, "until": 0.0}, False), ({"schema": "x"}, False), ([], False)):
        here = machine({"/run/leuko-edge/status.json": json.dumps(published)})
        found = of(systemd_unit.check_unit(service(machine), here), "service")
        assert found.state == "good" and ("24.6 frames a second, light good" in found.found) == told


def test_the_services_configuration_is_read_with_its_own_home_and_variables(machine):
    here = machine({"/etc/passwd": "leuko-edge:x:990:990::/var/lib/leuko-edge:/bin/false\n"})
    asked = service(machine, User="leuko-edge", Environment="LEUKO_EDGE_SESSION_DATABASE=/var/lib/a.sqlite3 X=1")
    assert asked.its_environment(here) == {
        "HOME": "/var/lib/leuko-edge",
        "LEUKO_EDGE_SESSION_DATABASE": "/var/lib/a.sqlite3",
        "X": "1",
    }
