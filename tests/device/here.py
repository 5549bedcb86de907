"""The same wheel on this machine, whose results those of another processor are held against."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def build_wheel(repository: Path, folder: Path) -> Path:
    """leuko-edge, built from the checkout into `folder`."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(repository)]
    subprocess.run(pip, check=True)
    return next(folder.glob("leuko_edge-*.whl"))


def fetch_wheel(requirement: str, folder: Path) -> None:
    """Of a package for Bookworm's Python on arm64, into `folder`; CalledProcessError where there is none."""
    where = ("--python-version", "3.11", "--platform", "manylinux2014_aarch64", "--platform", "manylinux_2_34_aarch64")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", *where]
    subprocess.run([*pip, "--dest", str(folder), requirement], check=True)


class Here:
    """`wheel` in an environment of its own in `folder`, with the versions of `constraints`; CalledProcessError where
    that cannot be made."""

    def __init__(self, wheel: Path, constraints: Path, folder: Path) -> None:
        self._bin = folder / "bin"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        pip = [sys.executable, "-m", "pip", "--python", str(self._bin / "python"), "install", "--quiet"]
        subprocess.run([*pip, "--only-binary", ":all:", "-c", str(constraints), str(wheel)], check=True)

    def leuko_edge(self, *arguments: str) -> str:
        """What the command prints on standard output; CalledProcessError where it fails."""
        command = [str(self._bin / "leuko-edge"), *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=self._bin).stdout

    def draw(self, folder: Path, leukocytes: int) -> int:
        """Draw photographs of a smear with so many of them into `folder`; how many photographs that makes."""
        command = [str(self._bin / "python"), "-m", "leuko_edge.simulate.demo", "--cells", str(leukocytes), str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return len(list(folder.iterdir()))
