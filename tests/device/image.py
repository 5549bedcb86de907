"""The virtual machine's disk: a Debian with a kernel, leuko-edge installed in it, as one ext4 file beside its kernel.

install.sh runs in a booted container on a layer over the cached root, with the network of this host, for the virtual
machine has none and is twenty times slower. What it leaves is the disk.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import root
from machine import Machine

ROOM_MB = 1000  # on the disk beside what is installed

SMALL_INITRD = (
    # All modules that any disk may need take the emulated processor half a minute to unpack.
    'sed -i s/^MODULES=.*/MODULES=list/ "$1/etc/initramfs-tools/initramfs.conf"',
    'printf "virtio_pci\\nvirtio_blk\\next4\\n" >> "$1/etc/initramfs-tools/modules"',
    'chroot "$1" update-initramfs -u -k all',
)
DEBIAN = root.Recipe(
    packages=(*root.EVERY, "linux-image-amd64", "initramfs-tools", "qemu-guest-agent", "v4l-utils"), finish=SMALL_INITRD
)


@dataclass(frozen=True)
class Disk:
    """What an `Emulator` starts from."""

    file: Path
    kernel: Path
    initrd: Path


def of(machine: Machine, file: Path) -> Disk:
    """Write what `machine`, which must not run, has in its tree to `file`; CalledProcessError where it cannot."""
    tree = machine.tree
    used = int(subprocess.run(["du", "-sm", str(tree)], check=True, capture_output=True, text=True).stdout.split()[0])
    command = ["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", str(tree), str(file), f"{used + ROOM_MB}M"]
    subprocess.run(command, check=True)
    return Disk(file, next((tree / "boot").glob("vmlinuz-*")), next((tree / "boot").glob("initrd.img-*")))
