"""A booted Debian in a container: `Machine`. Everything written in it goes into a layer that is thrown away.

    with Machine(root, folder, reach) as machine:
        machine.boot()
        machine.run("systemctl is-system-running")

Wants to be root in a mount and PID namespace of its own: `apart` makes them, and clears away what is left.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType

from reach import Reach

BOOT_SECONDS = 60.0
STOP_SECONDS = 60.0
UNIFIED = Path("/sys/fs/cgroup/unified")  # where a host keeps the old hierarchies beside it
OURS = (UNIFIED if UNIFIED.is_dir() else UNIFIED.parent) / "leuko-lab"
"""The control group that the container is started in; nspawn divides it further."""
REBOOT = 133  # exit code of systemd-nspawn when what runs in it asks for a reboot


class LabError(Exception):
    """A command in the container failed, or it did not boot or stop; the sentence says which."""


class Machine:
    """The container on top of `root`; its layer lies in `folder` and lives as long as this object."""

    def __init__(self, root: Path, folder: Path, reach: Reach) -> None:
        self.tree = folder / "tree"
        self._folder, self._root, self._reach = folder, root, reach
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._leader = 0

    def __enter__(self) -> Machine:
        for name in ("upper", "work", "tree"):
            (self._folder / name).mkdir(parents=True)
        OURS.mkdir(exist_ok=True)
        layers = f"lowerdir={self._root},upperdir={self._folder / 'upper'},workdir={self._folder / 'work'}"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, str(self.tree)], check=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._nspawn is not None and self._nspawn.poll() is None:
            self.cut_power()
        subprocess.run(["umount", "--lazy", str(self.tree)], check=False)

    def boot(self) -> None:
        """Start it and wait until systemd has started all units (or failed some)."""
        command = ["systemd-nspawn", "-q", "-b", "-D", str(self.tree), "--register=no", "--keep-unit"]
        command += [
            "--hostname=lab",
            "--resolv-conf=copy-host",
            "--console=pipe",
            *self._reach.binds,
            "systemd.unit=multi-user.target",
        ]
        environment = os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
        with open(self._folder / "console", "ab") as console:
            self._nspawn = subprocess.Popen(
                ["sh", "-c", f"echo $$ > {OURS}/cgroup.procs && exec {shlex.join(command)}"],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                env=environment,
            )
        self._wait_until_up()

    def reboot(self) -> None:
        """`systemctl reboot` in it; back when it has booted again."""
        assert self._nspawn is not None
        self.run("systemctl reboot", check=False)
        if self._nspawn.wait(STOP_SECONDS) != REBOOT:
            raise LabError(f"the container did not reboot but ended with {self._nspawn.returncode}: {self._console()}")
        self.boot()

    def cut_power(self) -> None:
        """End it from one moment to the next, as a pulled plug would; what was written stays, as on a disk."""
        assert self._nspawn is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._leader or self._nspawn.pid, signal.SIGKILL)  # its init: all others end with it
        self._nspawn.wait(STOP_SECONDS)

    def run(self, command: str, *, check: bool = True, timeout: float = 120.0) -> str:
        """What a shell command prints in the container, both streams; LabError where it fails and `check`."""
        enter = ["nsenter", f"--target={self._leader}", "--mount", "--uts", "--ipc", "--pid", "--root", "--wd"]
        own = [f"{name}={value}" for name, value in self._reach.environment.items()]
        clean = ["env", "-i", *own, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"]
        done = subprocess.run(
            [*enter, *clean, "HOME=/root", "sh", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )
        if check and done.returncode:
            raise LabError(f"`{command}` ended with {done.returncode}: {done.stdout.strip()[-1500:]}")
        return done.stdout.strip()

    def _wait_until_up(self) -> None:
        assert self._nspawn is not None
        deadline = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < deadline:
            if self._nspawn.poll() is not None:
                raise LabError(f"systemd-nspawn ended with {self._nspawn.returncode}: {self._console()}")
            children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
            if children:
                self._leader = int(children[0])
                state = self.run("systemctl is-system-running", check=False)
                if state in ("running", "degraded"):
                    return
            time.sleep(0.1)
        raise LabError(f"the container did not boot within {BOOT_SECONDS:g} s: {self._console()}")

    def _console(self) -> str:
        return (self._folder / "console").read_text(errors="replace")[-1500:]
