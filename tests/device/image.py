"""The virtual machine's disk: a Debian with a kernel, leuko-edge installed in it, as one ext4 file beside its kernel.

install.sh runs in a booted container on a layer over the cached root, with the network of this host, for the virtual
machine has none and is twenty times slower. What it leaves is the disk.
"""

from __future__ import annotations

import shutil
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


def of(machine: Machine, folder: Path) -> Disk:
    """Write what `machine`, which must not run, has in its tree into `folder`; CalledProcessError where it cannot."""
    tree = machine.tree
    used = int(subprocess.run(["du", "-sm", str(tree)], check=True, capture_output=True, text=True).stdout.split()[0])
    disk = Disk(folder / "disk", folder / "kernel", folder / "initrd")
    subprocess.run(
        ["mke2fs", "-q", "-t", "ext4", "-d", str(tree), str(disk.file), f"{used + ROOM_MB}M"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    shutil.copy(next((tree / "boot").glob("vmlinuz-*")), disk.kernel)
    shutil.copy(next((tree / "boot").glob("initrd.img-*")), disk.initrd)
    return disk
