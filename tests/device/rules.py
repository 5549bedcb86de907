"""What only a kernel of its own can show: that the unit's device rules hold."""

from __future__ import annotations

from collections.abc import Iterator

from computer import BY_ID, Computer
from installed import UNIT, Finding

GROUP = f"/sys/fs/cgroup/system.slice/{UNIT}"
DISK, KERNEL_LOG = "/dev/vda", "/dev/kmsg"
NO_CAMERAS = """[Service]
DeviceAllow=
DeviceAllow=/dev/tty1 rw
"""


def devices(computer: Computer) -> Iterator[Finding]:
    """Root, who may open everything, in the control group of the service: there only what is listed opens."""
    media = computer.run("ls /dev/media*", check=False).split()
    for path in (BY_ID, *media[:1]):
        yield _opens(computer, path, True)
    for path in (DISK, KERNEL_LOG):
        outside = _tried(computer, path, "")
        yield Finding(outside == "opens", f"{path} outside the service: {outside}")
        yield _opens(computer, path, False)


def not_listed(computer: Computer) -> Iterator[Finding]:
    """The unit without the cameras in its list: EPERM reaches the program, which says so in one sentence."""
    before = computer.must_count()
    computer.drop_in("rules", NO_CAMERAS)
    try:
        computer.began = computer.now()
        computer.run(f"systemctl restart --no-block {UNIT}")
        yield computer.tells("allow the device", 60)
    finally:
        computer.drop_in("rules", "")
        listed = computer.now()
        computer.run(f"systemctl restart --no-block {UNIT}")
    yield computer.goes_on("listed again", before, listed)


def _opens(computer: Computer, path: str, expected: bool) -> Finding:
    said = _tried(computer, path, f"echo $$ > {GROUP}/cgroup.procs && ")
    holds = said == "opens" if expected else "Operation not permitted" in said
    return Finding(holds, f"{path} in the service's control group: {said}")


def _tried(computer: Computer, path: str, before: str) -> str:
    """ "opens", or what the shell says of it."""
    return computer.run(f"sh -c '{before}exec 3<{path} && echo opens' 2>&1 | tail -n 1 | sed 's/.*: //'", check=False)
