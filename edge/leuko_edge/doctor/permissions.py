"""May this user, and the service's, open what counting needs?"""

from __future__ import annotations

import os
from pathlib import Path

from .finding import Finding, bad, good, warning
from .machine import Machine
from .settings import Settings
from .systemd_unit import Unit

NODES = ("/dev/video[0-9]*", "/dev/media[0-9]*", "/dev/dma_heap/*")
CAMERAS = "video"  # the group that udev gives cameras to


def check_rights(machine: Machine, unit: Unit | None, settings: Settings) -> list[Finding]:
    display = settings.in_force.service.display
    return [_own(machine), *_service(machine, unit), *_terminal(machine, unit, display)]


def _own(machine: Machine) -> Finding:
    name = f"{machine.user}, devices"
    nodes = [node for pattern in NODES for node in machine.glob(pattern)]
    closed = [node for node in nodes if not os.access(node, os.R_OK | os.W_OK)]
    if not closed:
        words = f"may open all {len(nodes)} camera devices" if nodes else "there is no camera device to open"
        return good(name, words)
    found = f"may not open {_names(closed, machine)}"
    if CAMERAS in machine.groups:
        advice = "install Raspberry Pi OS's device rules: sudo apt install raspberrypi-sys-mods, then restart"
        return bad(name, f"{found}, although in the group video", advice)
    if machine.user in members(machine, CAMERAS):
        return bad(name, f"{found}: the group video was joined after this login", "log out and in again")
    return bad(name, f"{found}: not in the group video", f"sudo usermod -aG video {machine.user}, then log in again")


def _service(machine: Machine, unit: Unit | None) -> list[Finding]:
    """Whether the service's user is in the cameras' group, by itself or by the unit."""
    if unit is None:
        return []
    user = unit.user or "root"
    if user == "root":
        return [warning("service user", "the service runs as root", "take this version's unit: deploy/install.sh")]
    if _number_of(machine, user) is None:
        return [bad("service user", f"there is no user {user}", "run deploy/install.sh again")]
    if CAMERAS not in unit.groups and user not in members(machine, CAMERAS):
        advice = f"sudo usermod -aG {CAMERAS} {user}, then sudo systemctl restart leuko-edge"
        return [bad("service user", f"{user} is not in the group {CAMERAS}", advice)]
    return [good("service user", f"{user}, in the group {CAMERAS}")]


def _terminal(machine: Machine, unit: Unit | None, display: str) -> list[Finding]:
    """Whether the terminal that the configuration names is there, and belongs to the running service."""
    if unit is None or not display.startswith("/dev/"):
        return []
    try:
        owner = machine.at(display).stat().st_uid
    except OSError:
        advice = "set service.display to auto, none or a terminal that is there"
        return [warning("display", f"there is no {display}, which service.display names", advice)]
    if unit.running and owner != _number_of(machine, unit.user):
        advice = "its unit gives it /dev/tty1 alone: for another, change DeviceAllow= and both chown lines there"
        return [warning("display", f"{display} is not {unit.user}'s while the service runs", advice)]
    return [good("display", display)]


def _number_of(machine: Machine, user: str) -> int | None:
    """The user's number in /etc/passwd; None where there is no such user."""
    passwd = (line.split(":") for line in (machine.text("/etc/passwd") or "").splitlines())
    return next((int(fields[2]) for fields in passwd if fields[0] == user and len(fields) > 2), None)


def members(machine: Machine, group: str) -> frozenset[str]:
    """Users that /etc/group lists in `group`, and those whose own group it is."""
    users: set[str] = set()
    for line in (machine.text("/etc/group") or "").splitlines():
        name, _, number, listed = (line.split(":") + [""] * 4)[:4]
        if name == group:
            users |= {user for user in listed.split(",") if user}
            passwd = (line.split(":") for line in (machine.text("/etc/passwd") or "").splitlines())
            users |= {fields[0] for fields in passwd if len(fields) > 3 and fields[3] == number}
    return frozenset(users)


def _names(nodes: list[Path], machine: Machine) -> str:
    names = [f"/{node.relative_to(machine.root)}" for node in nodes]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
