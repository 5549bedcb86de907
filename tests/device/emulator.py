"""A booted Debian in an emulated PC, with a kernel of its own: `Emulator`. What it writes to its disk is thrown away.

    with Emulator(disk, folder) as machine:
        machine.boot()
        machine.run("uname -a")

It has no network. Commands go through QEMU's guest agent over a serial line; source: QEMU Guest Agent Protocol
Reference. The processor is emulated (TCG), so that it runs wherever QEMU does, at a twentieth of the speed.
"""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from image import Disk
from machine import LabError

BOOT_SECONDS = 3600.0
LEAST = 3600.0  # seconds of this host, which may be busy, that a command is waited for
POLL = 0.1
QEMU = "qemu-system-x86_64"
# Without what makes an emulated processor slow: copying by rep movsb goes byte by byte, and five levels of page tables.
OPTIONS = ("-accel", "tcg", "-cpu", "max,-erms,-fsrm,-la57", "-smp", "1", "-m", "1536")
OPTIONS += ("-nic", "none", "-nodefaults", "-display", "none")
OPTIONS += ("-icount", "shift=0,sleep=off", "-rtc", "base=utc,clock=vm", "-snapshot")
"""Its clock goes by the instructions done, 1 ns each, and jumps over idle time. So it is a small computer of one core
whatever the host does beside, and a test that waits a minute in there need not wait one here."""
KERNEL = "root=/dev/vda rw console=ttyS0 quiet mitigations=off systemd.show_status=1 systemd.unit=multi-user.target"


class Emulator:
    """The machine that starts from `disk`; `folder` takes its console and its sockets."""

    def __init__(self, disk: Disk, folder: Path) -> None:
        self._disk, self._folder = disk, folder
        self._qemu: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._unread = b""

    def __enter__(self) -> Emulator:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._line is not None:
            self._line.close()
        if self._qemu is not None:
            self._qemu.kill()
            self._qemu.wait()

    def boot(self) -> None:
        """Start it and wait until systemd has started all units (or failed some)."""
        agent = self._folder / "agent"
        command = [QEMU, *OPTIONS]
        command += ["-kernel", str(self._disk.kernel), "-initrd", str(self._disk.initrd)]
        command += ["-append", KERNEL]
        command += ["-drive", f"file={self._disk.file},if=virtio,format=raw"]
        command += ["-serial", f"file:{self._folder / 'console'}"]
        command += ["-device", "virtio-serial", "-chardev", f"socket,path={agent},server=on,wait=off,id=agent"]
        command += ["-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"]
        with open(self._folder / "qemu", "wb") as said:
            self._qemu = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        deadline = time.monotonic() + BOOT_SECONDS
        self._connect(agent, deadline)
        state = self.run("systemctl is-system-running --wait", check=False)  # asking again and again would slow it down
        if state not in ("running", "degraded"):
            raise LabError(f"the machine did not boot but is {state}: {self._console()}")

    def run(self, command: str, *, check: bool = True, timeout: float = 300.0) -> str:
        """What a shell command prints in the machine, both streams; LabError where it fails and `check`."""
        shell = {"path": "/bin/sh", "arg": ["-c", command], "env": ENVIRONMENT, "capture-output": "merged"}
        pid = self._ask("guest-exec", shell)["pid"]
        deadline, pause = time.monotonic() + max(timeout, LEAST), POLL
        while not (done := self._ask("guest-exec-status", {"pid": pid}))["exited"]:
            if time.monotonic() > deadline:
                raise LabError(f"`{command}` has not ended within {timeout:g} s")
            time.sleep(pause)
            pause = min(1.5 * pause, 2.0)  # each question takes the machine's time too
        said = base64.b64decode(done.get("out-data", "")).decode(errors="replace").strip()
        if check and done.get("exitcode"):
            raise LabError(f"`{command}` ended with {done['exitcode']}: {said[-1500:]}")
        return said

    def now(self) -> float:
        """time.time() of the machine."""
        return int(self._ask("guest-get-time", {})) / 1e9

    def _connect(self, agent: Path, deadline: float) -> None:
        """Wait until the agent answers."""
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, LabError):
                self._line = socket.socket(socket.AF_UNIX)
                self._line.settimeout(30)
                self._line.connect(str(agent))
                self._unread = b""
                self._ask("guest-ping", {})
                self._line.settimeout(LEAST)
                return
            assert self._qemu is not None
            if self._qemu.poll() is not None:
                raise LabError(f"{QEMU} ended with {self._qemu.returncode}: {(self._folder / 'qemu').read_text()}")
            self._line.close()
            time.sleep(1)
        raise LabError(f"the machine's agent did not answer within {BOOT_SECONDS:g} s: {self._console()}")

    def _ask(self, what: str, arguments: dict[str, Any]) -> Any:
        assert self._line is not None
        number = f"{what} {time.monotonic()}"
        question = {"execute": what, "arguments": arguments, "id": number}
        try:
            self._line.sendall(json.dumps(question).encode() + b"\n")
            while True:
                answer = json.loads(self._read_line())
                if answer.get("id") == number:  # else an answer to a question that was given up
                    break
        except (OSError, ValueError) as error:
            raise LabError(f"the machine does not answer ({error}): {self._console()}") from error
        if "error" in answer:
            raise LabError(f"{what}: {answer['error']['desc']}")
        return answer["return"]

    def _read_line(self) -> bytes:
        assert self._line is not None
        while b"\n" not in self._unread:
            part = self._line.recv(65536)
            if not part:
                raise OSError("its end of the line is closed")
            self._unread += part
        line, self._unread = self._unread.split(b"\n", 1)
        return line

    def _console(self) -> str:
        with contextlib.suppress(OSError):
            return (self._folder / "console").read_text(errors="replace")[-1500:]
        return ""


ENVIRONMENT = [
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG=C.UTF-8",
    "HOME=/root",
]


def missing() -> str:
    """Why no machine can be emulated here, in one sentence; "" where it can."""
    absent = [name for name in (QEMU, "mke2fs") if shutil.which(name) is None]
    return f"the virtual machine needs {', '.join(absent)}: apt install qemu-system-x86 e2fsprogs" if absent else ""
