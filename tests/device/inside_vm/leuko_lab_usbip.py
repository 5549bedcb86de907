"""Plugs a USB device that is a Python object into this machine's own kernel, and pulls it out again.

    with Port() as port:                      # plugged in
        while port.serve(device, 0.1):        # answers the kernel for up to so many seconds
            ...
                                              # pulled out, with whatever had it open

The kernel's virtual host controller (vhci_hcd) takes any stream socket as the cable and speaks USB/IP over it; here it
is one end of a socket pair. Source: Documentation/usb/usbip_protocol.rst of the kernel.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
from pathlib import Path
from typing import Protocol

VHCI = Path("/sys/devices/platform/vhci_hcd.0")
HIGH_SPEED = 3
FREE = 4  # VDEV_ST_NULL in the status file
SUBMIT, UNLINK, ANSWER, UNLINKED = 1, 2, 3, 4
STALL, TAKEN_BACK = -32, -104  # -EPIPE, -ECONNRESET
_BASIC = struct.Struct(">5I")  # command, number, device, direction (1: to the host), endpoint
_SUBMIT = struct.Struct(">IiiII8s")  # flags, length, first frame, packets, interval, setup
_ANSWER = struct.Struct(">5I5i8x")  # basic, status, length, first frame, packets, errors
_UNLINKED = struct.Struct(">5Ii24x")
_SIZE = 48  # bytes of every message before its data


class Stalled(Exception):
    """The device refuses this request."""


class UsbDevice(Protocol):
    """What is plugged in."""

    def control(self, setup: bytes, data: bytes) -> bytes:
        """Answer a request on endpoint 0 (setup, 8 bytes); Stalled where it has none."""
        ...

    def give(self, length: int) -> bytes | None:
        """Up to `length` bytes for the bulk endpoint; None where there is nothing to send now."""
        ...


class Port:
    """A socket of the virtual hub: something is plugged in between entering and leaving."""

    def __enter__(self) -> Port:
        self._cable, theirs = socket.socketpair()
        with theirs:
            self._number = _free_port()
            (VHCI / "attach").write_text(f"{self._number} {theirs.fileno()} {1 << 16 | 2} {HIGH_SPEED}")
        self._waiting: dict[int, int] = {}  # by number: bytes asked of the bulk endpoint
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # gone already
            (VHCI / "detach").write_text(str(self._number))
        self._cable.close()

    def serve(self, device: UsbDevice, seconds: float) -> bool:
        """Answer for about so long, or until the kernel has hung up; whether it has not."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([self._cable], [], [], left)[0] and not self._one(device):
                return False
            self._feed(device)
        self._feed(device)
        return True

    def _one(self, device: UsbDevice) -> bool:
        head = self._read(_SIZE)
        if head is None:
            return False
        command, number, _, inwards, endpoint = _BASIC.unpack_from(head)
        if command == UNLINK:
            (which,) = struct.unpack_from(">I", head, _BASIC.size)
            taken = self._waiting.pop(which, None) is not None
            self._cable.sendall(_UNLINKED.pack(UNLINKED, number, 0, 0, 0, TAKEN_BACK if taken else 0))
            return True
        _, length, _, _, _, setup = _SUBMIT.unpack_from(head, _BASIC.size)
        data = b"" if inwards or not length else self._read(length)
        if data is None:
            return False
        if endpoint:
            self._waiting[number] = length
            return True
        try:
            told = device.control(setup, data)[:length]
            self._answer(number, told if inwards else b"", 0, len(told) if inwards else length)
        except Stalled:
            self._answer(number, b"", STALL, 0)
        return True

    def _feed(self, device: UsbDevice) -> None:
        for number in list(self._waiting):
            data = device.give(self._waiting[number])
            if data is None:
                return
            del self._waiting[number]
            self._answer(number, data, 0, len(data))

    def _answer(self, number: int, data: bytes, status: int, length: int) -> None:
        with contextlib.suppress(OSError):  # hung up meanwhile; reading will tell
            self._cable.sendall(_ANSWER.pack(ANSWER, number, 0, 0, 0, status, length, 0, 0, 0) + data)

    def _read(self, length: int) -> bytes | None:
        parts = b""
        while len(parts) < length:
            try:
                part = self._cable.recv(length - len(parts))
            except OSError:
                part = b""
            if not part:
                return None
            parts += part
        return parts


def _free_port() -> int:
    for line in (VHCI / "status").read_text().splitlines()[1:]:
        hub, number, state, *_ = line.split()
        if hub == "hs" and int(state) == FREE:
            return int(number)
    raise OSError("no socket of the virtual hub is free")
