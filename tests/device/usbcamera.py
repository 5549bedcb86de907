"""A USB camera that is pulled out and plugged in again, falls silent or freezes: told, borne, gone on from.

All of it happens to one count, which begins with the power-on, so that what one fault loses the others show too.
"""

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
    """The unit starts by itself, waits for the camera that is plugged in later, finds it by itself, and counts."""
    missed = computer.told_since(0.0)
    yield Finding("no camera was found" in missed, f"started without a camera: {missed or 'not told'}")
    up = computer.wait(computer.counting, computer.patience)
    yield Finding(up, f"after power-on {computer.unit('ActiveState')}: {computer.unit('StatusText')}")
    node = computer.run(f"readlink -f {BY_ID}")
    held = computer.run(f"readlink /proc/{computer.pid}/fd/* | grep -Fx {node}", check=False)
    driver = computer.run(f"readlink /sys/class/video4linux/{node.removeprefix('/dev/')}/device/driver")
    yield Finding(bool(held), f"it has {node} open, of the driver {driver.rsplit('/', 1)[-1]}")
    path = computer.source().get("path")
    yield Finding(path == BY_ID, f"the session's record names the camera {path}")
    first = computer.wait(lambda: bool(computer.must_count().cells), computer.patience)
    yield Finding(first, f"{len(computer.must_count().cells)} cells counted")


def unplugs(computer: Computer) -> Iterator[Finding]:
    """Pulled out twenty times in the middle of the count, for as long as chance has it."""
    chance = random.Random(1)
    told = recovered = lost = 0
    first = counted = computer.must_count()
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
    yield computer.whole("after all of them", first)


def round_again(computer: Computer) -> Iterator[Finding]:
    """The stage comes back to where it was."""
    before = computer.must_count()
    more = computer.wait(lambda: computer.must_count().frames >= before.frames + 40, 2 * computer.patience)
    whole = computer.whole("", before)
    yield Finding(more and whole.holds, f"as the stage goes round again no cell is counted twice: {whole.said}")


def stays_away(computer: Computer) -> Iterator[Finding]:
    """Pulled out and left out: told, and tried again without a restart storm."""
    yield from _gone(computer, "away", "plug", 60.0)


def silent(computer: Computer) -> Iterator[Finding]:
    """Plugged in, and no more pictures."""
    yield from _gone(computer, "silent", "stopped giving pictures")


def frozen(computer: Computer) -> Iterator[Finding]:
    """The same picture again and again, as a camera sends whose firmware hangs."""
    yield from _gone(computer, "frozen", "is frozen")


def no_camera(computer: Computer) -> Iterator[Finding]:
    """Started without a camera, which comes later."""
    before = computer.must_count()
    computer.run(f"systemctl stop {UNIT}")
    computer.camera("away")
    computer.began = computer.now()
    computer.run(f"systemctl start --no-block {UNIT}")
    yield computer.tells("no camera was found", TOLD_S)
    back = computer.now()
    computer.camera("play")
    yield computer.goes_on("it comes later", before, back)


def _gone(computer: Computer, word: str, sentence: str, seconds: float = 0.0) -> Iterator[Finding]:
    before = computer.must_count()
    computer.began = computer.now()
    restarts = int(computer.unit("NRestarts"))
    computer.camera(word)
    yield computer.tells(sentence, TOLD_S)
    if seconds:
        computer.sleep(seconds)
        restarts = int(computer.unit("NRestarts")) - restarts
        yield Finding(restarts == 0, f"{seconds:.0f} s later: {restarts} restarts, {computer.fault()}")
    back = computer.now()
    computer.camera("play")
    yield computer.goes_on("pictures again", before, back)
