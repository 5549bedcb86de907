"""A USB camera that is pulled out and plugged in again, falls silent or freezes: told, borne, gone on from."""

from __future__ import annotations

import random
from collections.abc import Iterator

from computer import BY_ID, Computer
from installed import UNIT, Finding

UNPLUGS = 20
SHORTEST, LONGEST = 0.3, 40.0  # seconds that it is away: a connector that was touched, a cable that was looked for
COUNTS = 1.0, 6.0  # seconds that it counts in between
TOLD_S = 30.0
BACK_S = 120.0  # the longest pause between two tries is 60


def power_on(computer: Computer) -> Iterator[Finding]:
    """The unit starts by itself, finds the camera by itself, and counts every cell once."""
    up = computer.wait(lambda: computer.status().get("state") == "counting", computer.patience)
    yield Finding(up, f"after power-on {computer.unit('ActiveState')}: {computer.unit('StatusText')}")
    node = computer.run(f"readlink -f {BY_ID}")
    held = computer.run(f"readlink /proc/{computer.pid}/fd/* | grep -Fx {node}", check=False)
    driver = computer.run(f"readlink /sys/class/video4linux/{node.removeprefix('/dev/')}/device/driver")
    yield Finding(bool(held), f"it has {node} open, of the driver {driver.rsplit('/', 1)[-1]}")
    path = computer.source().get("path")
    yield Finding(path == BY_ID, f"the session's record names the camera {path}")
    yield computer.whole("counts rise to")
    frames = computer.frames()
    more = computer.wait(lambda: computer.frames() > frames + 20, computer.patience)
    whole = computer.whole("")
    yield Finding(more and whole.holds, f"as the stage goes round again no cell is counted twice: {whole.said}")


def unplugs(computer: Computer) -> Iterator[Finding]:
    """Pulled out twenty times in the middle of one count, for as long as chance has it."""
    chance = random.Random(1)
    told = recovered = lost = 0
    first = counted = computer.begin()
    for number in range(1, UNPLUGS + 1):
        computer.sleep(chance.uniform(*COUNTS))
        away = SHORTEST * (LONGEST / SHORTEST) ** chance.random()
        pulled = computer.now()
        computer.camera("away")
        computer.sleep(away)
        computer.camera("play")
        plugged = computer.now()
        back = computer.wait(lambda since=pulled: computer.well_again(since), BACK_S)
        took, fault = computer.now() - plugged, computer.told_since(pulled)
        before, counted = counted, computer.must_count()
        gone = counted.lost_since(before)
        said = f"unplug {number}: away {away:.1f} s with {len(before.cells)} cells counted; {fault or 'not told'}; "
        yield Finding(bool(fault) and back and not gone, f"{said}counting again after {took:.1f} s")
        told, recovered, lost = told + bool(fault), recovered + back, lost + len(gone)
    done = (told, recovered, lost) == (UNPLUGS, UNPLUGS, 0)
    yield Finding(done, f"{UNPLUGS} unplugs: {told} told, {recovered} recovered, cells lost {lost}")
    yield computer.whole("and after them", first)


def stays_away(computer: Computer) -> Iterator[Finding]:
    """Pulled out and left out: told, and tried again without a restart storm."""
    before = computer.begin()
    computer.camera("away")
    yield from _told(computer, "unplugged", "plug")
    computer.sleep(60)
    restarts = int(computer.unit("NRestarts"))
    yield Finding(restarts == 0, f"a minute later: {restarts} restarts, {computer.fault()}")
    back = computer.now()
    computer.camera("play")
    yield computer.goes_on("plugged in again", before, back)


def silent(computer: Computer) -> Iterator[Finding]:
    """Plugged in, and no more pictures."""
    before = computer.begin()
    computer.camera("silent")
    yield from _told(computer, "silent", "picture")
    back = computer.now()
    computer.camera("play")
    yield computer.goes_on("pictures again", before, back)


def frozen(computer: Computer) -> Iterator[Finding]:
    """The same picture again and again, as a camera sends whose firmware hangs."""
    before = computer.begin()
    computer.camera("frozen")
    yield from _told(computer, "frozen", "frozen")
    back = computer.now()
    computer.camera("play")
    yield computer.goes_on("moving again", before, back)


def _told(computer: Computer, what: str, word: str) -> Iterator[Finding]:
    told = computer.wait(lambda: bool(computer.fault()), TOLD_S)
    took = computer.now() - computer.began
    yield Finding(told, f"{what}: told after {took:.1f} s in systemctl status")
    yield computer.one_sentence(word)


def no_camera(computer: Computer) -> Iterator[Finding]:
    """Started without a camera, which comes later."""
    computer.forget_sessions(start=False)
    computer.camera("away")
    computer.run(f"systemctl start --no-block {UNIT}")
    yield Finding(computer.wait(lambda: bool(computer.fault()), 60), f"no camera at the start: {computer.fault()}")
    computer.camera("play")
    yield computer.whole("it comes later:")
