"""Every setting there is. What is not in this table is refused, wherever it comes from."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from . import values
from .values import Kind

PREFIX = "LEUKO_EDGE_"
"""Of environment variables: LEUKO_EDGE_CAMERA_SOURCE is `camera.source`."""
AFTER_RANGES = ("service.", "review.")
"""Tables that follow the reference ranges in the file."""
GOALS = ("count.target", "count.precision")
"""Two ways to say when to stop: of these only one is ever in force, the one that came last."""


@dataclass(frozen=True)
class Key:
    """One setting. `default` is as a file would have it; where there is none, `otherwise` says what happens."""

    name: str  # "table.key" as in the file
    kind: Kind
    help: str
    default: Any = None
    otherwise: str = ""
    example: Any = None  # for the commented file, where there is no default
    flag: str = ""  # the option that beats it
    metavar: str = "VALUE"  # what the option's help writes for the value

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper().replace(".", "_")


PLAIN = (
    Key(
        "camera.source",
        values.CAMERA,
        "the camera: auto, picamera2, a path (best one below /dev/v4l/by-id), or the N of /dev/videoN",
        "auto",
        flag="--camera",
        metavar="auto|picamera2|PATH",
    ),
    Key("camera.size", values.SIZE, "width and height asked of the camera, in pixels; it may give others", [1280, 960]),
    Key("camera.fps", values.FPS, "pictures a second asked of the camera; it may give fewer", 30),
    Key(
        "camera.tuning",
        values.PATH,
        "what `leuko-edge camera tune` found: exposure, gains and flat field",
        otherwise="camera.json beside the sessions' database",
        example="/var/lib/leuko-edge/camera.json",
    ),
    Key(
        "count.target",
        values.TARGET,
        "stop after so many leukocytes; target or precision, not both",
        otherwise="100, unless precision is set",
        example=200,
        flag="--target",
        metavar="N",
    ),
    Key(
        "count.precision",
        values.PRECISION,
        "stop when every class's 95 % interval is within so many points, from end to end",
        otherwise="target decides",
        example=15,
        flag="--precision",
        metavar="P",
    ),
    Key(
        "count.decisions",
        values.DECISIONS,
        "what the count is to tell: eosinophil>5 (per cent), blast>0 (is there any); how many cells that takes is said",
        otherwise="nothing is asked",
        example=["eosinophil>5", "blast>0"],
        flag="--decide",
        metavar="CLASS>PERCENT,…",
    ),
    Key(
        "count.um_per_px",
        values.UM_PER_PX,
        "micrometres per pixel of your microscope with its camera, or auto in quotes",
        otherwise="measured from the red cells",
        example=0.1,
        flag="--um-per-px",
        metavar="X",
    ),
    Key(
        "count.threads",
        values.THREADS,
        "processor threads",
        otherwise="all cores",
        example=4,
        flag="--threads",
        metavar="N",
    ),
    Key(
        "model.path",
        values.PATH,
        "a .tflite file with its card beside it",
        otherwise="the shipped one",
        example="/var/lib/leuko-edge/model.tflite",
        flag="--model",
        metavar="PATH",
    ),
    Key(
        "model.site",
        values.NAME,
        "what your laboratory taught the model with `leuko-edge enrol`: its name",
        otherwise="the model as it ships",
        example="KLINIK-2",
        flag="--site",
        metavar="NAME",
    ),
    Key(
        "model.trusted_keys",
        values.PATH,
        "public Ed25519 keys (PEM), one of which must have signed a model that is not the shipped one",
        otherwise="a model needs no signature",
        example="/etc/leuko-edge/model-keys.pem",
    ),
    Key(
        "session.database",
        values.PATH,
        "where sessions are kept",
        otherwise="~/.local/state/leuko-edge/sessions.sqlite3",
        example="/var/lib/leuko-edge/sessions.sqlite3",
        flag="--database",
        metavar="FILE",
    ),
    Key(
        "session.operator",
        values.NAME,
        "who counts and signs",
        otherwise="nobody is named",
        example="AB",
        flag="--operator",
        metavar="NAME",
    ),
    Key(
        "qc.control",
        values.PATH,
        "the control that `leuko-edge qc` tests: a folder with its control.json, or that file",
        otherwise="none",
        example="/var/lib/leuko-edge/control",
        flag="--control",
        metavar="PATH",
    ),
    Key(
        "qc.max_age",
        values.HOURS,
        "hours since the control's last test that passed, beyond which qc.overdue says what counting does",
        otherwise="no test is asked for",
        example=24,
        flag="--max-age",
        metavar="HOURS",
    ),
    Key("qc.overdue", values.OVERDUE, "without such a test: warn, or refuse to count", "warn"),
    Key(
        "service.display",
        values.DISPLAY,
        "where the service shows the count: auto (the first console, where one is attached), none, or a terminal",
        "auto",
        flag="--display",
        metavar="auto|none|TTY",
    ),
    Key("review.enabled", values.YES_NO, "whether the service serves the review pages too, a process beside it", False),
    Key(
        "review.host",
        values.NAME,
        "where the review pages listen; any address but this machine's own needs people (leuko-edge users add)",
        "127.0.0.1",
        flag="--host",
        metavar="ADDRESS",
    ),
    Key(
        "review.port",
        values.whole(0, 65535),
        "their port; 0: a free one",
        8642,
        flag="--port",
        metavar="N",
    ),
    Key(
        "review.certificate",
        values.PATH,
        "TLS: the certificate with its chain, PEM; together with review.key",
        otherwise="no TLS",
        example="/etc/leuko-edge/review.pem",
        flag="--certificate",
        metavar="FILE",
    ),
    Key(
        "review.key",
        values.PATH,
        "TLS: the certificate's key, PEM",
        otherwise="no TLS",
        example="/etc/leuko-edge/review.key",
        flag="--key",
        metavar="FILE",
    ),
    Key(
        "review.second_signature",
        values.YES_NO,
        "whether the result of a session that is begun from now on needs a second person's signature",
        False,
    ),
)
"""All but the reference ranges, whose classes are known where NumPy is loaded."""


@functools.cache
def table() -> Mapping[str, Key]:
    """Every setting by its name."""
    from ..types import LEUKOCYTES, REFERENCES

    ranges = [
        Key(
            f"reference.{label}",
            values.RANGE,
            f"your laboratory's range of {label.replace('_', ' ')}s, lowest and highest per cent",
            list(REFERENCES[label]) if label in REFERENCES else None,
            otherwise="none",
            example=[0, 1],
            flag="--reference",
        )
        for label in LEUKOCYTES
    ]
    last = [key for key in PLAIN if key.name.startswith(AFTER_RANGES)]
    first = [key for key in PLAIN if key not in last]
    return MappingProxyType({key.name: key for key in (*first, *ranges, *last)})
