"""Is there the memory that a picture takes? Asked before it is taken: Linux gives what it does not have, and then ends
a program of its choice, the counter or another.

What a picture takes was measured by `leuko-edge bench --memory` (edge/benchmarks/README.md).
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from ..errors import PictureError, Reason

BYTES_A_PIXEL = 10  # to decode it and to measure its light and scale
BYTES_A_MM2 = 930e6  # to find the cells of so much smear
BYTES_A_MM2_ESTIMATED = 1300e6  # with --estimates: its platelets and red cells too, at a finer scale
SMALL = 50e6  # bytes; what takes less is not asked for


def for_pixels(width: int, height: int) -> None:
    """PictureError where there is no memory to decode so many pixels."""
    _require(BYTES_A_PIXEL * width * height, f"a picture of {width}×{height} pixels")


def for_area(width: int, height: int, um_per_px: float, estimates: bool = False) -> None:
    """PictureError where there is no memory to find the cells of so many pixels at this scale; `estimates`: all that
    is asked of them with --estimates."""
    mm2 = width * height * (um_per_px / 1000) ** 2
    _require((BYTES_A_MM2_ESTIMATED if estimates else BYTES_A_MM2) * mm2, f"a picture of {mm2:.2g} mm² of a smear")


def _require(needed: float, what: str) -> None:
    if needed < SMALL:
        return
    there = available()
    if there is not None and there < needed:
        raise PictureError(
            f"there is not enough memory: {what} takes some {needed / 1e6:.0f} MB, and {there / 1e6:.0f} MB are free",
            "end other programs, or cut it into parts",
            reason=Reason.NO_MEMORY,
        )


def available(root: Path = Path("/")) -> int | None:
    """Bytes that this process can still take: of the machine, and of the control groups that hold it. None where the
    system does not tell."""
    found = [value for value in (_of_machine(root), _of_groups(root)) if value is not None]
    return min(found) if found else None


def _of_machine(root: Path) -> int | None:
    """/proc/meminfo counts in KiB."""
    for line in _text(root / "proc/meminfo").splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return 1024 * int(value.split()[0])
    return None


def _of_groups(root: Path) -> int | None:
    """Of control groups (version 2) each may have a limit, those above it too. What its files hold in the cache is
    given back when it is needed."""
    own = next((line[3:] for line in _text(root / "proc/self/cgroup").splitlines() if line.startswith("0::")), None)
    if own is None:
        return None
    least = None
    group = PurePosixPath(own.strip().lstrip("/"))
    for path in (group, *group.parents):
        folder = root / "sys/fs/cgroup" / path
        limit, used = (_text(folder / name).strip() for name in ("memory.max", "memory.current"))
        if limit.isdecimal() and used.isdecimal():
            stat = dict(line.partition(" ")[::2] for line in _text(folder / "memory.stat").splitlines())
            left = max(0, int(limit) - int(used) + int(stat.get("file", 0)))
            least = left if least is None else min(least, left)
    return least


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
