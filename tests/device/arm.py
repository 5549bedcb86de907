"""leuko-edge as a Raspberry Pi would install it: the arm64 wheels on Debian's arm64 Bookworm and Trixie, emulated.

    sudo python tests/device/arm.py                      # all; exit code 0 where every finding holds
    sudo python tests/device/arm.py --suite bookworm     # or trixie, or armhf: only that a 32-bit system is refused
    sudo python tests/device/arm.py --page deploy/LAB-ARM64.md

The first run makes the Debians (0.7 GB; two to three minutes each with a core to itself, for dpkg is emulated too) in
$LEUKO_LAB or ~/.cache/leuko-edge/lab, below arm64/. Beside a training on all cores it took an hour for one of them.
Needs root, qemu-user-static, systemd-nspawn, mmdebstrap and the network; leaves no process, mount, binfmt rule or file
behind but that folder.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import apart
import foreign
import page
from device import Finding
from emulated import QUIETLY, SLIDE, Emulated, Reference, refusal
from foreign import Board, Foreign, Recipe
from here import Here, build_wheel
from lab import REPOSITORY
from lab import cache as lab_cache

LEUKOCYTES = 12  # on the drawn fields; a network cell takes a second or more
PACKAGES = ("systemd", "python3")  # what install.sh --offline asks for, and systemctl to enable the service with


@dataclass(frozen=True)
class Suite:
    """On which Debian and which processor leuko-edge is tried, and with which older runtime after the usual one."""

    recipe: Recipe
    board: Board
    older_runtime: str = ""


SUITES = {
    "bookworm": Suite(Recipe("bookworm", "arm64", PACKAGES), foreign.PI_4, "tflite-runtime==2.14.0"),
    "trixie": Suite(Recipe("trixie", "arm64", PACKAGES), foreign.PI_5),
}
# Its programs are only unpacked: install.sh asks dpkg and refuses, and nothing else is needed for that.
SMALL = Recipe("trixie", "armhf", ("base-files", "coreutils", "dash", "dpkg"), variant="extract")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="arm.py", description="The device lab for arm64: leuko-edge under emulation.")
    names = [*SUITES, SMALL.architecture]
    parser.add_argument("--suite", nargs="+", choices=names, default=names, help="these alone")
    parser.add_argument("--page", type=Path, help="write what was found to this file too")
    options = parser.parse_args(argv)
    if reason := _missing():
        print(f"arm: {reason}", file=sys.stderr)
        return 4
    cache = lab_cache() / "arm64"
    if not apart.is_apart():
        arguments = [str(Path(__file__).resolve()), *(sys.argv[1:] if argv is None else argv)]
        return apart.run_apart(cache, arguments)
    apart.hide_traces()
    filled = page.Page(REPOSITORY, PAGE)
    lines, held = [f"     {name}: left out of this run" for name in names if name not in options.suite], True
    for where, told in _run(options.suite, cache):
        holds = isinstance(told, str) or told.holds
        word = "    " if isinstance(told, str) else "ok  " if holds else "FAIL"
        lines.append(f"{word} {where}: {told if isinstance(told, str) else told.said}")
        print(lines[-1], flush=True)
        held &= holds
    if options.page:
        options.page.write_text(filled.text(lines))
    return 0 if held else 1


def _missing() -> str:
    """Why this cannot run here, in one sentence; "" where it can."""
    if reason := apart.missing():
        return reason
    absent = [name for name in foreign.EMULATORS.values() if shutil.which(name) is None]
    return f"arm64 programs need {', '.join(absent)}: apt install qemu-user-static" if absent else ""


def _run(names: Sequence[str], cache: Path) -> Iterator[tuple[str, Finding | str]]:
    """(where, finding or mere information), one after the other."""
    folder = apart.run_folder(cache)
    folder.mkdir(parents=True)
    with foreign.Emulation():
        if SMALL.architecture in names:
            yield from _named(SMALL.architecture, _on_32_bits(cache, folder))
        suites = [name for name in names if name in SUITES]
        if not suites:
            return
        try:
            reference = _reference(folder)
        except (subprocess.CalledProcessError, OSError) as error:
            yield "x86-64", Finding(False, f"prepare: {error}")
            return
        images = reference.image["images"]
        cells = sum(len(image["cells"]) for image in images)
        yield "x86-64", Finding(cells > 0, f"the same wheel finds {cells} cells in {len(images)} drawn fields")
        for name in suites:
            yield from _named(name, _on_suite(name, SUITES[name], reference, cache, folder))


def _reference(folder: Path) -> Reference:
    """The wheel, what it is tried on, and what it finds on this machine."""
    wheel = build_wheel(REPOSITORY, folder)
    here = Here(wheel, REPOSITORY / "deploy/constraints-trixie.txt", folder / "here")
    fields = folder / "fields"
    here.draw(fields, LEUKOCYTES)
    image, demo = (json.loads(here.leuko_edge(*what, *QUIETLY)) for what in (("--image", str(fields)), SLIDE))
    return Reference(wheel, fields, image, demo)


def _on_suite(name: str, suite: Suite, reference: Reference, cache: Path, folder: Path) -> Iterator[Finding | str]:
    began = time.monotonic()
    root, stick = foreign.build(cache, suite.recipe), folder / f"stick-{name}"
    fetch = ["sh", str(REPOSITORY / "deploy/fetch-wheels.sh"), name, str(stick), "--wheel", str(reference.wheel)]
    subprocess.run(fetch, check=True, stdout=subprocess.DEVNULL)
    yield f"Debian for arm64, seen as on {suite.board.name}: prepared in {time.monotonic() - began:.0f} s"
    with Foreign(root, folder / name, suite.board) as debian:
        device = Emulated(debian, reference, stick)
        yield from device.install()
        if not device.installed:
            return
        for trial in (device.version, device.image, device.demo, device.doctor):
            yield from trial()
        if suite.older_runtime:
            yield from device.older_runtime(suite.older_runtime)


def _on_32_bits(cache: Path, folder: Path) -> Iterator[Finding]:
    with Foreign(foreign.build(cache, SMALL), folder / "armhf", None) as debian:
        yield from refusal(debian, REPOSITORY / "deploy")


def _named(where: str, findings: Iterator[Finding | str]) -> Iterator[tuple[str, Finding | str]]:
    """What ends them is a finding of theirs, so that the next are tried all the same."""
    try:
        for finding in findings:
            yield where, finding
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired, OSError) as error:
        yield where, Finding(False, str(error))


PAGE = """# leuko-edge on arm64, last output

Written by `sudo python tests/device/arm.py --page deploy/LAB-ARM64.md`, which is run by hand. Debian's arm64 packages
and the aarch64 wheels of PyPI, run by qemu-user on another processor; leuko-edge installed by `deploy/install.sh` from
the built wheel. What it finds is held against what the same wheel finds on x86-64. The pictures are drawn, the slide is
simulated. No board, no sensor and no microscope took part.

{when}, commit {commit}, {machine}

```text
{lines}
```

Both are installed with no network, from the folder that `deploy/fetch-wheels.sh` makes: that is where the arm64 wheels
count; by the network it is tried in [LAB.md](LAB.md). Bookworm is seen as on a Pi 4 (Cortex-A72), Trixie as on a Pi 5
(Cortex-A76): the emulator ends a program that uses an instruction which that processor lacks. Without a running systemd
the service is enabled, not started; what it does once started is in LAB.md too. Times are the emulator's, beside
whatever else the machine did (load above): they say nothing of a Pi's speed. Memory has the emulator's own in it, so it
is more than a Pi needs. A cell that one processor finds just sure enough to name, and the other just not, is told and
counts as alike.
"""


if __name__ == "__main__":
    sys.exit(main())
