"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# A shell's background job ignores it, and so would every program that a test starts and interrupts.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def nothing_of_this_machine_outside_the_test(tmp_path_factory, monkeypatch):
    from leuko_edge.config import loading

    nowhere = tmp_path_factory.mktemp("settings")
    monkeypatch.setattr(loading, "SYSTEM", str(nowhere / "leuko-edge.toml"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(nowhere))
    monkeypatch.setenv("XDG_CACHE_HOME", str(nowhere))
    for name in [name for name in os.environ if name.startswith("LEUKO_EDGE_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def data() -> Path:
    """The laboratories' images; tests that need them skip where they are not at hand."""
    folder = Path(os.environ.get("LEUKO_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "README.md").is_file():
        pytest.skip(f"laboratory images not found in {folder} (set LEUKO_DATA)")
    return folder


@pytest.fixture(scope="session")
def cases() -> Path:
    """Inputs that once went wrong, beside the laboratories' images; what each should give stands in its README."""
    folder = Path(os.environ.get("LEUKO_CASES", ROOT.parent / "shared" / "cases"))
    if not (folder / "README.md").is_file():
        pytest.skip(f"the cases are not found in {folder} (set LEUKO_CASES)")
    return folder
