"""A count that is broken off, by a fault of the program or from outside, and goes on: no cell lost, none twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from device import UNIT, Device, Finding

COUNTING_AGAIN_S = 15.0
STOPS_S = 5.0


def hang(device: Device) -> Iterator[Finding]:
    """SIGSTOP: nothing of the program moves any more, so that the watchdog has to end it."""
    yield from _broken_off(device, "SIGSTOP", lambda: device.run(f"kill -STOP {device.pid}"))
    result = device.journal(device.began)
    yield Finding("watchdog" in result.lower(), "the journal names the watchdog")


def killed(device: Device) -> Iterator[Finding]:
    """kill -9, as the kernel does when memory runs out."""
    yield from _broken_off(device, "kill -9", lambda: device.run(f"kill -KILL {device.pid}"))


def stopped(device: Device) -> Iterator[Finding]:
    """SIGTERM: a clean end, and the next start goes on."""
    before = device.begin()
    began = time.monotonic()
    device.run(f"systemctl stop {UNIT}")
    took = time.monotonic() - began
    result, code = device.unit("Result"), device.unit("ExecMainStatus")
    yield Finding(True, f"SIGTERM: ended after {took:.1f} s (at most {STOPS_S:g})", took <= STOPS_S)
    yield Finding((result, code) == ("success", "0"), f"systemd calls it {result}, exit code {code}")
    device.run(f"systemctl start {UNIT}")
    yield device.goes_on("started again", before, device.began)


def reboot(device: Device) -> Iterator[Finding]:
    """`systemctl reboot` in the middle of a count."""
    before = device.begin()
    device.machine.reboot()
    yield device.goes_on("reboot in the middle of a count", before, device.started())


def power_cut(device: Device) -> Iterator[Finding]:
    """Every process ends from one moment to the next, systemd too, and the machine boots again."""
    before = device.begin()
    device.machine.cut_power()
    device.machine.boot()
    yield device.goes_on("power cut in the middle of a count", before, device.started())


def _broken_off(device: Device, what: str, do: Callable[[], object]) -> Iterator[Finding]:
    before = device.begin()
    do()
    yield device.goes_on(what, before, device.began, COUNTING_AGAIN_S)
