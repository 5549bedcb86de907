"""The device under test: leuko-edge installed in a booted container, with libcamera's virtual camera."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import film
from installed import STATE, UNIT, Count, Finding, Installed
from machine import Machine
from root import DIST_PACKAGES

__all__ = ["CAMERA_AWAY", "STATE", "UNIT", "Count", "Device", "Finding"]

VIRTUAL = "usr/share/libcamera/pipeline/virtual/virtual.yaml"
FILMS = "opt/lab"
CAMERA_AWAY = f"/{FILMS}/camera-away"  # see inside/leuko_lab_camera.py
INSIDE = Path(__file__).with_name("inside")
PASSING = (
    "/proc",
    "/sys",
    "/dev",
    "/run",
    "/tmp",
    "/var/tmp",
    "/var/log",
    "/var/cache",
    "/var/lib/apt",
    "/var/lib/dpkg",
)
PASSING += ("/var/lib/systemd", "/root/.cache", "*/__pycache__")
"""Where every system keeps what passes, or what belongs to apt and systemd."""

DROP_IN = """# Only in the lab: libcamera 0.4.0 of trixie drops the virtual camera's frames for ever without the first;
# the second keeps it from saying that there is no dma-buf here.
[Service]
Environment=GLIBC_TUNABLES=glibc.malloc.tcache_count=0:glibc.malloc.perturb=255
Environment=LIBCAMERA_LOG_LEVELS=*:FATAL
"""


class Device(Installed):
    """`machine` is booted, `reel` is a folder of `film.draw`; `truth` is how many cells and leukocytes that shows."""

    def __init__(self, machine: Machine, wheel: Path, deploy: Path, reel: Path) -> None:
        super().__init__(machine, json.loads((reel / "truth.json").read_text()))
        self.machine, self.wheel = machine, wheel
        tree = machine.tree
        shutil.copytree(reel / "frames", tree / FILMS / "frames")
        for number in range(2):  # the first stop, twice: two pictures of one place with their own noise
            (tree / FILMS / "still").mkdir(exist_ok=True)
            shutil.copy(reel / "frames" / f"{number}.jpg", tree / FILMS / "still")
        shutil.copytree(INSIDE, tree / DIST_PACKAGES, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(deploy, tree / "root/deploy")
        shutil.copy(wheel, tree / "root")
        with open(tree / DIST_PACKAGES / "picamera2/__init__.py", "a") as stream:
            stream.write("\nimport leuko_lab_camera\n")
        (tree / VIRTUAL).parent.mkdir(parents=True, exist_ok=True)
        self.play("frames")
        self.drop_in("lab", DROP_IN)
        self._files = self._all_files()

    def play(self, which: str) -> None:
        """Give the camera a film: "frames", or "still". It reads it when it is opened."""
        width, height = film.CONTAINER.view
        text = film.VIRTUAL.format(width=width, height=height, path=f"/{FILMS}/{which}/")
        (self.machine.tree / VIRTUAL).write_text(text)

    def install(self) -> str:
        """What install.sh says."""
        return self.run(f"sh /root/deploy/install.sh --wheel /root/{self.wheel.name}", timeout=900)

    def started(self) -> float:
        """time.time() at which systemd began to start the unit; 0 where it has not."""
        began = int(self.unit("InactiveExitTimestampMonotonic")) / 1e6
        return began and time.time() - (time.clock_gettime(time.CLOCK_MONOTONIC) - began)

    def new_files(self) -> list[str]:
        """Paths that were not there before the installation, but for what apt, pip and systemd keep for themselves."""
        return sorted(self._all_files() - self._files)

    def _all_files(self) -> set[str]:
        passing = " ".join(f"-path {path} -prune -o" for path in PASSING)
        return set(self.run(f"find / -xdev {passing} -print").splitlines())
