"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def data() -> Path:
    """The laboratories' images; tests that need them skip where they are not at hand."""
    folder = Path(os.environ.get("LEUKO_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "README.md").is_file():
        pytest.skip(f"laboratory images not found in {folder} (set LEUKO_DATA)")
    return folder
