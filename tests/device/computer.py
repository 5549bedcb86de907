"""The second device under test: leuko-edge in a virtual machine, counting from a USB camera that plays a drawn smear.

prepare(container, wheel, deploy, reel, reach)      # installs it, by install.sh, in a booted container
device = Computer(emulator, truth)                  # the same disk, booted with a kernel of its own
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emulator import Emulator
from film import Reel
from installed import DATABASE, STATUS, UNIT, Finding, Installed
from machine import Machine
from root import DIST_PACKAGES

REEL = Reel(view=(640, 480), um_per_px=0.2, columns=4, cells=24, rest=6)
FPS = 1.0  # of the camera; the emulated processor keeps up with it
INSIDE = Path(__file__).with_name("inside_vm")
LAB = "opt/lab"
WORD = "/run/leuko-lab-camera"
BY_ID = "/dev/v4l/by-id/usb-leuko-lab_Drawn_Smear_Camera_0001-video-index0"
CAMERA_UNIT = f"""[Unit]
Description=The lab's USB camera

[Service]
ExecStartPre=modprobe vhci_hcd
ExecStart=/opt/leuko-edge/bin/python /{LAB}/leuko_lab_usbcamera.py /{LAB}
# Plugged in when leuko-edge has long been started, on a kernel that has never had a camera.
ExecStartPost=sh -c 'test -e {WORD} || {{ sleep 20; echo play > {WORD}; }}'
Restart=always

[Install]
WantedBy=multi-user.target
"""

SOURCE = f"""import sqlite3
database = sqlite3.connect('file:{DATABASE}?mode=ro', uri=True)
print(database.execute('SELECT source_details FROM session ORDER BY id DESC LIMIT 1').fetchone()[0])"""


def prepare(machine: Machine, wheel: Path, deploy: Path, reel: Path) -> str:
    """Put the camera and its film into `machine`, and install leuko-edge in it; what install.sh says."""
    tree = machine.tree
    shutil.copytree(INSIDE, tree / LAB)
    shutil.copytree(reel / "frames", tree / LAB / "frames")
    frames = len(list((reel / "frames").iterdir()))
    (tree / LAB / "about.json").write_text(json.dumps({"fps": FPS, "view": REEL.view, "frames": frames}))
    shutil.copy(Path(__file__).with_name("inside") / "ask.py", tree / DIST_PACKAGES)
    (tree / "etc/systemd/system/leuko-lab-camera.service").write_text(CAMERA_UNIT)
    shutil.copytree(deploy, tree / "root/deploy")
    shutil.copy(wheel, tree / "root")
    said = machine.run(f"sh /root/deploy/install.sh --no-start --wheel /root/{wheel.name}", timeout=3600)
    machine.run("systemctl enable leuko-lab-camera && sync")
    return said


class Computer(Installed):
    """leuko-edge in a booted `Emulator`, whose clock all seconds here are of."""

    poll, patience = 0.5, 300.0

    def __init__(self, machine: Emulator, truth: dict[str, int]) -> None:
        super().__init__(machine, truth)
        self.now = machine.now

    def wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        deadline = self.now() + seconds
        while not condition():
            if self.now() > deadline:
                return False
            self.sleep(self.poll)
        return True

    def sleep(self, seconds: float) -> None:
        self.run(f"sleep {seconds:.1f}")

    def camera(self, word: str) -> None:
        """play, frozen, silent, empty or away; see inside_vm/leuko_lab_usbcamera.py."""
        self.run(f"echo {word} > {WORD}.new && mv {WORD}.new {WORD}")

    def source(self) -> dict[str, Any]:
        """What the newest session's record says of its camera."""
        told = self.run(f'runuser -u leuko-edge -- python3 -c "{SOURCE}"')
        return dict(json.loads(told))

    def counting(self) -> bool:
        return self.status().get("state") == "counting"

    def well_again(self, since: float) -> bool:
        """Whether it counts, after a fault that was told after `since`."""
        return self.counting() and "all is well again" in self.journal(since)

    def tells(self, word: str, seconds: float) -> Finding:
        """Within so many seconds of `began` a fault is told in systemctl status and the journal, with `word` in it.

        Both are read at once: it tries again after a second, and then the fault may be another one, or none.
        """
        fault = status = ""

        def seen() -> bool:
            nonlocal fault, status
            told = self.run(f"cat {STATUS}; echo; systemctl show --property=StatusText --value {UNIT}", check=False)
            published, _, status = told.partition("\n")
            try:
                fault = json.loads(published)["fault"] or ""
            except ValueError:
                fault = ""
            return word in fault

        told = self.wait(seen, seconds)
        took, journal = self.now() - self.began, self.journal(self.began)
        holds = told and fault in status and fault in journal and "Traceback" not in journal
        return Finding(holds, f"told after {took:.1f} s in status and journal: {fault or journal[-300:]}")

    def told_since(self, since: float) -> str:
        """The first fault in the journal after it, without what it does about it; "" where there is none."""
        lines = self.journal(since).splitlines()
        if any("Traceback" in line for line in lines):
            return ""
        fault = next((line for line in lines if "fault: " in line), "")
        return fault.partition("fault: ")[2].partition("; trying again")[0]
