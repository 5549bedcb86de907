"""Python and the libraries: are they there, of which version, and do they go together?"""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Mapping
from importlib import metadata
from typing import NamedTuple

from .finding import Finding, bad, good, skipped, told, warning

OLDEST_PYTHON = (3, 11)
_PI_OS = "flash the 64-bit Raspberry Pi OS (Bookworm or newer)"
_INSTALL_AGAIN = "run deploy/install.sh again, or: pip install --force-reinstall leuko-edge"


class Python(NamedTuple):
    version: tuple[int, int, int]
    bits: int
    machine: str  # of the kernel: aarch64, x86_64, armv7l …
    prefix: str  # where its environment lies

    @classmethod
    def running(cls) -> Python:
        bits = 64 if sys.maxsize > 2**32 else 32
        return cls(sys.version_info[:3], bits, platform.machine(), sys.prefix)


def check_python(python: Python | None = None) -> list[Finding]:
    python = python or Python.running()
    words = f"{'.'.join(map(str, python.version))}, {python.bits} bits on {python.machine}, in {python.prefix}"
    if python.bits != 64:
        return [bad("Python", words, f"LiteRT exists for 64 bits only: {_PI_OS}")]
    if python.version[:2] < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        return [bad("Python", words, f"leuko-edge needs Python {oldest} or newer: {_PI_OS}")]
    return [good("Python", words)]


def check_libraries() -> list[Finding]:
    """NumPy and OpenCV as they load here, and the pairs of versions that are known not to work."""
    try:
        import cv2
        import numpy as np
    except (ImportError, OSError, AttributeError) as error:  # a system library is missing, or another NumPy was meant
        reason = (str(error) or type(error).__name__).splitlines()[0]
        return [bad("NumPy and OpenCV", f"they do not load ({reason})", _INSTALL_AGAIN)]
    version = installed()
    found = f"NumPy {np.__version__}, OpenCV {cv2.__version__}"
    return [good("NumPy and OpenCV", found), *pairs({**version, "numpy": np.__version__, "opencv": cv2.__version__})]


def installed() -> dict[str, str]:
    """Versions of the distributions that are at odds with one another, of those that are installed."""
    versions = {}
    for name in ("ai-edge-litert", "tflite-runtime", "picamera2"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def pairs(versions: Mapping[str, str], python: tuple[int, ...] = sys.version_info[:2]) -> list[Finding]:
    """The known bad pairs among `versions` (numpy, opencv, tflite-runtime, ai-edge-litert, picamera2), as of 2026."""
    numpy, opencv = _numbers(versions["numpy"]), _numbers(versions["opencv"])
    findings = []
    if opencv >= (4, 12) and numpy < (2,):
        findings.append(
            bad(
                "OpenCV with NumPy",
                f"OpenCV {versions['opencv']} is built for NumPy 2, here is {versions['numpy']}",
                "pip install 'opencv-python-headless==4.11.0.86'",
            )
        )
    if "picamera2" in versions and python == (3, 11) and numpy >= (2,):
        findings.append(
            bad(
                "picamera2 with NumPy",
                f"Bookworm's picamera2 is built for NumPy 1.24, here is {versions['numpy']}",
                "pip install 'numpy<2' 'opencv-python-headless==4.11.0.86'",
            )
        )
    if "tflite-runtime" in versions and "ai-edge-litert" not in versions and numpy >= (2,):
        findings.append(
            bad(
                "tflite-runtime with NumPy",
                f"tflite-runtime {versions['tflite-runtime']} fails with NumPy 2, here is {versions['numpy']}",
                "pip install ai-edge-litert",
            )
        )
    return findings


def check_picamera2() -> list[Finding]:
    """Whether the library for the Pi's own camera loads; it is not needed for USB cameras."""
    from ..camera import picamera
    from ..errors import EnvironmentBroken, NotInstalled

    try:
        picamera.load()
    except NotInstalled:
        return [skipped("picamera2", "not installed; only a camera on the Pi's ribbon cable needs it")]
    except EnvironmentBroken as error:
        return [told("picamera2", error)]
    return [good("picamera2", installed().get("picamera2", "loads"))]


def check_litert() -> list[Finding]:
    """Which LiteRT is taken; whether it runs is asked with the model."""
    versions = installed()
    if "ai-edge-litert" in versions:
        return [good("LiteRT", f"ai-edge-litert {versions['ai-edge-litert']}")]
    if "tflite-runtime" in versions:
        found = f"tflite-runtime {versions['tflite-runtime']}, the last release of what LiteRT was"
        return [warning("LiteRT", found, "slower, and no more updates: pip install ai-edge-litert")]
    return [bad("LiteRT", "not installed", "pip install ai-edge-litert")]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
