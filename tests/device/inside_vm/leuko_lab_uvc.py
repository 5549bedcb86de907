"""A USB microscope camera as the kernel's uvcvideo driver sees one: its descriptors, its controls, its pictures.

One size, MJPG, over a bulk endpoint; exposure, gain and white balance with their automatics, which refuse to be set by
hand while the automatic is on. Source: USB Device Class Definition for Video Devices 1.0 (tables 3-1 to 4-75).
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from leuko_lab_usbip import Stalled

MAKER, PRODUCT, SERIAL = "leuko-lab", "Drawn Smear Camera", "0001"
PAYLOAD = 32 * 512  # bytes; what uvcvideo asks for at once at most
_CLASS, _CONTROL_INTERFACE, _STREAM_INTERFACE = 0x0E, 0, 1
_TERMINAL, _PROCESSING, _OUTPUT = 1, 2, 3
_BULK_IN = 0x81
_SET_CUR, _GET_CUR, _GET_MIN, _GET_MAX, _GET_RES, _GET_LEN, _GET_INFO, _GET_DEF = 0x01, *range(0x81, 0x88)
_PROBE, _COMMIT = 1, 2
AUTO_EXPOSURE, EXPOSURE = (_TERMINAL, 0x02), (_TERMINAL, 0x04)
GAIN, TEMPERATURE, AUTO_WHITE = (_PROCESSING, 0x04), (_PROCESSING, 0x0A), (_PROCESSING, 0x0B)
MANUAL, APERTURE_PRIORITY = 1, 8  # of AUTO_EXPOSURE
# Format, least, most, step (of AUTO_EXPOSURE: the modes that it has), default.
_CONTROLS = {
    AUTO_EXPOSURE: ("B", MANUAL, APERTURE_PRIORITY, MANUAL | APERTURE_PRIORITY, APERTURE_PRIORITY),
    EXPOSURE: ("I", 1, 3000, 1, 150),  # 100 µs
    GAIN: ("H", 0, 100, 1, 20),
    TEMPERATURE: ("H", 2800, 6500, 10, 4600),  # kelvin
    AUTO_WHITE: ("B", 0, 1, 1, 1),
}


class UvcCamera:
    """`picture()` is the JPEG that is due, or None while there is none; `controls` are what the host has set."""

    def __init__(self, width: int, height: int, fps: float, picture: Callable[[], bytes | None]) -> None:
        self.controls = {which: default for which, (*_, default) in _CONTROLS.items()}
        self._picture = picture
        self._left: list[bytes] = []  # payloads of the present picture
        self._toggle = 0
        interval = round(1e7 / fps)  # 100 ns
        most = width * height * 2  # bytes of a picture
        self._probe = struct.pack("<HBBIHHHHHII", 1, 1, 1, interval, 0, 0, 0, 0, 0, most, PAYLOAD)
        self._configuration = _configuration(width, height, interval, most)

    def give(self, length: int) -> bytes | None:
        if not self._left:
            jpeg = self._picture()
            if jpeg is None:
                return None
            self._toggle ^= 1
            room = min(length, PAYLOAD) - 2
            parts = [jpeg[at : at + room] for at in range(0, len(jpeg), room)]
            ends = [0x80 | self._toggle | 0x02 * (n == len(parts) - 1) for n in range(len(parts))]  # 0x02: its last
            self._left = [bytes((2, end)) + part for end, part in zip(ends, parts, strict=True)]
        return self._left.pop(0)

    def control(self, setup: bytes, data: bytes) -> bytes:
        kind, request, value, index, _ = struct.unpack("<BBHHH", setup)
        if kind == 0x80 and request == 6:
            return self._descriptor(value >> 8, value & 0xFF)
        if kind in (0x00, 0x01, 0x02):  # configuration, interface, feature: nothing to remember
            self._left = [] if kind == 0x02 else self._left  # the endpoint begins anew
            return b""
        if kind in (0x80, 0x81, 0x82) and request == 0:  # status
            return bytes(2)
        if kind in (0x21, 0xA1):
            return self._of_class(request, value >> 8, index >> 8, index & 0xFF, data)
        raise Stalled

    def _descriptor(self, kind: int, number: int) -> bytes:
        if kind == 1:
            return struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x200, 0xEF, 2, 1, 64, 0x1D6B, 0x0102, 0x100, 1, 2, 3, 1)
        if kind == 2:
            return self._configuration
        if kind == 3 and number <= 3:
            text = (MAKER, PRODUCT, SERIAL)[number - 1].encode("utf-16-le") if number else struct.pack("<H", 0x0409)
            return bytes((2 + len(text), 3)) + text
        raise Stalled

    def _of_class(self, request: int, selector: int, entity: int, interface: int, data: bytes) -> bytes:
        if interface == _STREAM_INTERFACE and selector in (_PROBE, _COMMIT):
            return {_GET_LEN: struct.pack("<H", len(self._probe)), _GET_INFO: b"\x03"}.get(request, self._probe)
        if (entity, selector) not in _CONTROLS:
            raise Stalled
        which = (entity, selector)
        form, low, high, step, default = _CONTROLS[which]
        if request == _SET_CUR:
            (wanted,) = struct.unpack(f"<{form}", data)
            by_itself = self.controls[AUTO_EXPOSURE] != MANUAL
            if (which == EXPOSURE and by_itself) or (which == TEMPERATURE and self.controls[AUTO_WHITE]):
                raise Stalled
            self.controls[which] = min(max(wanted, low), high)
            return b""
        if request in (_GET_LEN, _GET_INFO):
            return struct.pack("<H", struct.calcsize(f"<{form}")) if request == _GET_LEN else b"\x03"
        values = {_GET_CUR: self.controls[which], _GET_MIN: low, _GET_MAX: high, _GET_RES: step, _GET_DEF: default}
        if request not in values:
            raise Stalled
        return struct.pack(f"<{form}", values[request])


def _configuration(width: int, height: int, interval: int, most: int) -> bytes:
    terminal = struct.pack("<BBBBHBBHHHB3s", 18, 0x24, 2, _TERMINAL, 0x0201, 0, 0, 0, 0, 0, 3, b"\x0a\0\0")
    processing = struct.pack("<BBBBBHB2sB", 11, 0x24, 5, _PROCESSING, _TERMINAL, 0, 2, b"\x40\x12", 0)
    output = struct.pack("<BBBBHBBB", 9, 0x24, 3, _OUTPUT, 0x0101, 0, _PROCESSING, 0)
    units = terminal + processing + output
    header = struct.pack("<BBBHHIBB", 13, 0x24, 1, 0x100, 13 + len(units), 48_000_000, 1, _STREAM_INTERFACE)
    form = bytes((11, 0x24, 6, 1, 1, 1, 1, 0, 0, 0, 0))
    bits = round(8 * most * 1e7 / interval)
    frame = struct.pack("<BBBBBHHIIIIBI", 30, 0x24, 7, 1, 0, width, height, bits, bits, most, interval, 1, interval)
    colour = bytes((6, 0x24, 0x0D, 1, 1, 4))
    formats = form + frame + colour
    stream = struct.pack("<BBBBHBBBBBBBB", 14, 0x24, 1, 1, 14 + len(formats), _BULK_IN, 0, _OUTPUT, 0, 0, 0, 1, 0)
    parts = (
        bytes((8, 11, _CONTROL_INTERFACE, 2, _CLASS, 3, 0, 2)),
        bytes((9, 4, _CONTROL_INTERFACE, 0, 0, _CLASS, 1, 0, 2)) + header + units,
        bytes((9, 4, _STREAM_INTERFACE, 0, 1, _CLASS, 2, 0, 0)) + stream + formats,
        struct.pack("<BBBBHB", 7, 5, _BULK_IN, 2, 512, 0),
    )
    body = b"".join(parts)
    return struct.pack("<BBHBBBBB", 9, 2, 9 + len(body), 2, 1, 0, 0x80, 250) + body
