"""What the figures were measured on: without it they say nothing."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

INT8_DOT = ("avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm")
"""Linux's names for what multiplies and adds four bytes, or more, at a time. Without one of them int8 gains nothing
over float on x86: XNNPACK must first widen the bytes to 16 bits."""
_TOLD = ("avx2", "avx512f", *INT8_DOT, "sve", "asimdhp")


def describe() -> dict[str, Any]:
    """Processor, its cores and instruction sets, and the load of the last minute, in JSON's types."""
    cpu = _cpuinfo()
    flags = set((cpu.get("flags") or cpu.get("Features") or "").split())
    return {
        "processor": cpu.get("model name") or _board() or platform.processor() or platform.machine(),
        "architecture": platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "instructions": [name for name in _TOLD if name in flags],
        "load": os.getloadavg()[0],
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def _cpuinfo() -> dict[str, str]:
    try:
        text = Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        return {}
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}


def _board() -> str | None:
    try:
        return Path("/proc/device-tree/model").read_text(errors="replace").strip("\0\n ")
    except OSError:
        return None
