"""The Debian that the lab boots: made once by mmdebstrap, kept in the cache, never changed afterwards.

picamera2 is not in Debian; it is put from PyPI where apt would put it on a Raspberry Pi, for all users. Everything
else on top (camera stand-ins, film, leuko-edge itself) goes into the layer of a run, see `machine`.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from reach import Reach

SUITE = "trixie"
PACKAGES = (
    *("systemd", "systemd-sysv", "udev", "dbus", "kmod", "procps", "ca-certificates", "libfaketime"),
    *("python3", "python3-venv", "python3-pip", "python3-numpy"),
    *("v4l-utils", "libcamera-tools", "python3-libcamera"),
    # what picamera2's own package depends on, so far as Debian has it
    *("python3-prctl", "python3-piexif", "python3-pil", "python3-libarchive-c", "python3-jsonschema", "python3-av"),
)
FROM_PYPI = ("picamera2==0.3.38", "videodev2==0.0.4", "simplejpeg==1.9.0", "tqdm")
DIST_PACKAGES = "usr/lib/python3/dist-packages"


def build(cache: Path, reach: Reach) -> Path:
    """The root's folder in `cache`, built where it is not there yet.

    CalledProcessError where mmdebstrap or pip fail; nothing half-built is left to be taken for a root.
    """
    root = cached(cache)
    if root.is_dir():
        return root
    part = root.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    cache.mkdir(parents=True, exist_ok=True)
    try:
        _run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(part))
        pip = ("pip", "install", "-qq", "--no-deps", "--break-system-packages", "--target", f"/{DIST_PACKAGES}")
        environment = (f"--setenv={name}={value}" for name, value in reach.environment.items())
        _run(
            "systemd-nspawn",
            "-q",
            "--register=no",
            "--keep-unit",
            "-D",
            str(part),
            *reach.binds,
            *environment,
            *pip,
            *FROM_PYPI,
        )
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    part.rename(root)
    return root


def cached(cache: Path) -> Path:
    """Where the root of this recipe lies, or would lie."""
    recipe = hashlib.sha256(repr((SUITE, PACKAGES, FROM_PYPI)).encode()).hexdigest()
    return cache / f"root-{recipe[:12]}"


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
