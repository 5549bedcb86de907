"""A Debian for another processor: its programs are run by qemu-user, to which this kernel hands them.

    with Emulation(), Foreign(build(cache, ARM64_BOOKWORM), folder, reach, PI_4) as debian:
        debian.run("uname -m")               # aarch64

Only single processors are emulated, instruction by instruction, on this kernel: no board, no systemd, no camera, and no
speed that says anything. Wants the mount namespace that `apart` makes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from reach import Reach

BINFMT = Path("/proc/sys/fs/binfmt_misc")
EMULATORS = {"arm64": "qemu-aarch64-static", "armhf": "qemu-arm-static"}
# ELF: class (64 or 32 bits), little-endian, an executable or a shared object, for AArch64 or ARM.
ENDING = "\\x00" * 8 + "\\x02\\x00{machine}\\x00"
MASK = "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00" + "\\xff" * 8 + "\\xfe\\xff\\xff\\xff"
MAGIC = {
    "arm64": "\\x7fELF\\x02\\x01\\x01\\x00" + ENDING.format(machine="\\xb7"),
    "armhf": "\\x7fELF\\x01\\x01\\x01\\x00" + ENDING.format(machine="\\x28"),
}


@dataclass(frozen=True)
class Recipe:
    """What a root is made of; roots of different recipes lie side by side in the cache."""

    suite: str
    architecture: str
    packages: tuple[str, ...]
    variant: str = "minbase"


@dataclass(frozen=True)
class Board:
    """A processor: `cpu` is qemu's name for it; the rest is what /proc/cpuinfo says on such a board."""

    name: str
    cpu: str
    features: str
    part: str
    variant: str
    revision: str

    def cpuinfo(self, processors: int) -> str:
        """LiteRT looks there for what the processor can do, and crashes where it finds another kind's."""
        lines = {
            "BogoMIPS": "108.00",
            "Features": self.features,
            "CPU implementer": "0x41",
            "CPU architecture": "8",
            "CPU variant": self.variant,
            "CPU part": self.part,
            "CPU revision": self.revision,
        }
        said = "\n".join(f"{name}\t: {value}" for name, value in lines.items())
        return "\n\n".join(f"processor\t: {number}\n{said}" for number in range(processors)) + "\n"


PI_4 = Board("Cortex-A72, a Pi 4's", "cortex-a72", "fp asimd evtstrm crc32 cpuid", "0xd08", "0x0", "3")
PI_5 = Board(
    "Cortex-A76, a Pi 5's",
    "cortex-a76",
    "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
    "0xd0b",
    "0x4",
    "1",
)


class Emulation:
    """While it is open, this kernel runs arm64 and armhf programs; LabError-free: OSError where it will not."""

    def __enter__(self) -> Emulation:
        if not (BINFMT / "register").exists():
            subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", str(BINFMT)], check=True)
        for architecture, emulator in EMULATORS.items():
            self._forget(architecture)  # of a run that was killed
            program = shutil.which(emulator)
            assert program is not None, "apart.missing() was asked before"
            # F: the kernel opens the emulator now, so that no root needs to hold it
            rule = f":{_rule(architecture)}:M::{MAGIC[architecture]}:{MASK}:{program}:F"
            (BINFMT / "register").write_text(rule)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for architecture in EMULATORS:
            self._forget(architecture)

    def _forget(self, architecture: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            (BINFMT / _rule(architecture)).write_text("-1")


def _rule(architecture: str) -> str:
    return f"leuko-lab-{architecture}"


def build(cache: Path, recipe: Recipe) -> Path:
    """The root's folder in `cache`, built where it is not there yet.

    CalledProcessError where mmdebstrap fails; nothing half-built is left to be taken for a root.
    """
    root = cached(cache, recipe)
    if root.is_dir():
        return root
    part = root.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    cache.mkdir(parents=True, exist_ok=True)
    what = (f"--architectures={recipe.architecture}", f"--include={','.join(recipe.packages)}")
    command = ("mmdebstrap", "--quiet", f"--variant={recipe.variant}", *what, recipe.suite, str(part))
    try:
        subprocess.run(command, check=True, umask=0o022)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    part.rename(root)
    return root


def cached(cache: Path, recipe: Recipe) -> Path:
    """Where the root of this recipe lies, or would lie."""
    number = hashlib.sha256(repr(recipe).encode()).hexdigest()
    return cache / f"{recipe.suite}-{recipe.architecture}-{number[:12]}"


class Foreign:
    """`root` with a layer in `folder` that takes whatever is written, seen as on `board`; None: as on any."""

    def __init__(self, root: Path, folder: Path, reach: Reach, board: Board | None) -> None:
        self.tree = folder / "tree"
        self._folder, self._root, self._reach, self._board = folder, root, reach, board

    def __enter__(self) -> Foreign:
        for name in ("upper", "work", "tree"):
            (self._folder / name).mkdir(parents=True)
        if self._board is not None:
            (self._folder / "cpuinfo").write_text(self._board.cpuinfo(os.cpu_count() or 1))
        layers = f"lowerdir={self._root},upperdir={self._folder / 'upper'},workdir={self._folder / 'work'}"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, str(self.tree)], check=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subprocess.run(["umount", "--lazy", str(self.tree)], check=False)

    def run(self, command: str, *, timeout: float, network: bool = True) -> subprocess.CompletedProcess[str]:
        """A shell command in it, with its exit code and both streams; TimeoutExpired after `timeout` seconds."""
        nspawn = ["systemd-nspawn", "-q", "--register=no", "--keep-unit", "--as-pid2", "--console=pipe"]
        nspawn += ["-D", str(self.tree), *self._reach.binds]
        nspawn.append("--resolv-conf=copy-host" if network else "--private-network")
        own = {**self._reach.environment, "LANG": "C.UTF-8", "HOME": "/root"}
        if self._board is not None:
            nspawn.append(f"--bind-ro={self._folder / 'cpuinfo'}:/proc/cpuinfo")
            own["QEMU_CPU"] = self._board.cpu
        nspawn += [f"--setenv={name}={value}" for name, value in own.items()]
        return subprocess.run(
            [*nspawn, "sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout
        )
