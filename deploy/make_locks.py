#!/usr/bin/env python3
"""Writes locks/*.txt: every package that an installation fetches, with one version and the SHA-256 of its wheels.

    python3 deploy/make_locks.py

What may be chosen stands in constraints-bookworm.txt and constraints-trixie.txt: versions that were tried together. pip
resolves them for each Debian's Python and for both processors, and nothing is installed. `build.txt` is what builds the
checkout's own wheel, `pip.txt` is the pip that an offline device is handed. Run it after a change of the constraints,
look at the difference, try it (deploy/LAB.md), commit it. install.sh and fetch-wheels.sh take nothing else
(`pip --require-hashes`).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
DEBIANS = {"bookworm": ("3.11", 36), "trixie": ("3.13", 41)}  # its Python, and its glibc 2.N
MACHINES = ("aarch64", "x86_64")
BUILD = ("hatchling>=1.25",)  # pyproject.toml's [build-system]
PIP = ("pip>=25",)


def resolved(words: list[str], python: str, glibc: int, machine: str) -> dict[str, tuple[str, str]]:
    """name: (version, SHA-256) of all that pip would install; subprocess.CalledProcessError where it cannot."""
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(17, glibc + 1)]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "-q", "--dry-run", "--ignore-installed"]
        command += ["--only-binary", ":all:", "--implementation", "cp", "--python-version", python]
        command += [f"--platform={name}" for name in (f"manylinux2014_{machine}", *platforms)]
        command += ["--target", folder, "--report", str(report), *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found = json.loads(report.read_text())["install"]
    return {
        one["metadata"]["name"].lower().replace("_", "-"): (
            one["metadata"]["version"],
            one["download_info"]["archive_info"]["hashes"]["sha256"],
        )
        for one in found
    }


def lock(name: str, words: list[str], targets: list[tuple[str, int, str]]) -> None:
    """Write locks/NAME.txt. SystemExit where two targets would get two versions of a package."""
    versions: dict[str, str] = {}
    hashes: dict[str, set[str]] = {}
    for target in targets:
        for package, (version, sha256) in resolved(words, *target).items():
            if versions.setdefault(package, version) != version:
                sys.exit(f"{name}: {package} {versions[package]} and {version}; narrow it in the constraints")
            hashes.setdefault(package, set()).add(sha256)
    lines = [f"# Made by deploy/make_locks.py; for {', '.join(sorted({machine for _, _, machine in targets}))}."]
    for package in sorted(versions):
        said = " ".join(f"--hash=sha256:{one}" for one in sorted(hashes[package]))
        lines.append(f"{package}=={versions[package]} {said}")
    (HERE / "locks" / f"{name}.txt").write_text("\n".join(lines) + "\n")


def main() -> None:
    (HERE / "locks").mkdir(exist_ok=True)
    for debian, (python, glibc) in DEBIANS.items():
        lock(debian, ["-r", str(HERE / f"constraints-{debian}.txt")], [(python, glibc, one) for one in MACHINES])
    everywhere = [(*one, machine) for one in DEBIANS.values() for machine in MACHINES]
    lock("build", list(BUILD), everywhere)
    lock("pip", list(PIP), everywhere)


if __name__ == "__main__":
    main()
