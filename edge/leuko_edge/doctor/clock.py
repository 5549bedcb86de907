"""Is the clock right? A Raspberry Pi before the 5 has none of its own and starts where it was switched off."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from .finding import Finding, good, warning
from .machine import Machine

AGREES_S = 120  # a clock of its own is set at shutdown, and drifts by seconds a day
_SET = "connect a network once, fit an RTC module, or: sudo timedatectl set-time 'YYYY-MM-DD HH:MM'"
_MEANING = "counts are not harmed, but the times in sessions and reports are wrong"


def check_clock(machine: Machine, installed_at: float | None = None) -> list[Finding]:
    """`installed_at`: seconds since the epoch; None takes the age of this file."""
    now, written = machine.now(), Path(__file__).stat().st_mtime if installed_at is None else installed_at
    words = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M} UTC"
    if now < written - 86_400:  # a day: time zones of archives
        installed = datetime.fromtimestamp(written, UTC)
        found = f"{words}: before leuko-edge was installed ({installed:%Y-%m-%d}); {_MEANING}"
        return [warning("clock", found, _SET)]
    if (own := _own_clock(machine)) and (off := abs(own - now)) > AGREES_S:
        found = f"{words}; its own clock (RTC) is {off / 3600:.1f} hours off: after power-on the time is wrong"
        return [warning("clock", f"{found}; {_MEANING}", "change the RTC's battery, or: sudo hwclock --systohc")]
    has = "has a clock of its own (RTC)" if machine.at("/dev/rtc0").exists() else "no clock of its own (RTC)"
    if _synchronised(machine):
        return [good("clock", f"{words}, set from the network; {has}")]
    if machine.at("/dev/rtc0").exists():
        return [good("clock", f"{words}, not set from the network; {has}")]
    found = f"{words}, not set from the network, and {has}: after power-on it may be hours behind"
    return [warning("clock", f"{found}; {_MEANING}", _SET)]


def _synchronised(machine: Machine) -> bool:
    said = machine.run(["timedatectl", "show", "--property", "NTPSynchronized", "--value"])
    return (said or "").strip() == "yes" or machine.at("/run/systemd/timesync/synchronized").exists()


def _own_clock(machine: Machine) -> int | None:
    """Seconds since the epoch that the hardware's clock shows; None where there is none, or it does not tell."""
    return machine.number("/sys/class/rtc/rtc0/since_epoch") if machine.at("/dev/rtc0").exists() else None
