"""`leuko-edge serve` started by hand: where attach finds it, and what there is to try without a camera."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from serving import EDGE, PATIENCE

from leuko_edge.service.status import own_folder


def test_a_service_by_hand_publishes_where_attach_looks(tmp_path, monkeypatch):
    assert own_folder({"RUNTIME_DIRECTORY": "/run/leuko-edge:/run/other"}) == Path("/run/leuko-edge")
    assert own_folder({"XDG_RUNTIME_DIR": "/run/user/7"}) == Path("/run/user/7/leuko-edge")
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    own = own_folder({})
    assert own is not None and own.parent == tmp_path and own.stat().st_mode & 0o777 == 0o700 and own_folder({}) == own
    own.chmod(0o770)
    assert own_folder({}) is None  # others could answer in its place
    own.rmdir()
    own.symlink_to(tmp_path)
    assert own_folder({}) is None


@pytest.mark.parametrize("places", [("XDG_RUNTIME_DIR",), ("TMPDIR",)])
def test_a_demo_of_the_service_is_watched_and_its_slide_named(tmp_path, places):
    environ = {
        name: value for name, value in os.environ.items() if name not in ("XDG_RUNTIME_DIR", "RUNTIME_DIRECTORY")
    }
    environ |= {"PYTHONPATH": str(EDGE), "XDG_STATE_HOME": str(tmp_path / "state"), "XDG_CONFIG_HOME": str(tmp_path)}
    environ |= {place: str(tmp_path) for place in places}

    def command(*words: str) -> list[str]:
        return [sys.executable, "-m", "leuko_edge.cli.main", *words]

    serving = subprocess.Popen(
        command("serve", "--demo", "--display", "none"), env=environ, stderr=subprocess.PIPE, text=True
    )
    try:
        end, said = time.monotonic() + PATIENCE, ""
        while "SIMULATED" not in said and time.monotonic() < end:
            said = subprocess.run(command("attach", "--once"), env=environ, capture_output=True, text=True).stdout
        assert "SIMULATED" in said and "simulated smear" in said
        named = subprocess.run(command("attach", "--sample", "S-1"), env=environ, capture_output=True, text=True)
        assert named.stdout == "session 1: sample S-1\n", named.stderr
    finally:
        serving.send_signal(signal.SIGTERM)
        journal = serving.communicate(timeout=PATIENCE)[1]
    assert serving.returncode == 0 and "leuko-edge attach shows this count" in journal
    assert not (tmp_path / "state").exists()  # no patient's
