"""`leuko-edge doctor` as a whole: it ends, whatever hangs or dies, and says so in words and in JSON."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from rich.console import Console

from leuko_edge.doctor import Finding, contained, report
from leuko_edge.doctor.containment import Died, Failed, Hung, guarded
from leuko_edge.errors import EnvironmentBroken, LeukoError

FOREVER = 3600


def test_what_is_done_apart_comes_back_whole():
    large = contained(lambda: {"frames": [bytes(100_000)] * 20, "array": np.arange(3)}, 30)
    assert len(large["frames"]) == 20 and large["array"].tolist() == [0, 1, 2]


def test_what_hangs_is_ended_with_all_that_it_started(tmp_path):
    pids = tmp_path / "pids"

    def hang() -> None:
        asleep = subprocess.Popen(["sleep", str(FOREVER)])
        pids.write_text(f"{os.getpid()} {asleep.pid}")
        time.sleep(FOREVER)

    with pytest.raises(Hung, match="after 3 seconds"):
        contained(hang, 3)
    for pid in pids.read_text().split():
        assert not _runs(int(pid)), f"process {pid} is still there"


def _runs(pid: int) -> bool:
    """Whether a process is there and is no zombie, after a moment to go."""
    for _ in range(100):
        try:
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    return False
        except FileNotFoundError:
            return False
        time.sleep(0.05)
    return True


def test_what_ends_the_program_ends_only_its_own_process():
    def die() -> None:
        os.kill(os.getpid(), signal.SIGILL)

    with pytest.raises(Died, match="Illegal instruction"):
        contained(die, 30)


def test_errors_come_back_as_their_sentence():
    def refuse() -> None:
        raise EnvironmentBroken("the disk is full; make room")

    def fail() -> None:
        raise KeyError("model")

    with pytest.raises(LeukoError, match="the disk is full"):
        contained(refuse, 30)
    with pytest.raises(Failed, match="KeyError: 'model'"):
        contained(fail, 30)


@pytest.mark.parametrize(
    ("code", "state", "found"),
    [
        ("time.sleep(3600)", "bad", "hangs"),
        ("os.kill(os.getpid(), 11)", "bad", "Segmentation fault"),
        ("os._exit(3)", "bad", "without an answer"),
        ("1 / 0", "warning", "ZeroDivisionError"),
        ("sys.exit(2)", "bad", "without an answer"),
    ],
)
def test_whatever_goes_wrong_with_a_check_is_its_finding(code, state, found):
    [finding] = guarded("camera", lambda: exec(code, {"os": os, "sys": sys, "time": time}), 2)
    assert (finding.name, finding.state) == ("camera", state) and found in finding.found and finding.advice


def test_an_error_tells_what_was_found_and_what_to_do():
    def refuse() -> list[Finding]:
        raise LeukoError("the camera is gone; its cable is loose", "plug it in again")

    [finding] = guarded("camera", refuse, 30)
    assert finding == Finding("camera", "bad", "the camera is gone; its cable is loose", "plug it in again")


def test_the_table_shows_every_finding_what_to_do_and_the_sum():
    console = Console(width=100, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    findings = [
        Finding("clock", "warning", "not set", "connect a network"),
        Finding("board", "good", "a \x1b[31mPi"),
        Finding("disk", "bad", "full", "make room"),
        Finding("throttling", "skipped", "does not tell"),
    ]
    report.show(console, "Board", findings)
    report.show_end(console, findings)
    text = console.export_text()
    assert "BAD      disk: full" in text and "→ make room" in text and "\x1b" not in text
    assert text.splitlines()[-1] == "1 good, 1 warning, 1 bad (1 skipped)"


def doctor(folder: Path, *, first: str = "") -> subprocess.CompletedProcess[str]:
    """The command on this machine, whose database is new, and whose camera is a folder of pictures.

    `first`: a folder whose modules are taken before all others.
    """
    code = (
        "import sys; from leuko_edge.cli.main import main; code = main(['doctor', '--json']);"
        "print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr); sys.exit(code)"
    )
    environ = {key: value for key, value in os.environ.items() if not key.startswith("LEUKO_EDGE_")}
    environ |= {"PYTHONPATH": f"{first}:{ROOT / 'edge'}", "HOME": str(folder), "XDG_STATE_HOME": str(folder)}
    environ["LEUKO_EDGE_CAMERA_SOURCE"] = str(folder)
    return subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="module")
def asked(tmp_path_factory) -> subprocess.CompletedProcess[str]:
    return doctor(tmp_path_factory.mktemp("doctor"))


def test_the_real_run_ends_with_a_code_that_says_whether_something_is_bad(asked):
    found = json.loads(asked.stdout)
    bad = [finding for finding in found["findings"] if finding["state"] == "bad"]
    assert asked.returncode == (4 if bad else 0), bad
    assert found["schema"] == "leuko-edge-doctor/1" and found["bad"] == len(bad)
    assert found["good"] + found["warnings"] + found["bad"] + found["skipped"] == len(found["findings"])
    assert all(finding["advice"] for finding in found["findings"] if finding["state"] in ("warning", "bad"))


def test_the_real_run_looks_at_everything_and_no_check_fails_itself(asked):
    found = json.loads(asked.stdout)["findings"]
    groups = list(dict.fromkeys(finding["group"] for finding in found))
    assert groups == [
        *("Program", "Settings", "Cameras", "Sessions", "Quality control"),
        *("Clock", "Board", "Permissions", "Service"),
    ]
    assert not [finding for finding in found if "report this" in finding["advice"]]
    assert {finding["name"]: finding["state"] for finding in found}["model runs"] == "good"


def test_the_process_that_asks_loads_none_of_the_libraries_that_it_asks_about(asked):
    assert not {"numpy", "cv2", "ai_edge_litert", "picamera2"} & set(asked.stderr.split())


def test_a_library_that_does_not_load_is_a_finding_and_the_other_checks_go_on(tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "cv2.py").write_text('raise ImportError("libGL.so.1: cannot open shared object file")')
    done = doctor(tmp_path, first=str(broken))
    found = {finding["name"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert done.returncode == 4 and "Traceback" not in done.stderr
    for name in ("NumPy and OpenCV", "model"):
        assert found[name]["state"] == "bad" and "libGL.so.1" in found[name]["found"]
    assert found["Python"]["state"] == "good" and found["memory"]["state"] != "bad"
    assert not [finding for finding in found.values() if "report this" in finding["advice"]]
