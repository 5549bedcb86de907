"""The device lab's first command, where a container can be booted; `tests/device/lab.py` is its own documentation."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

DEVICE = Path(__file__).parents[1] / "device"


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(DEVICE))
    import lab

    return lab


def test_an_installed_device_counts_and_goes_on_counting_whatever_happens_to_it(lab) -> None:
    if reason := lab.apart.missing():
        pytest.skip(reason)
    if not lab.root.cached(lab.cache()).is_dir() and not os.environ.get("LEUKO_LAB_CI"):
        pytest.skip(f"the device lab's Debian is not in {lab.cache()}; set LEUKO_LAB_CI=1 to make it (1 GB, minutes)")
    # Untimed: how long things take is told by the lab's page, and a test must not fail because a machine is busy.
    done = subprocess.run(
        [sys.executable, str(DEVICE / "lab.py"), "--untimed"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-8000:]
