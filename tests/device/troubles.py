"""What is not the program's fault: the camera goes, the disk is full, the clock jumps. Told, borne, gone on from."""

from __future__ import annotations

import time
from collections.abc import Iterator

from device import CAMERA_AWAY, STATE, UNIT, Device, Finding

TOLD_S = 30.0
PATIENCE_S = 90.0
DISK_MB = 64

CLOCK = "/run/leuko-lab-clock"
FAKE_CLOCK = f"""# The container has its host's clock, which is not ours to set; libfaketime moves it for this program.
[Service]
Environment=LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1
Environment=FAKETIME_TIMESTAMP_FILE={CLOCK} FAKETIME_CACHE_DURATION=1 FAKETIME_DONT_FAKE_MONOTONIC=1
"""


def camera_away(device: Device) -> Iterator[Finding]:
    """Its cable is pulled: listed as before, and no more pictures; then it is plugged in again."""
    before = device.begin()
    device.run(f"touch {CAMERA_AWAY}")
    told = device.wait(lambda: bool(device.fault()), TOLD_S)
    yield Finding(told, f"camera taken away: told after {time.time() - device.began:.1f} s in systemctl status")
    yield device.one_sentence("camera")
    time.sleep(10)
    restarts = int(device.unit("NRestarts"))
    yield Finding(restarts <= 2, f"no restart storm: {restarts} restarts, it tries again by itself")
    back = time.time()
    device.run(f"rm {CAMERA_AWAY}")
    yield device.goes_on("camera back", before, back)


def disk_full(device: Device) -> Iterator[Finding]:
    """A small disk for the sessions; another program fills it to the last byte, later somebody makes room."""
    device.run(f"systemctl stop {UNIT}")
    device.run(f"rm -rf {STATE}/sessions.sqlite3*")
    device.run(f"mount -t tmpfs -o size={DISK_MB}M,mode=0750 tmpfs {STATE} && chown leuko-edge: {STATE}")
    try:
        before = device.begin()
        device.run(f"dd if=/dev/zero of={STATE}/filler bs=1M", check=False)
        told = device.wait(lambda: bool(device.fault()), TOLD_S)
        yield Finding(told, f"disk full: told after {time.time() - device.began:.1f} s in systemctl status")
        yield device.one_sentence("full")
        time.sleep(10)
        restarts = int(device.unit("NRestarts"))
        yield Finding(restarts == 0, f"no restart storm: {restarts} restarts, it tries again by itself")
        room = time.time()
        device.run(f"rm {STATE}/filler")
        yield device.goes_on("room made", before, room)
    finally:
        device.run(f"systemctl stop {UNIT}; umount {STATE}; systemctl start {UNIT}", check=False)


def clock_back(device: Device) -> Iterator[Finding]:
    """A Pi has no clock of its own: the time jumps when the network comes. Here it jumps back by 30 days, and forth."""
    device.run(f"systemctl stop {UNIT}; echo +0 > {CLOCK}; chmod 644 {CLOCK}")
    device.drop_in("clock", FAKE_CLOCK)
    try:
        before = device.begin()
        pid = device.pid
        for jump, days in (("-30d", 30), ("+30d", 60)):
            at = time.monotonic()
            device.run(f"echo {jump} > {CLOCK}")
            seen = device.wait(lambda days=days: device.must_count().days > days - 1, PATIENCE_S)
            frames = device.must_count().frames
            more = device.wait(lambda frames=frames: device.must_count().frames > frames + 5, PATIENCE_S)
            took = time.monotonic() - at
            same = device.pid == pid
            yield Finding(seen and more and same, f"clock {jump}: counting on in the same process, {took:.1f} s")
        jumped = device.must_count().days
        yield Finding(jumped > 59, f"the program did see the clock jump: its times span {jumped:.0f} days")
        yield device.whole("with both jumps, of one session", before)
        device.run(f"echo -30d > {CLOCK}; kill -KILL {pid}")
        frames = device.must_count().frames
        more = device.wait(lambda: device.must_count().frames > frames + 5, PATIENCE_S)
        yield Finding(more, "killed with the clock 30 days back: it goes on counting")
        yield device.whole("after that, in the same session", before)
    finally:
        device.run(f"systemctl stop {UNIT}")
        device.drop_in("clock", "")
        device.forget_sessions(start=True)
