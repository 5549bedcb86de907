"""Uninstalling."""

from __future__ import annotations

from collections.abc import Iterator

from device import STATE, UNIT, Device, Finding

DATA = (STATE, "/var/lib/leuko-edge", "/etc/leuko-edge")


def uninstall(device: Device) -> Iterator[Finding]:
    """What is there afterwards and was not before is the data, and nothing else."""
    device.run(f"systemctl is-active {UNIT}")
    device.run("sh /root/deploy/install.sh --uninstall")
    left = device.new_files()
    data = [path for path in left if path.startswith(DATA)]
    other = sorted(set(left) - set(data))
    yield Finding(not other, f"uninstalled: nothing is left but data{': ' + ', '.join(other[:5]) if other else ''}")
    kept = f"{STATE}/sessions.sqlite3" in data
    yield Finding(kept, f"the sessions are kept ({len(data)} paths under {STATE})")
    user = device.run("getent passwd leuko-edge; getent group leuko-edge", check=False)
    yield Finding(not user, "user and group are gone" if not user else f"still there: {user}")
    units = device.run("systemctl list-unit-files --no-legend 'leuko-edge*'", check=False)
    yield Finding(not units, "systemd knows no such unit" if not units else f"still there: {units}")
