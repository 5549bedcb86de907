"""`leuko-edge camera list`, `doctor` and `camera tune` on a camera of the kernel."""

from __future__ import annotations

import json
from collections.abc import Iterator

from computer import BY_ID, Computer
from installed import STATE, UNIT, Finding

TUNING = f"{STATE}/camera.json"


def listed(computer: Computer) -> Iterator[Finding]:
    """While the service counts, and while it does not."""
    for running in (True, False):
        computer.run(f"systemctl {'start' if running else 'stop'} {UNIT}")
        found = json.loads(computer.run("leuko-edge camera list --json"))["cameras"]
        camera = next((camera for camera in found if camera["source"] == BY_ID), None)
        when = "while it counts" if running else "while it is stopped"
        said = f"{len(found)} cameras" if camera is None else f"{camera['name']}, {camera['formats']}"
        told = camera and (camera["problem"] or "can be opened")
        holds = camera is not None and len(found) == 1 and camera["opens"] != running
        yield Finding(holds, f"camera list, {when}: {said}: {told}")


def doctor(computer: Computer) -> Iterator[Finding]:
    """Frames from the camera while nothing else uses it."""
    computer.run(f"systemctl stop {UNIT}")
    said = json.loads(computer.run("leuko-edge doctor --json 2>/dev/null", check=False))
    found = [finding for finding in said["findings"] if "Drawn Smear" in finding["name"]]
    for finding in found:
        holds = finding["state"] != "bad"
        yield Finding(holds, f"doctor, {finding['name'].rpartition(': ')[2]}: {finding['state']}, {finding['found']}")
    frames = any("gives MJPG at 640×480" in finding["found"] for finding in found)
    yield Finding(frames, f"doctor took frames from it and had {len(found)} things to say")
    computer.run(f"systemctl start --no-block {UNIT}")


def tuned(computer: Computer) -> Iterator[Finding]:
    """Exposure, gain and white balance of the camera, and what the service makes of them after an unplug."""
    computer.run(f"systemctl stop {UNIT}")
    computer.camera("empty")
    said = computer.run("leuko-edge camera tune", check=False)
    made = computer.run(f"cat {TUNING}", check=False)
    holds = made.startswith("{")
    yield Finding(holds, f"camera tune: {said.splitlines()[-1] if said else 'nothing said'}")
    if not holds:
        return
    controls = json.loads(made)["controls"]
    manual = controls.get("exposure_auto") == 1 and controls.get("white_balance_automatic") == 0
    yield Finding(manual, f"fixed: {', '.join(f'{name} {value}' for name, value in controls.items())}")
    computer.camera("away")
    computer.sleep(2)
    computer.camera("play")
    try:
        computer.forget_sessions(start=True)
        counting = computer.wait(computer.counting, computer.patience)
        source = computer.source()
        yield Finding(
            counting and source.get("controls") == controls and not source.get("controls_refused"),
            "plugged in anew, it has the tuned values again while counting",
        )
    finally:
        computer.run(f"systemctl stop {UNIT}; rm -f {TUNING}; systemctl start --no-block {UNIT}", check=False)
