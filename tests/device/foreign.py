"""A Debian for another processor: its programs are run by qemu-user, to which this kernel hands them.

    with Emulation(), Foreign(build(cache, ARM64_BOOKWORM), folder, PI_4) as debian:
        debian.run("uname -m")               # aarch64

Only single processors are emulated, instruction by instruction, on this kernel: no board, no systemd, no camera, and no
speed that says anything. Wants the mount namespace that `apart` makes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

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
    """While it is open, this kernel runs arm64 and armhf programs; OSError or CalledProcessError where it will not."""

    def __enter__(self) -> Emulation:
        if not (BINFMT / "register").exists():
            subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", str(BINFMT)], check=True)
        self._rules: list[Path] = []
        for architecture, emulator in EMULATORS.items():
            program = shutil.which(emulator)
            if program is None:
                raise FileNotFoundError(emulator)
            # of its own, so that it is nobody else's when it is taken away again
            name = f"leuko-lab-{architecture}-{uuid.uuid4().hex[:8]}"
            # F: the kernel opens the emulator now, so that no root needs to hold it
            _tell(BINFMT / "register", f":{name}:M::{MAGIC[architecture]}:{MASK}:{program}:F")
            self._rules.append(BINFMT / name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for rule in self._rules:
            _tell(rule, "-1")


def _tell(file: Path, text: str) -> None:
    """Write to a file of the kernel's, which wants neither to be made nor to be cut."""
    descriptor = os.open(file, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


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
    # A mirror may serve the younger archives out of step with their index; the release itself is all that is needed.
    alone = """--setup-hook=sed -i '/-security\\|-updates/d' "$1/etc/apt/sources.list\""""
    what = (alone, f"--architectures={recipe.architecture}", f"--include={','.join(recipe.packages)}")
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

    def __init__(self, root: Path, folder: Path, board: Board | None) -> None:
        self.tree = folder / "tree"
        self._folder, self._root, self._board = folder, root, board

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

    def run(self, command: str, *, timeout: float) -> subprocess.CompletedProcess[str]:
        """A shell command in it, without a network: exit code, both streams; TimeoutExpired after `timeout` seconds."""
        nspawn = ["systemd-nspawn", "-q", "--register=no", "--keep-unit", "--as-pid2", "--console=pipe"]
        nspawn += ["-D", str(self.tree), "--private-network"]
        own = {"LANG": "C.UTF-8", "HOME": "/root"}
        if self._board is not None:
            nspawn.append(f"--bind-ro={self._folder / 'cpuinfo'}:/run/cpuinfo")
            command = f"mount --bind /run/cpuinfo /proc/cpuinfo && {{ {command}; }}"  # nspawn binds nothing onto /proc
            own["QEMU_CPU"] = self._board.cpu
        nspawn += [f"--setenv={name}={value}" for name, value in own.items()]
        return subprocess.run(
            [*nspawn, "sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout
        )
