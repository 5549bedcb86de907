"""The fuzz commands of cards and settings, a few dozen each: nothing uncaught, nothing changed without a word."""

import subprocess
import sys

import pytest
from conftest import ROOT


@pytest.mark.parametrize("kind", ["cards", "settings"])
def test_a_few_dozen_of_each_end_without_traceback_or_silent_change(kind):
    command = [sys.executable, str(ROOT / "tests/fuzz.py"), kind, "--n", "60", "--seed", "5"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tried 60" in done.stdout and "tracebacks 0" in done.stdout
