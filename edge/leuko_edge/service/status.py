"""How the service stands, as a file in its runtime directory: written whole about twice a second, read by `attach`.

The file is JSON: `schema`, `state` ("starting", "counting", "waiting" for a person, "fault"), `said` (the sentence of
`systemctl status`), `fault` (the sentence, or null), `retry_in` (seconds until the next try, or null), `question` (that
the display asks), `pid`, `until` (the file is stale when `time.monotonic()` is past it, seconds), and, once a frame was
looked at, `session` (see `SessionFields`) and `differential` (as in a report, with the number of `erythroblasts` and
of `smudges`).
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ..decision import Answer, Decision, Standing
from ..files import write_whole
from ..live.snapshot import Snapshot
from ..results.differential_fields import decision_fields, differential_fields
from ..screen import words
from ..session import Accounts, Advice, End, Focus, Light, Motion, Shown
from ..tally import Differential
from ..types import ERYTHROBLAST, SMUDGE, UNIDENTIFIED

SCHEMA = "leuko-edge-status/1"
FILE = "status.json"
FRESH = 5.0  # seconds that a status holds where nothing else was said


@dataclass(frozen=True)
class SessionFields:
    """`session` of the file: the names and their meaning are the schema's, whatever becomes of `Snapshot`.

    `decisions` are those of a report (`decision_fields`). `slide_awaited`: a new session, `paused` until its slide is
    put on.

    `advice` is one of the values of `Advice`, "" where there is nothing to do; `done` says in words why counting has
    stopped, "" while it has not, and `end` the same as one of the values of `End`, or null. `last` holds for each of
    the last cells its number, class, confidence, who named it, and of an unidentified one the class that it was nearest
    to. Lengths and times are in µm and seconds.
    """

    session: int
    sample: str
    operator: str
    source: str
    simulated: bool
    target: int | None
    precision: float | None
    widest: float
    frames_per_second: float
    advice: str
    light: str
    focus: str
    motion: str
    in_view: int
    waiting: int
    um_per_px: float | None
    areas: int
    paused: bool
    done: str
    end: str | None
    warning: str
    elapsed: float
    frames: Mapping[str, Any]
    last: Sequence[Sequence[Any]]
    slide_awaited: bool = False
    decisions: Sequence[Mapping[str, Any]] = ()

    @classmethod
    def of(cls, seen: Snapshot) -> SessionFields:
        return cls(
            **{name: getattr(seen, name) for name in _AS_THEY_ARE},
            advice=seen.advice or "",
            decisions=decision_fields(seen.decisions),
            done=words.done(seen),
            end=seen.done,
            frames={
                "captured": seen.accounts.captured,
                "counted": seen.accounts.counted,
                "skipped": dict(seen.accounts.skipped),
                "dropped": seen.accounts.dropped,
            },
            last=[[shown.id, shown.label, shown.confidence, shown.by, shown.guess] for shown in seen.last],
        )

    def snapshot(self, differential: Differential) -> Snapshot:
        """The same, without pictures. KeyError, TypeError or ValueError for what `of` does not make."""
        codes = {"light": Light(self.light), "focus": Focus(self.focus), "motion": Motion(self.motion)}
        return Snapshot(
            **{name: getattr(self, name) for name in _AS_THEY_ARE} | codes,
            differential=differential,
            accounts=Accounts(self.frames["counted"], self.frames["skipped"], self.frames["dropped"]),
            advice=Advice(self.advice) if self.advice else None,
            last=tuple(Shown(*shown) for shown in self.last),
            decisions=tuple(map(_standing, self.decisions)),
            done=None if self.end is None else End(self.end),
        )


_OTHERWISE = {"advice", "decisions", "done", "end", "frames", "last"}
_AS_THEY_ARE = tuple(each.name for each in fields(SessionFields) if each.name not in _OTHERWISE)
"""What a snapshot holds under the same name, as it is."""


@dataclass(frozen=True)
class Status:
    """What the file says. `snapshot` is the latest, without pictures; None before the first frame."""

    state: str
    said: str
    fault: str | None = None
    retry_in: float | None = None
    question: str = ""
    snapshot: Snapshot | None = None
    database: str = ""  # real path of the file that the session is in


def own_folder(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Where a service publishes: systemd's RUNTIME_DIRECTORY, else leuko-edge in the user's XDG_RUNTIME_DIR, and where
    that is not set (su, a container) a folder of the user's own among the temporary ones; None where that is another's.
    """
    given = environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    if given:
        return Path(given)
    user = environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(user):
        return Path(user) / "leuko-edge"
    own = Path(tempfile.gettempdir()) / f"leuko-edge-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        own.mkdir(mode=0o700)
    about = os.lstat(own)  # it may have been made by somebody else, to read or to answer in our place
    return own if stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid() and not about.st_mode & 0o022 else None


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
            with contextlib.suppress(OSError):
                write_whole(self._path, text.encode(), 0o640)

    def remove(self) -> None:
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)


def as_json(status: Status) -> dict[str, Any]:
    """JSON values; `from_json` makes the same of them again, without pictures."""
    said = {
        "state": status.state,
        "said": status.said,
        "fault": status.fault,
        "retry_in": status.retry_in,
        "question": status.question,
        "database": status.database,
    }
    snapshot = status.snapshot
    if snapshot is None:
        return {"schema": SCHEMA, **said, "session": None, "differential": None}
    differential = differential_fields(snapshot.differential) | {
        "erythroblasts": snapshot.differential.erythroblasts,
        "smudges": snapshot.differential.smudges,
    }
    return {"schema": SCHEMA, **said, "session": asdict(SessionFields.of(snapshot)), "differential": differential}


def from_json(data: Mapping[str, Any]) -> Status:
    """KeyError, TypeError or ValueError for what `as_json` did not write."""
    if data["schema"] != SCHEMA:
        raise ValueError(f"the status is of the kind {data['schema']!r}, {SCHEMA} is needed")
    session, snapshot = data["session"], None
    if session is not None:
        snapshot = SessionFields(**session).snapshot(_differential(data["differential"]))
    said = (data["state"], data["said"], data["fault"], data["retry_in"], data["question"])
    return Status(*said, snapshot, data.get("database", ""))


def _standing(data: Mapping[str, Any]) -> Standing:
    decision = Decision(data["class"], data["above"])
    return Standing(decision, data["count"], data["of"], Answer(data["answer"]), data["more"])


def _differential(data: Mapping[str, Any]) -> Differential:
    classes = data["classes"]
    counts = {label: row["count"] for label, row in classes.items()}
    counts |= {ERYTHROBLAST: data["erythroblasts"], SMUDGE: data.get("smudges", 0)}
    counts |= {UNIDENTIFIED: data["unidentified"], **data["excluded"]}
    ranges = {label: tuple(row["reference"]) for label, row in classes.items() if row["reference"]}
    return Differential.from_counts(counts, list(classes), ranges)
