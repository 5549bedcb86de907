"""From a fresh Debian to a count: installation, power-on, `leuko-edge attach`, and what it all takes."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

from device import UNIT, Device, Finding

INSTALLED_MB = 400
POWER_ON_S = 5.0
EXPOSURE = 1.5
RSS_MB = 300


def install(device: Device) -> Iterator[Finding]:
    """deploy/install.sh with the built wheel, the network at hand."""
    began = time.monotonic()
    said = device.install()
    yield Finding(True, f"install.sh took {time.monotonic() - began:.0f} s and asked nothing")
    yield Finding("tried" in said, "it tried a drawn field itself before putting the installation in force")
    enabled = device.run(f"systemctl is-enabled {UNIT}", check=False)
    yield Finding(enabled == "enabled", f"the service is {enabled} at boot")
    size = int(device.run("du -sm $(readlink -f /opt/leuko-edge)").split()[0])
    yield Finding(size <= INSTALLED_MB, f"installed size {size} MB (at most {INSTALLED_MB})")
    yield Finding(True, f"wheel {device.wheel.stat().st_size / 1e6:.1f} MB")


def power_on(device: Device) -> Iterator[Finding]:
    """Boot with nothing counted yet: the unit starts by itself, is ready, counts, and counts every cell once."""
    device.forget_sessions(start=False)
    device.machine.reboot()
    started = device.wait(lambda: device.started() > 0, 10)
    yield Finding(started, "the unit is started at boot")
    first = device.counting_after(device.started(), 90)
    yield Finding(
        math.isfinite(first),
        f"unit start to first counted frame {first:.1f} s (at most {POWER_ON_S:g})",
        first <= POWER_ON_S,
    )
    state, kind = device.unit("ActiveState"), device.unit("Type")
    yield Finding((state, kind) == ("active", "notify"), f"{state}, READY after {device.ready_after():.1f} s")
    yield device.whole("counts rise to")
    before = device.must_count().frames
    more = device.wait(lambda: device.must_count().frames > before, 30)
    yield Finding(more, "more frames are counted as the stage goes round again, and no cell twice")
    said = device.unit("StatusText")
    yield Finding("session" in said, f"systemctl status says: {said}")


def attach(device: Device) -> Iterator[Finding]:
    """The running count in a terminal."""
    count = device.must_count()
    said = device.run("leuko-edge attach --once", check=False)
    line = next((line for line in said.splitlines() if str(count.leukocytes) in line), "")
    yield Finding(bool(line), f"leuko-edge attach --once shows the count of {count.leukocytes}: {line or said[-200:]}")


def exposure(device: Device) -> Iterator[Finding]:
    """How far the unit is hardened."""
    last = device.run(f"systemd-analyze security --no-pager {UNIT}").splitlines()[-1]
    score = float(last.split(":")[1].split()[0])
    yield Finding(score <= EXPOSURE, f"systemd-analyze security {score:g} (at most {EXPOSURE:g})")


def memory(device: Device) -> Iterator[Finding]:
    """What is resident while counting at 1280×960; with two pictures only, as the virtual camera keeps its film."""
    since = time.time()
    device.run(f"systemctl stop {UNIT}")
    device.play("still")
    device.run(f"systemctl start {UNIT}")
    device.counting_after(since, 60)
    time.sleep(5)
    count, rss = device.must_count(), device.rss_mb()
    device.run(f"systemctl stop {UNIT}")
    device.play("frames")
    device.run(f"systemctl start {UNIT}")
    counted = count.first_after is not None
    yield Finding(counted and rss <= RSS_MB, f"{rss} MB resident while counting at 1280×960 (at most {RSS_MB})")
