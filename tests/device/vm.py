"""leuko-edge on a Debian with a kernel of its own and a USB camera, which is unplugged, falls silent and freezes.

    sudo python tests/device/vm.py                   # all scenarios; exit code 0 where every finding holds
    sudo python tests/device/vm.py --only devices    # installs and boots, then only this
    sudo python tests/device/vm.py --page deploy/LAB-V4L2.md

The first run makes a Debian (some minutes) in $LEUKO_LAB or ~/.cache/leuko-edge/lab. Needs what `lab` needs, and
qemu-system-x86; leaves no process, mount or file behind but that folder. The processor is emulated, so it takes long.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import apart
import commands
import computer
import emulator
import film
import image
import page
import reach
import root
import rules
import usbcamera
from machine import LabError, Machine
from playing import REPOSITORY, Line, cache, play, told, wheel

SCENARIOS = {
    scenario.__name__: scenario
    for scenario in (
        usbcamera.power_on,
        usbcamera.unplugs,
        usbcamera.round_again,
        usbcamera.stays_away,
        usbcamera.silent,
        usbcamera.frozen,
        usbcamera.no_camera,
        rules.devices,
        rules.not_listed,
        commands.listed,
        commands.doctor,
        commands.tuned,
    )
}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="vm.py", description="The device lab: leuko-edge and a USB camera in a VM.")
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, default=list(SCENARIOS), help="these scenarios alone")
    parser.add_argument("--page", type=Path, help="write what was found to this file too")
    options = parser.parse_args(argv)
    if reason := apart.missing() or emulator.missing():
        print(f"vm: {reason}", file=sys.stderr)
        return 4
    if not apart.is_apart():
        return apart.run_apart(cache(), [str(Path(__file__).resolve()), *(sys.argv[1:] if argv is None else argv)])
    apart.hide_traces()
    filled = page.Page(REPOSITORY, page.VIRTUAL)
    held, lines = told(_run([SCENARIOS[name] for name in options.only]))
    if options.page:
        options.page.write_text(filled.text(lines))
    return 0 if held else 1


def _run(scenarios: Sequence[object]) -> Iterator[Line]:
    began = time.monotonic()
    folder = apart.run_folder(cache())
    folder.mkdir(parents=True)
    try:
        reel = film.cached(cache(), computer.REEL)
        disk = _installed(folder, reel)
        yield True, f"     installed and on a disk in {time.monotonic() - began:.0f} s"
        with emulator.Emulator(disk, folder / "emulator") as machine:
            machine.boot()
            yield True, f"     booted {machine.run('uname -sr')}"
            device = computer.Computer(machine, json.loads((reel / "truth.json").read_text()))
            yield from play(device, scenarios)
    except (subprocess.SubprocessError, OSError, LabError) as error:
        yield False, f"FAIL prepare: {error}"
    yield True, f"     all in {time.monotonic() - began:.0f} s of this host"


def _installed(folder: Path, reel: Path) -> image.Disk:
    """leuko-edge and the camera on a disk, by way of a container."""
    network = reach.of_this_host()
    debian, built = root.build(cache(), network, image.DEBIAN), wheel(folder)
    with Machine(debian, folder / "machine", network) as container:
        container.boot()
        computer.prepare(container, built, REPOSITORY / "deploy", reel)
        container.cut_power()
        return image.of(container, folder)


if __name__ == "__main__":
    sys.exit(main())
