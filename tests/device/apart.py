"""A mount and PID namespace for the lab, so that no process and no mount is left behind, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from machine import OURS

INSIDE = "LEUKO_LAB_INSIDE"
NEEDED = ("systemd-nspawn", "mmdebstrap", "unshare", "setpriv", "nsenter")


def missing() -> str:
    """Why the lab cannot run here, in one sentence; "" where it can."""
    if sys.platform != "linux" or os.geteuid():
        return "the device lab boots a container, and that needs root on Linux"
    absent = [name for name in NEEDED if shutil.which(name) is None]
    if absent:
        return f"the device lab needs {', '.join(absent)}: apt install systemd-container mmdebstrap util-linux"
    return ""


def is_apart() -> bool:
    """Whether this process runs in the namespace that `run_apart` made."""
    return INSIDE in os.environ


def run_apart(cache: Path, arguments: Sequence[str]) -> int:
    """Run this program again, apart, as the only one that uses `cache`; its exit code, when all is cleared away."""
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(
                f"lab: another lab is using {cache}; wait for it, or set LEUKO_LAB to another folder", file=sys.stderr
            )
            return 4
        _clear(cache)
        command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private"]
        command += ["--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, *arguments]
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        child = subprocess.Popen(command, env=os.environ | {INSIDE: "1"})
        try:
            return child.wait()
        except BaseException:
            child.kill()
            child.wait()
            raise
        finally:
            _clear(cache)


def hide_traces() -> None:
    """Where nspawn keeps its own files for as long as a container runs: ours, not the host's."""
    place = Path("/run/systemd/nspawn")
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(place)], check=True)


def run_folder(cache: Path) -> Path:
    """What one run writes; removed before the next one at the latest."""
    return cache / "run"


def _clear(cache: Path) -> None:
    """The run's files, and the control groups that systemd-nspawn leaves behind, in each hierarchy."""
    shutil.rmtree(run_folder(cache), ignore_errors=True)
    for top in {OURS, *Path("/sys/fs/cgroup").glob(f"*/{OURS.name}")}:
        deadline = time.monotonic() + 5
        while top.is_dir() and time.monotonic() < deadline:
            for folder, _, _ in os.walk(top, topdown=False):
                with contextlib.suppress(OSError):  # what ran in it is still ending
                    os.rmdir(folder)
            time.sleep(0.05)
