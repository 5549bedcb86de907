"""What the labs' commands have in common: the cache, the wheel, scenario after scenario with a line a finding."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from installed import Finding, Installed
from machine import LabError

REPOSITORY = Path(__file__).resolve().parents[2]
Device = TypeVar("Device", bound=Installed)
Scenario = Callable[[Device], Iterator[Finding]]
Line = tuple[bool, str]  # whether it holds, and what is printed


def cache() -> Path:
    """Where the Debians and the films are kept."""
    return Path(os.environ.get("LEUKO_LAB") or Path.home() / ".cache/leuko-edge/lab").absolute()


def wheel(folder: Path) -> Path:
    """leuko-edge, built from the checkout into `folder`."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(REPOSITORY)]
    subprocess.run(pip, check=True)
    return next(folder.glob("leuko_edge-*.whl"))


def play(device: Device, scenarios: Sequence[Scenario[Device]], untimed: bool = False) -> Iterator[Line]:
    """All findings of `scenarios`; with `untimed` what took too long is told, and no fault."""
    for scenario in scenarios:
        for finding in _played(scenario, device):
            held = finding.holds and (finding.timely or untimed)
            word = "FAIL" if not held else "ok  " if finding.timely else "slow"
            yield held, f"{word} {scenario.__name__}: {finding.said}"


def told(lines: Iterator[Line]) -> tuple[bool, list[str]]:
    """Print each line as it comes; whether all held, and the lines."""
    held, said = True, []
    for holds, line in lines:
        print(line, flush=True)
        said.append(line)
        held &= holds
    return held, said


def _played(scenario: Scenario[Device], device: Device) -> Iterator[Finding]:
    began, held = device.now(), True
    try:
        for finding in scenario(device):
            held &= finding.holds and finding.timely
            yield finding
    except (LabError, subprocess.TimeoutExpired) as error:
        held = False
        yield Finding(False, str(error))
    except Exception as error:  # a defect of the scenario, which is no reason to leave the others out
        held = False
        yield Finding(False, f"{type(error).__name__}: {error}")
    if not held:
        print(device.journal(began)[-4000:], file=sys.stderr, flush=True)
