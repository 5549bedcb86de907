"""The systemd unit: is it installed, does it run, and what did it say last?"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from .finding import Finding, bad, good, skipped, warning
from .machine import Machine

NAME = "leuko-edge.service"
RUNTIME = "/run/leuko-edge"
_ASKED = (
    "LoadState",
    "ActiveState",
    "SubState",
    "UnitFileState",
    "Result",
    "StatusText",
    "StatusErrno",
    "NRestarts",
    "WatchdogUSec",
    "MainPID",
    "User",
    "SupplementaryGroups",
    "Environment",
)
_LOG = "journalctl -u leuko-edge -n 20 says more"


@dataclass(frozen=True)
class Unit:
    """What systemd says of an installed unit."""

    active: str  # active, activating, failed, inactive …
    sub: str  # running, auto-restart, dead …
    enabled: str
    result: str
    status: str  # the last that the service said of itself: its count, or its fault
    at_fault: bool  # it runs and cannot count: what it said last is why (see `service.systemd.Notifier.fault`)
    restarts: int
    watchdog: str  # "30s"; "0" where there is none
    process: int  # 0 where there is none
    user: str
    groups: tuple[str, ...]  # beside those of its user
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        return self.active == "active"

    def its_environment(self, machine: Machine) -> dict[str, str]:
        """The environment that the service's configuration is read with: its own variables, its user's home."""
        passwd = [line.split(":") for line in (machine.text("/etc/passwd") or "").splitlines()]
        home = next((fields[5] for fields in passwd if fields[0] == self.user and len(fields) > 5), "/nonexistent")
        return {"HOME": home, **self.environment}


def ask(machine: Machine) -> Unit | None:
    """None where there is no systemd, or no such unit."""
    said = machine.run(["systemctl", "show", NAME, "--property", ",".join(_ASKED)])
    answers = dict(line.split("=", 1) for line in (said or "").splitlines() if "=" in line)
    if answers.get("LoadState", "not-found") in ("not-found", "masked"):
        return None
    environment = dict(pair.split("=", 1) for pair in answers.get("Environment", "").split() if "=" in pair)
    return Unit(
        active=answers.get("ActiveState", ""),
        sub=answers.get("SubState", ""),
        enabled=answers.get("UnitFileState", ""),
        result=answers.get("Result", ""),
        status=answers.get("StatusText", ""),
        at_fault=_whole(answers.get("StatusErrno", "")) != 0,
        restarts=_whole(answers.get("NRestarts", "")),
        watchdog=answers.get("WatchdogUSec", "0"),
        process=_whole(answers.get("MainPID", "")),
        user=answers.get("User", ""),
        groups=tuple(answers.get("SupplementaryGroups", "").split()),
        environment=environment,
    )


def check_unit(unit: Unit | None, machine: Machine) -> list[Finding]:
    if unit is None:
        advice = "deploy/install.sh installs it, for counting from power-on"
        return [skipped("service", "not installed here; leuko-edge is started by hand", advice)]
    return [_state(unit, machine), *_start(unit), *_watchdog(unit)]


def _state(unit: Unit, machine: Machine) -> Finding:
    said = f": {unit.status}" if unit.status else ""
    if unit.active == "failed":
        advice = f"mend that, then sudo systemctl restart leuko-edge; {_LOG}"
        return bad("service", f"failed ({unit.result}){said}", advice)
    if unit.process and unit.at_fault:
        return bad(
            "service", f"{unit.active}, but it cannot count{said}", f"mend that: it tries again by itself; {_LOG}"
        )
    if unit.sub == "auto-restart" or unit.active in ("activating", "reloading", "deactivating"):
        return warning("service", f"{unit.active} ({unit.sub}){said}", f"wait half a minute and look again; {_LOG}")
    if not unit.running:
        return warning("service", f"{unit.active or 'unknown'}{said}", "start it with: sudo systemctl start leuko-edge")
    if unit.restarts:
        again = "once" if unit.restarts == 1 else f"{unit.restarts} times"
        return warning("service", f"running, after it was restarted {again}{said}", _LOG)
    return good("service", f"running{said}{_sees(machine)}")


def _sees(machine: Machine) -> str:
    """The rate and the light that the service publishes for `leuko-edge attach`; "" where that may not be read."""
    from ..service.status import FILE, SCHEMA

    try:
        status = json.loads(machine.text(f"{RUNTIME}/{FILE}") or "{}")
        if status.get("schema") != SCHEMA or time.monotonic() > status["until"]:  # another version's, or left behind
            return ""
        return f"; {status['session']['frames_per_second']:.1f} frames a second, light {status['session']['light']}"
    except (ValueError, TypeError, KeyError, AttributeError):
        return ""


def _start(unit: Unit) -> list[Finding]:
    if unit.enabled in ("enabled", "enabled-runtime", "static", "generated"):
        return [good("starts at power-on", unit.enabled)]
    return [warning("starts at power-on", unit.enabled or "unknown", "sudo systemctl enable leuko-edge")]


def _watchdog(unit: Unit) -> list[Finding]:
    if unit.watchdog in ("", "0", "infinity"):
        advice = "install the unit of this version again: deploy/install.sh"
        return [warning("watchdog", "none: a service that hangs would not be restarted", advice)]
    return [good("watchdog", f"restarts the service after {unit.watchdog} without a frame")]


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() else 0
