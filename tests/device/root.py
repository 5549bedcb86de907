"""The Debians that the labs boot: made once by mmdebstrap, kept in the cache, never changed afterwards.

picamera2 is not in Debian; it is put from PyPI where apt would put it on a Raspberry Pi, for all users. Everything
else on top (camera stand-ins, film, leuko-edge itself) goes into the layer of a run, see `machine`.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from reach import Reach

DIST_PACKAGES = "usr/lib/python3/dist-packages"
EVERY = ("systemd", "systemd-sysv", "udev", "dbus", "kmod", "procps", "ca-certificates", "python3", "python3-venv")


@dataclass(frozen=True)
class Recipe:
    """What a root is made of; roots of different recipes lie side by side in the cache."""

    packages: tuple[str, ...]
    from_pypi: tuple[str, ...] = ()  # for all users, without what they depend on
    finish: tuple[str, ...] = ()  # shell commands of mmdebstrap on the finished root, which is "$1"
    suite: str = "trixie"


CONTAINER = Recipe(
    packages=(
        *EVERY,
        *("libfaketime", "python3-pip", "python3-numpy", "v4l-utils", "libcamera-tools", "python3-libcamera"),
        # what picamera2's own package depends on, so far as Debian has it
        *("python3-prctl", "python3-piexif", "python3-pil", "python3-libarchive-c", "python3-jsonschema", "python3-av"),
    ),
    from_pypi=("picamera2==0.3.38", "videodev2==0.0.4", "simplejpeg==1.9.0", "tqdm"),
)


def build(cache: Path, reach: Reach, recipe: Recipe = CONTAINER) -> Path:
    """The root's folder in `cache`, built where it is not there yet.

    CalledProcessError where mmdebstrap or pip fail; nothing half-built is left to be taken for a root.
    """
    root = cached(cache, recipe)
    if root.is_dir():
        return root
    part = root.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    cache.mkdir(parents=True, exist_ok=True)
    hooks = [f"--customize-hook={command}" for command in recipe.finish]
    try:
        include = f"--include={','.join(recipe.packages)}"
        _run("mmdebstrap", "--quiet", "--variant=minbase", include, *hooks, recipe.suite, str(part))
        if recipe.from_pypi:
            _install(part, reach, recipe.from_pypi)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    part.rename(root)
    return root


def cached(cache: Path, recipe: Recipe = CONTAINER) -> Path:
    """Where the root of this recipe lies, or would lie."""
    number = hashlib.sha256(repr(recipe).encode()).hexdigest()
    return cache / f"root-{number[:12]}"


def _install(root: Path, reach: Reach, names: tuple[str, ...]) -> None:
    """By the root's own pip, where apt would put them."""
    nspawn = ("systemd-nspawn", "-q", "--register=no", "--keep-unit", "-D", str(root), *reach.binds)
    environment = (f"--setenv={name}={value}" for name, value in reach.environment.items())
    pip = ("pip", "install", "-qq", "--no-deps", "--break-system-packages", "--target", f"/{DIST_PACKAGES}")
    _run(*nspawn, *environment, *pip, *names)


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
