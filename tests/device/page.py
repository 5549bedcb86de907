"""deploy/LAB.md, LAB-V4L2.md, LAB-ARM64.md: what the labs found when they were last run."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

CONTAINER = """# The device lab, last output

Written by `sudo python tests/device/lab.py --page deploy/LAB.md`. A booted Debian trixie (systemd in a container),
leuko-edge installed by `deploy/install.sh` from the built wheel, picamera2 on libcamera's virtual camera, which plays a
drawn smear under a stage that goes round. No board, no sensor and no microscope took part.

{when}, commit {commit}, {machine}

```text
{lines}
```

What stands for what: SIGSTOP for a hang; a virtual camera that falls silent for a pulled cable; a tmpfs of 64 MB for
a small disk; libfaketime in the service's process for a clock that is set; the end of all processes at once for a power
cut. The camera's buffers lie in ordinary memory, and it keeps its film four times over in the service's process, so
resident memory was taken with a film of two pictures (15 MB of it). nspawn does not enforce DeviceAllow and MemoryMax;
that is for the VM. PrivateNetwork is in the unit, but where the container may not make a network of its own, systemd
goes on without it. All times were taken beside whatever else the machine did (load above).
"""


VIRTUAL = """# The device lab's USB camera, last output

Written by `sudo python tests/device/vm.py --page deploy/LAB-V4L2.md`. A Debian trixie with its own kernel in an
emulated PC (QEMU, TCG), leuko-edge installed by `deploy/install.sh` from the built wheel, and a USB camera that plays a
drawn smear under a stage that goes round. No board, no sensor and no microscope took part.

{when}, commit {commit}, {machine}

```text
{lines}
```

What stands for what: the camera is a program that speaks USB to the kernel's virtual host controller (vhci_hcd), so
that uvcvideo, V4L2, udev's names and the unplugging are the kernel's own, as with a microscope camera that gives MJPG;
its pictures are 640×480, one a second. install.sh ran in a container of the same root beforehand, for the virtual
machine has no network. Seconds are those of the virtual machine, whose clock goes by the instructions that it has done
(1 ns each, one core) and does not know how busy its host is; a Raspberry Pi is another computer, so they are no promise
for one.
"""


class Page:
    """The page that a run which begins now will fill; the commit has "with changes" where the checkout differs."""

    def __init__(self, repository: Path, template: str) -> None:
        self._template = template
        commit = _git(repository, "rev-parse", "--short=12", "HEAD") or "unknown"
        self._commit = commit + (" with changes" if _git(repository, "status", "--porcelain") else "")
        self._when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())

    def text(self, lines: Sequence[str]) -> str:
        load = f"load {os.getloadavg()[1]:.1f} on {os.cpu_count()} processors"
        machine = f"{platform.machine()}, Linux {platform.release().split('-')[0]}, {load}"
        return self._template.format(when=self._when, commit=self._commit, machine=machine, lines="\n".join(lines))


def _git(repository: Path, *command: str) -> str:
    done = subprocess.run(["git", "-C", str(repository), *command], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""
