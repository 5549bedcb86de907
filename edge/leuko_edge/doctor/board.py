"""The board: which it is, and whether heat, power or memory hold it back.

Throttling bits and the 80 °C from which a Raspberry Pi slows down: Raspberry Pi documentation, `vcgencmd
get_throttled` and "Frequency management and thermal control".
"""

from __future__ import annotations

import os
from pathlib import Path

from .finding import Finding, bad, good, skipped, warning
from .machine import Machine

HOT, WARM = 80.0, 70.0  # °C
LITTLE_MB = 300  # what counting at 1280×960 may take
SWAPPED_MB = 100
_POWER = "use the board's own power supply and a short, thick cable, and power no USB camera that has a plug of its own"
_COOL = "fit a heat sink or a fan, and give the case air"
THROTTLED = {
    0: ("undervoltage now", _POWER),
    1: ("ARM frequency capped now", _COOL),
    2: ("throttled now", _COOL),
    3: ("soft temperature limit now", _COOL),
    16: ("undervoltage since power-on", _POWER),
    17: ("ARM frequency capped since power-on", _COOL),
    18: ("throttled since power-on", _COOL),
    19: ("soft temperature limit since power-on", _COOL),
}


def check_board(machine: Machine) -> list[Finding]:
    cores = os.cpu_count() or 1
    found = f"{model(machine)}, {cores} core{'s' * (cores != 1)}"
    return [good("board", found), _temperature(machine), _throttling(machine), *_memory(machine), _governor(machine)]


def model(machine: Machine) -> str:
    """The board's own name, else the computer's, else the processor's."""
    for path in ("/proc/device-tree/model", "/sys/class/dmi/id/product_name"):
        if text := machine.text(path):
            return text
    for line in (machine.text("/proc/cpuinfo") or "").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model"):
            return value.strip()
    return "an unknown board"


def temperature(machine: Machine) -> float | None:
    """Of the hottest zone, °C; None where nothing tells."""
    found = [machine.number(path) for path in machine.glob("/sys/class/thermal/thermal_zone*/temp")]
    return max((value / 1000 for value in found if value is not None), default=None)


def throttled(machine: Machine) -> int | None:
    """The firmware's bits; None where this is no Raspberry Pi, or it does not tell."""
    texts = [machine.text(path) for path in _throttling_files(machine)]
    texts.append((machine.run(["vcgencmd", "get_throttled"]) or "").strip().removeprefix("throttled="))
    for text in texts:
        try:
            return int(text or "", 16)
        except ValueError:
            continue
    return None


def _throttling_files(machine: Machine) -> list[Path]:
    return machine.glob("/sys/devices/platform/soc*/soc*:firmware/get_throttled")


def _temperature(machine: Machine) -> Finding:
    degrees = temperature(machine)
    if degrees is None:
        return skipped("temperature", "this board does not tell")
    words = f"{degrees:.0f} °C"
    if degrees >= HOT:
        return bad("temperature", f"{words}: from {HOT:.0f} °C on it slows down", _COOL)
    if degrees >= WARM:
        return warning("temperature", words, _COOL)
    return good("temperature", words)


def _throttling(machine: Machine) -> Finding:
    bits = throttled(machine)
    if bits is None:
        return skipped("throttling", "this board does not tell")
    set_bits = [bit for bit in THROTTLED if bits >> bit & 1]
    if not set_bits:
        return good("throttling", f"none since power-on (0x{bits:x})")
    found = f"{', '.join(THROTTLED[bit][0] for bit in set_bits)} (0x{bits:x})"
    advice = "; ".join(dict.fromkeys(THROTTLED[bit][1] for bit in set_bits))
    return bad("throttling", found, advice) if set_bits[0] < 16 else warning("throttling", found, advice)


def _memory(machine: Machine) -> list[Finding]:
    """Of /proc/meminfo, which counts in KiB."""
    megabytes = {}
    for line in (machine.text("/proc/meminfo") or "").splitlines():
        key, _, rest = line.partition(":")
        number = rest.split()[:1]
        if number and number[0].isdecimal():
            megabytes[key] = int(number[0]) * 1024 / 1e6
    if "MemAvailable" not in megabytes:
        return [skipped("memory", "this system does not tell")]
    free, total = megabytes["MemAvailable"], megabytes.get("MemTotal", 0.0)
    swapped = megabytes.get("SwapTotal", 0.0) - megabytes.get("SwapFree", 0.0)
    found = f"{free:.0f} of {total:.0f} MB free, {swapped:.0f} MB swapped out"
    if free < LITTLE_MB:
        return [warning("memory", found, "end other programs; the desktop is not needed (sudo raspi-config, Boot)")]
    if swapped > SWAPPED_MB:
        return [warning("memory", found, "other programs need much memory: end them, or restart the device")]
    return [good("memory", found)]


def _governor(machine: Machine) -> Finding:
    governor = machine.text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    if governor is None:
        return skipped("processor speed", "this system does not tell")
    megahertz = machine.number("/sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq")
    found = f"governor {governor}" + (f", up to {megahertz / 1000:.0f} MHz" if megahertz else "")
    if governor == "powersave":
        advice = "echo ondemand | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
        return warning("processor speed", f"{found}: always the slowest", advice)
    return good("processor speed", found)
