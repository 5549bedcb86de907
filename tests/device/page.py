"""deploy/LAB.md: what the lab found when it was last run."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

TEXT = """# The device lab, last output

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


def text(repository: Path, lines: Sequence[str], template: str = TEXT) -> str:
    """A lab's whole page; the commit has "with changes" where the checkout differs from it."""
    commit = _git(repository, "rev-parse", "--short=12", "HEAD") or "unknown"
    changed = " with changes" if _git(repository, "status", "--porcelain") else ""
    load = f"load {os.getloadavg()[1]:.1f} on {os.cpu_count()} processors"
    machine = f"{platform.machine()}, Linux {platform.release().split('-')[0]}, {load}"
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    return template.format(when=when, commit=commit + changed, machine=machine, lines="\n".join(lines))


def _git(repository: Path, *command: str) -> str:
    done = subprocess.run(["git", "-C", str(repository), *command], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""
