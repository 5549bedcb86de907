"""Teaching this laboratory's model from the page, with the cells that a person named in a signed session."""

from __future__ import annotations

import threading
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..errors import UsageError
from ..results.teaching import Taught, outcome
from ..store.review import Refused
from .access import Access
from .changes import Body

Teach = Callable[[int, str, str], Taught]
"""(session, site's name, who) -> what came of it. UsageError, NothingCountable or EnvironmentBroken with a sentence."""


class Busy(Refused):
    """A site is being taught just now."""

    code = "busy"


class Teaching:
    """Only what a person asks for by name is learnt, and one site at a time: it takes a core for seconds."""

    def __init__(self, teach: Teach, access: Access) -> None:
        self._teach, self._access, self._guard = teach, access, threading.Lock()

    def teach(self, request: Request, body: Body) -> Response:
        """`written`: whether the site is from now on what these cells taught; `lines` tell a person."""
        person, name = self._access.person(request), body.get("site")
        if not isinstance(name, str) or not name.strip():
            raise UsageError("the site needs a name")
        if person is None or not self._access.named(request):
            raise Refused("say who you are", "your name stands at the top of the page")
        if not self._guard.acquire(blocking=False):
            raise Busy("a site is being taught just now", "wait for it, then ask again")
        try:
            taught = self._teach(request.path_params["session"], name.strip(), person.name)
        finally:
            self._guard.release()
        return JSONResponse({"written": bool(taught.said), "lines": [*taught.left_out, *outcome(taught)]})
