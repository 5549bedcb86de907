"""leuko-edge on a booted Debian with a camera that plays a drawn smear, and everything done to it that may happen.

    sudo python tests/device/lab.py                  # all scenarios; exit code 0 where every finding holds
    sudo python tests/device/lab.py --only hang      # installs, then only this
    sudo python tests/device/lab.py --page deploy/LAB.md

The first run makes a Debian (1 GB, some minutes) in $LEUKO_LAB or ~/.cache/leuko-edge/lab. Needs root, systemd-nspawn,
mmdebstrap and the network; leaves no process, mount or file behind but that folder. `machine` is the container,
`device` what runs in it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import apart
import crashes
import film
import leaving
import page
import reach
import root
import starting
import troubles
from device import Device
from machine import Machine
from playing import REPOSITORY, Line, cache, play, told, wheel

FIRST = starting.install  # everything else needs it
SCENARIOS = {
    scenario.__name__: scenario
    for scenario in (
        starting.power_on,
        starting.attach,
        crashes.hang,
        crashes.killed,
        crashes.stopped,
        crashes.reboot,
        crashes.power_cut,
        troubles.camera_away,
        troubles.disk_full,
        troubles.clock_back,
        starting.exposure,
        starting.memory,
        leaving.uninstall,
    )
}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="lab.py", description="The device lab: leuko-edge on a booted Debian.")
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, default=list(SCENARIOS), help="these scenarios alone")
    parser.add_argument("--untimed", action="store_true", help="on a busy machine: times are told, and no fault")
    parser.add_argument("--page", type=Path, help="write what was found to this file too")
    options = parser.parse_args(argv)
    if reason := apart.missing():
        print(f"lab: {reason}", file=sys.stderr)
        return 4
    if not apart.is_apart():
        arguments = [str(Path(__file__).resolve()), *(sys.argv[1:] if argv is None else argv)]
        return apart.run_apart(cache(), arguments)
    apart.hide_traces()
    filled = page.Page(REPOSITORY, page.CONTAINER)
    held, lines = told(_run(options.only, options.untimed))
    if options.page:
        options.page.write_text(filled.text(lines))
    return 0 if held else 1


def _run(names: Sequence[str], untimed: bool) -> Iterator[Line]:
    began = time.monotonic()
    folder = apart.run_folder(cache())
    folder.mkdir(parents=True)
    network = reach.of_this_host()
    try:
        debian, reel = root.build(cache(), network), film.cached(cache())
        built = wheel(folder)
    except (subprocess.CalledProcessError, OSError) as error:
        yield False, f"FAIL prepare: {error}"
        return
    yield True, f"     prepared in {time.monotonic() - began:.0f} s"
    with Machine(debian, folder / "machine", network) as machine:
        machine.boot()
        device = Device(machine, built, REPOSITORY / "deploy", reel)
        installed = True
        for holds, line in play(device, [FIRST], untimed):
            installed &= holds
            yield holds, line
        if not installed:
            return
        yield from play(device, [SCENARIOS[name] for name in names], untimed)
    yield True, f"     all in {time.monotonic() - began:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
