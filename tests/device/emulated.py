"""What is asked of leuko-edge in a Debian for another processor: to install, and to find there what it finds here."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from alike import compare
from device import Finding
from foreign import Foreign
from here import fetch_wheel

PATIENCE = 3600.0  # seconds for any one command: it is emulated, beside whatever else the machine does
INSTALLED_MB = 400
SLIDE = ("--demo", "--seed", "1", "--cells", "4")
QUIETLY = ("--quiet", "--json", "-")


@dataclass(frozen=True)
class Reference:
    """What the same wheel gave on this machine: for the drawn fields in `fields`, and for the demo's slide."""

    wheel: Path
    fields: Path
    image: dict[str, Any]
    demo: dict[str, Any]


class Emulated:
    """`debian` with the drawn fields in its /root, and `stick`, a folder made by fetch-wheels.sh; without a network."""

    def __init__(self, debian: Foreign, reference: Reference, stick: Path) -> None:
        self._debian, self._reference = debian, reference
        self.installed = False
        self._home = debian.tree / "root"
        shutil.copytree(reference.fields, self._home / "fields")
        shutil.copytree(stick, self._home / "stick")

    def install(self) -> Iterator[Finding | str]:
        done, took = self._run("sh /root/stick/install.sh --offline /root/stick")
        said = f"install.sh --offline, without a network: {_failure(done) or 'installed'}"
        yield Finding(done.returncode == 0, said)
        yield f"install.sh: {took}"
        self.installed = done.returncode == 0
        if not self.installed:
            return
        yield Finding("counts a drawn field" in done.stdout, "it tried a drawn field itself before putting it in force")
        yield Finding("service     enabled" in done.stdout, _line(done.stdout, "service"))
        size = re.search(r"\((\d+) MB\)", _line(done.stdout, "installed"))
        megabytes = int(size[1]) if size else 0
        yield Finding(0 < megabytes <= INSTALLED_MB, f"installed size {megabytes} MB (at most {INSTALLED_MB})")

    def version(self) -> Iterator[Finding]:
        done, _ = self._run("leuko-edge --version --verbose")
        holds = done.returncode == 0 and self._reference.image["model"]["name"] in done.stdout
        yield Finding(holds, f"--version --verbose: {_failure(done) or '; '.join(done.stdout.splitlines()[:2])}")

    def image(self) -> Iterator[Finding | str]:
        done, took = self._run(" ".join(("leuko-edge --image /root/fields --timings", *QUIETLY)))
        result = _result(done)
        if result is None:
            yield Finding(False, f"--image: {_failure(done)}")
            return
        likeness = compare(self._reference.image, result)
        holds = likeness.cells > 0 and not likeness.faults
        yield Finding(holds, f"--image, against x86-64: {likeness.words()}")
        yield f"--image: {took}, {_memory(done)}"

    def demo(self) -> Iterator[Finding | str]:
        done, took = self._run(" ".join(("leuko-edge", *SLIDE, "--timings", *QUIETLY)))
        result = _result(done)
        if result is None:
            yield Finding(False, f"--demo: {_failure(done)}")
            return
        one, other = (_counted(document) for document in (self._reference.demo, result))
        frames = result["frames"]
        said = f"--demo --seed 1: {other} of {frames['captured']} frames, {frames['counted']} of them counted"
        yield Finding(one == other, said + ("; the same on x86-64" if one == other else f"; on x86-64 {one}"))
        yield f"--demo: {took}, {_memory(done)}"

    def doctor(self, runtime: str = "ai-edge-litert") -> Iterator[Finding | str]:
        """Only a camera may be missing; `runtime` must be the one that it finds."""
        done, took = self._run("leuko-edge doctor --json")
        try:
            told = json.loads(done.stdout)
        except ValueError:
            yield Finding(False, f"doctor: {_failure(done)}")
            return
        findings = told["findings"]
        program = [finding for finding in findings if finding["group"] == "Program"]
        said = "; ".join(f"{finding['name']} {finding['found']}" for finding in program)
        said = re.sub(r"[\d.]+ ms a cell", "ms a cell not told, for it is the emulator's,", said)
        litert = [finding["found"] for finding in program if finding["name"] == "LiteRT"]
        fit = all(finding["state"] != "bad" for finding in program) and any(runtime in found for found in litert)
        yield Finding(fit and "aarch64" in said, f"doctor: {said}")
        bad = [finding for finding in findings if finding["state"] == "bad"]
        words = "; ".join(f"{finding['name']}: {finding['found']}" for finding in bad)
        said = (
            f"doctor: {told['good']} good, {told['warnings']} warnings, {told['bad']} bad, exit code {done.returncode}"
        )
        only_cameras = bool(bad) and all(finding["group"] == "Cameras" for finding in bad) and done.returncode == 4
        yield Finding(only_cameras, f"{said}; bad here, where no camera is: {words or 'nothing'}")
        yield f"doctor: {took}"

    def older_runtime(self, requirement: str) -> Iterator[Finding | str]:
        """In place of LiteRT, as old Bookworm installations have it; by the stick's own pip, as install.sh does."""
        fetch_wheel(requirement, self._home / "stick")
        pip = "PYTHONPATH=$(ls /root/stick/pip-*.whl) /opt/leuko-edge/bin/python -m pip"
        take = f"{pip} install --quiet --no-deps --no-index --find-links /root/stick {requirement}"
        done, _ = self._run(f"{pip} uninstall --quiet --yes ai-edge-litert && {take}")
        yield Finding(
            done.returncode == 0, f"{requirement} in place of ai-edge-litert: {_failure(done) or 'installed'}"
        )
        if done.returncode == 0:
            yield from self.image()
            yield from self.doctor(requirement.partition("==")[0])

    def _run(self, command: str) -> tuple[CompletedProcess[str], str]:
        """And how long it took, in words."""
        began = time.monotonic()
        done = self._debian.run(command, timeout=PATIENCE)
        return done, f"{time.monotonic() - began:.0f} s emulated"


def refusal(debian: Foreign, deploy: Path) -> Iterator[Finding]:
    """install.sh on a 32-bit system."""
    shutil.copytree(deploy, debian.tree / "root/deploy")
    done = debian.run("sh /root/deploy/install.sh", timeout=PATIENCE)
    yield Finding(done.returncode == 4 and "32-bit system (armhf" in done.stderr, f"install.sh: {_failure(done)}")


def _result(done: CompletedProcess[str]) -> dict[str, Any] | None:
    """The document on standard output; None where the command failed."""
    try:
        return dict(json.loads(done.stdout)) if done.returncode == 0 else None
    except ValueError:
        return None


def _counted(result: dict[str, Any]) -> str:
    differential = result["differential"]
    classes = ", ".join(
        f"{label} {entry['count']}" for label, entry in differential["classes"].items() if entry["count"]
    )
    return f"{differential['counted']} leukocytes ({classes}), {differential['unidentified']} unidentified"


def _memory(done: CompletedProcess[str]) -> str:
    peak = re.search(r"peak memory \(RSS\)\s+(\d+) MB", done.stderr)
    return f"peak memory {peak[1] if peak else '?'} MB, the emulator's own in it"


def _line(text: str, word: str) -> str:
    return next((" ".join(line.split()) for line in text.splitlines() if line.startswith(word)), f"no line {word!r}")


def _failure(done: CompletedProcess[str]) -> str:
    """Its exit code and the last thing it said; "" where the code is 0."""
    said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return f"exit code {done.returncode}: {said[-1][:400] if said else 'without a word'}" if done.returncode else ""
