"""The running count of this machine's service: how it stands, what its camera sees, and the keys of its display."""

from __future__ import annotations

import os
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..errors import UsageError
from ..live.snapshot import Snapshot
from ..results.differential_fields import differential_fields
from ..screen import words
from ..screen.keys import CLASS_KEYS
from ..store.review import Refused
from .access import Access
from .changes import Body

KEYS = tuple(word for word in words.KEYS if not word.startswith("i "))  # names are typed into the page's own fields
ANSWERS = {"y": "yes", "n": "no", "esc": "back"}
"""Keys that answer the display's questions."""


class Standing(Protocol):
    """As `service.status.Status`."""

    @property
    def said(self) -> str: ...
    @property
    def fault(self) -> str | None: ...
    @property
    def question(self) -> str: ...
    @property
    def snapshot(self) -> Snapshot | None: ...
    @property
    def database(self) -> str: ...


class Counting(Protocol):
    """The service, from another process."""

    def standing(self) -> Standing | None:
        """None where none runs."""

    def picture(self) -> bytes | None:
        """What the camera sees, JPEG; None where there is none yet."""

    def press(self, key: str, who: str) -> None:
        """A key of its display, for `who`; EnvironmentBroken where it cannot be."""


class Live:
    """What is asked of `counting` beside the sessions of the database at `path`; without it nothing counts."""

    def __init__(self, path: str, access: Access, counting: Counting | None) -> None:
        self._path, self._access, self._counting = path, access, counting

    def session(self) -> int | None:
        """The number of the session that is being counted into this database."""
        standing = self._standing()
        return standing.snapshot.session if standing is not None and standing.snapshot is not None else None

    def show(self, request: Request) -> Response:
        """204 where nothing is counted into this database."""
        standing = self._standing()
        return Response(status_code=204) if standing is None else JSONResponse(fields(standing))

    def picture(self, request: Request) -> Response:
        jpeg = self._counting.picture() if self._counting is not None and self._standing() is not None else None
        return Response(jpeg, media_type="image/jpeg") if jpeg else Response(status_code=204)

    def press(self, request: Request, body: Body) -> Response:
        """Refused to who has no name, for what a key does bears it."""
        key, person = body.get("key"), self._access.person(request)
        if not isinstance(key, str) or key not in {*(word[0] for word in KEYS), *CLASS_KEYS, *ANSWERS, " "}:
            raise UsageError("there is no such key")
        if self._counting is None or self._standing() is None:
            raise Refused("nothing is being counted here")
        if person is None or not self._access.named(request):
            raise Refused("say who you are", "your name stands at the top of the page")
        self._counting.press(key, person.name)
        return JSONResponse({"key": key})

    def _standing(self) -> Standing | None:
        standing = self._counting.standing() if self._counting is not None else None
        return standing if standing is not None and os.path.realpath(standing.database) == self._path else None


def fields(standing: Standing) -> dict[str, Any]:
    """JSON values for the page's script, in the words of the display."""
    snapshot = standing.snapshot
    said: dict[str, Any] = {"said": standing.said, "fault": standing.fault, "question": standing.question}
    if snapshot is None:
        return {**said, "session": None}
    banner = words.banner(snapshot, standing.question)
    goal, way = words.goal(snapshot)
    return {
        **said,
        "session": snapshot.session,
        "word": "FAULT" if standing.fault else banner.word,
        "hint": standing.fault or banner.hint,
        "counting": not standing.fault and not standing.question and not snapshot.paused and snapshot.advice is None,
        "goal": goal,
        "way": way,
        "differential": differential_fields(snapshot.differential),
        "told": [
            *words.decisions(snapshot),
            ", ".join(words.beside(snapshot)),
            ", ".join(words.view(snapshot)),
            words.frames(snapshot.accounts),
        ],
        "warning": snapshot.warning,
        "last": [[shown.id, shown.label, shown.by] for shown in snapshot.last],
        "keys": [word.split(" ", 1) for word in KEYS],
        "answers": ANSWERS if standing.question else {},
    }
