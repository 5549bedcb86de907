"""What was measured: the board, its system, the libraries and the model; and how hot it was before and after."""

from __future__ import annotations

import os
import platform
from typing import Any

import cv2
import numpy as np

from .. import __version__
from ..doctor import board
from ..doctor import libraries as program
from ..doctor.machine import Machine
from ..model.card import load_verified


def about(machine: Machine, model: str | None) -> dict[str, Any]:
    """JSON values; LeukoError where the model cannot be used."""
    card, _ = load_verified(model)
    litert = program.installed()
    runtime = next((name for name in ("ai-edge-litert", "tflite-runtime") if name in litert), None)
    return {
        "board": board.model(machine),
        "cores": os.cpu_count() or 1,
        "governor": machine.text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "machine": platform.machine(),
        "system": _system(machine),
        "kernel": platform.release(),
        "program": f"leuko-edge {__version__}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "runtime": f"{runtime} {litert[runtime]}" if runtime else None,
        "model": {"name": card.name, "sha256": card.sha256},
        "busy_before": round(os.getloadavg()[0], 2),  # processes that wanted to run, mean of a minute
        "celsius_before": board.temperature(machine),
    }


def afterwards(machine: Machine) -> dict[str, Any]:
    """How warm it became, and whether the firmware held it back."""
    return {"celsius_after": board.temperature(machine), "throttled": board.throttled(machine)}


def _system(machine: Machine) -> str:
    for line in (machine.text("/etc/os-release") or "").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return platform.system()
