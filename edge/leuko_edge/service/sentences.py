"""What the service says of itself in one sentence."""

from __future__ import annotations

from ..errors import Hint, LeukoError
from ..live.snapshot import Snapshot
from ..plain_text import printable
from ..screen import words
from ..session import Light

SIGN_IT = "sign it with y at the device's keyboard, or with leuko-edge attach --keys"

_FOR_A_SERVICE = {  # which has a configuration, and starts by itself
    Hint.START_AGAIN: "",
    Hint.RESUME: "",
    Hint.TAKE_PI_CAMERA: "set camera.source to picamera2 in the configuration",
    Hint.NAME_CAMERA: "as camera.source in the configuration",
    Hint.NAME_DATABASE: "as session.database in the configuration",
    Hint.NAME_MODEL: "as model.path in the configuration",
}


def fault(error: LeukoError) -> str:
    """What an error says, on one line and without the advice to start the program again: that is being done."""
    return " ".join(printable(line) for line in error.said(_FOR_A_SERVICE).split())


def counting(snapshot: Snapshot) -> str:
    """The count, the largest class, what the camera sees, and what there is to be warned of."""
    return f"{_counting(snapshot)}; {snapshot.warning}" if snapshot.warning else _counting(snapshot)


def _counting(snapshot: Snapshot) -> str:
    differential = snapshot.differential
    so_far = words.goal(snapshot)[0]
    if snapshot.target is not None:
        so_far = f"{differential.counted} of {snapshot.target} leukocytes"
    parts = [f"session {snapshot.session}: {so_far}"]
    largest = max(differential.classes, key=lambda share: share.count, default=None)
    if largest is not None and largest.percent is not None:
        parts.append(f"{words.class_name(largest.label)} {largest.percent:.0f} %")
    parts += words.decisions(snapshot)
    if snapshot.done is not None:
        return f"{', '.join(parts)}; {words.done(snapshot)}"
    if snapshot.paused:
        return ", ".join([*parts, "paused"])
    light = [f"light {snapshot.light}"] if snapshot.light != Light.GOOD else []
    return ", ".join([*parts, snapshot.motion, snapshot.focus, *light])
