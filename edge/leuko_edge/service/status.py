"""How the service stands, as a file in its runtime directory: written whole about twice a second, read by `attach`.

The file is JSON: `schema`, `state` ("starting", "counting", "waiting" for a person, "fault"), `said` (the sentence of
`systemctl status`), `fault` (the sentence, or null), `retry_in` (seconds until the next try, or null), `question` (that
the display asks), `pid`, `until` (the file is stale when `time.monotonic()` is past it, seconds), and, once a frame was
looked at, `session` (the fields of `Snapshot` that are plain values, `frames` and `last` among them) and `differential`
(as in a report, with the number of `erythroblasts` and of `smudges`).
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..live.snapshot import Snapshot
from ..results.report import differential_fields
from ..session import Accounts, Shown
from ..tally import Differential
from ..types import ERYTHROBLAST, SMUDGE, UNIDENTIFIED

SCHEMA = "leuko-edge-status/1"
FILE = "status.json"
FRESH = 5.0  # seconds that a status holds where nothing else was said
_APART = ("differential", "accounts", "last", "outlines", "bgr", "truth")  # not plain values
_PLAIN = tuple(field.name for field in fields(Snapshot) if field.name not in _APART)


@dataclass(frozen=True)
class Status:
    """What the file says. `snapshot` is the latest, without pictures; None before the first frame."""

    state: str
    said: str
    fault: str | None = None
    retry_in: float | None = None
    question: str = ""
    snapshot: Snapshot | None = None


def own_folder(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Where a service publishes: systemd's RUNTIME_DIRECTORY, else leuko-edge in the user's XDG_RUNTIME_DIR."""
    given = environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    if given:
        return Path(given)
    user = environ.get("XDG_RUNTIME_DIR", "")
    return Path(user) / "leuko-edge" if os.path.isabs(user) else None


class StatusFile:
    """The writer's side. Whoever is in the group of the folder may read it; a failure to write stops nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / FILE
        if folder is not None:
            with contextlib.suppress(OSError):
                folder.mkdir(mode=0o750, exist_ok=True)

    def write(self, status: Status, fresh: float = FRESH) -> None:
        """`fresh`: seconds within which the next one is written."""
        if self._path is not None:
            text = json.dumps({**as_json(status), "pid": os.getpid(), "until": time.monotonic() + fresh})
            beside = self._path.with_suffix(".new")
            with contextlib.suppress(OSError):
                descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
                with open(descriptor, "w", encoding="utf-8") as stream:
                    os.fchmod(descriptor, 0o640)
                    stream.write(text)
                os.replace(beside, self._path)

    def remove(self) -> None:
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)


def as_json(status: Status) -> dict[str, Any]:
    """JSON values; `from_json` makes the same of them again, without pictures."""
    said = {name: getattr(status, name) for name in ("state", "said", "fault", "retry_in", "question")}
    snapshot = status.snapshot
    if snapshot is None:
        return {"schema": SCHEMA, **said, "session": None, "differential": None}
    accounts = snapshot.accounts
    session = {name: getattr(snapshot, name) for name in _PLAIN}
    session["frames"] = {
        "captured": accounts.captured,
        "counted": accounts.counted,
        "skipped": dict(accounts.skipped),
        "dropped": accounts.dropped,
    }
    session["last"] = [[shown.id, shown.label, shown.confidence, shown.by] for shown in snapshot.last]
    differential = differential_fields(snapshot.differential) | {
        "erythroblasts": snapshot.differential.erythroblasts,
        "smudges": snapshot.differential.smudges,
    }
    return {"schema": SCHEMA, **said, "session": session, "differential": differential}


def from_json(data: Mapping[str, Any]) -> Status:
    """KeyError, TypeError or ValueError for what `as_json` did not write."""
    if data["schema"] != SCHEMA:
        raise ValueError(f"the status is of the kind {data['schema']!r}, {SCHEMA} is needed")
    session, snapshot = data["session"], None
    if session is not None:
        frames = session["frames"]
        snapshot = Snapshot(
            **{name: session[name] for name in _PLAIN},
            differential=_differential(data["differential"]),
            accounts=Accounts(frames["counted"], frames["skipped"], frames["dropped"]),
            last=tuple(Shown(*shown) for shown in session["last"]),
        )
    return Status(data["state"], data["said"], data["fault"], data["retry_in"], data["question"], snapshot)


def _differential(data: Mapping[str, Any]) -> Differential:
    classes = data["classes"]
    counts = {label: row["count"] for label, row in classes.items()}
    counts |= {ERYTHROBLAST: data["erythroblasts"], SMUDGE: data.get("smudges", 0)}
    counts |= {UNIDENTIFIED: data["unidentified"], **data["excluded"]}
    ranges = {label: tuple(row["reference"]) for label, row in classes.items() if row["reference"]}
    return Differential.from_counts(counts, list(classes), ranges)
